"""cmfrec, which removes the mean: *biased* adds its biases, *cholesky* them and exact solutions.

On implicit ratings its conjugate gradients settle well above the minimum, however many their steps
and sweeps; *cholesky* is its exact solver, which does not.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import scipy.sparse as sp

from bench.harness.problem import Setting, Solver
from bench.ratings.solvers import Factors


def start(problem: Any, setting: Setting, *, biased: bool, cg: bool) -> Callable[[], Factors]:
    """Fit COO."""
    X, implicit = sp.coo_matrix(problem.load().train), problem.kind == "implicit"
    given = {
        "k": setting["rank"], "lambda_": setting["regularization"], "use_cg": cg,
        "finalize_chol": False, "niter": setting["iterations"], "nthreads": setting["workers"],
        "use_float": True, "produce_dicts": False, "precompute_for_predictions": False,
        "verbose": False,
    }  # fmt: skip

    def fit() -> Factors:
        import cmfrec

        if implicit:
            model = cmfrec.CMF_implicit(alpha=1.0, **given)
            model.fit(X)
            return Factors(model.A_, model.B_)
        model = cmfrec.CMF(
            method="als", scale_lam=True, user_bias=biased, item_bias=biased, **given
        )
        model.fit(X)
        mean = float(model.glob_mean_)
        biases = (model.user_bias_, model.item_bias_) if biased else (None, None)
        return Factors(model.A_, model.B_, *biases, mean=mean, unseen=mean)

    return fit


SOLVERS = {
    "cmfrec": Solver("cmfrec", partial(start, biased=False, cg=True)),
    "cmfrec-biased": Solver("cmfrec", partial(start, biased=True, cg=True), only="explicit"),
    "cmfrec-cholesky": Solver("cmfrec", partial(start, biased=True, cg=False)),
}
