"""liblinear-multicore: LIBLINEAR with two threads for each model, in the dual and in the primal."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from bench.harness.problem import Setting, Solver
from bench.svm.solvers import Answer

#: Loss → number of the solver in the dual, and in the primal if there is one.
NUMBERS = {
    "squared_hinge": (1, 2), "hinge": (3, None), "epsilon_insensitive": (13, None),
    "squared_epsilon_insensitive": (12, 11),
}  # fmt: skip


def start(problem: Any, setting: Setting, *, dual: bool) -> Callable[[], Answer]:
    """Prepare a fit; X is brought into the form of the library before."""
    from liblinear.liblinear import parameter
    from liblinear.liblinear import problem as given
    from liblinear.liblinearutil import train

    number = NUMBERS[problem.loss][0 if dual else 1]
    if number is None:
        raise ValueError("LIBLINEAR solves problems with losses that are not squared in the dual")
    X, y = problem.load()
    data, bias = given(y, sp.csr_matrix(X)), 1 if problem.intercept else -1
    words = f"-s {number} -c {problem.C} -p {problem.epsilon} -e {setting['tol']} -B {bias} -q -m 2"

    def fit() -> Answer:
        model = train(data, parameter(words))
        count = len(problem.targets)
        rows = model.nr_feature + problem.intercept
        weights = np.ctypeslib.as_array(model.w, (rows * count,)).reshape(rows, count).T.copy()
        found = {} if not problem.objective.classes else model.get_labels()
        if found and count > 1:
            weights = weights[np.argsort(found)]
        elif found and found[0] == min(found):
            weights = -weights  # its model speaks for the label that comes first
        if not problem.intercept:
            return Answer(weights, np.zeros(count))
        return Answer(weights[:, :-1], weights[:, -1])

    return fit


SOLVERS = {
    "multicore-dual": Solver("liblinear-multicore", partial(start, dual=True), "liblinear"),
    "multicore-primal": Solver("liblinear-multicore", partial(start, dual=False), "liblinear"),
}
