"""scikit-learn: codes by coordinate descent, which begins from those of the last epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.harness.problem import Setting, Solver


def start(problem: Any, setting: Setting) -> Callable[[], Any]:
    """Prepare a fit to all signals, with worker processes if there is more than one."""
    X = problem.load()
    first = problem.first.astype(X.dtype)
    codes = np.zeros((len(X), problem.atoms), X.dtype)

    def fit() -> Any:
        from sklearn.decomposition import DictionaryLearning

        model = DictionaryLearning(
            problem.atoms, alpha=problem.alpha, max_iter=setting["iterations"], tol=0.0,
            fit_algorithm="cd", dict_init=first.copy(), code_init=codes.copy(),
            n_jobs=setting["workers"],
        )  # fmt: skip
        return model.fit(X).components_, None

    return fit


def start_batches(problem: Any, setting: Setting) -> Callable[[], Any]:
    """Prepare a fit to mini-batches."""
    X = problem.load()
    first = problem.first.astype(X.dtype)

    def fit() -> Any:
        from sklearn.decomposition import MiniBatchDictionaryLearning

        model = MiniBatchDictionaryLearning(
            problem.atoms, alpha=problem.alpha, max_iter=setting["iterations"], tol=0.0,
            max_no_improvement=None, fit_algorithm="cd", dict_init=first.copy(), batch_size=1024,
            n_jobs=setting["workers"],
        )  # fmt: skip
        return model.fit(X).components_, None

    return fit


SOLVERS = {"sklearn": Solver("scikit-learn", start, "sklearn"),
           "sklearn-batches": Solver("scikit-learn", start_batches, "sklearn")}  # fmt: skip
