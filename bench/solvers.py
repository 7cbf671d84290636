"""Lasso solvers under comparison: one function each, from (X, y, alpha, tol) to weights.

Libraries are imported inside: a peer that is not installed is left out, and the cold time of a
fresh process counts the import.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Answer = tuple[np.ndarray, float]
Solver = Callable[[Any, np.ndarray, float, float], Answer]

#: Enough for every solver; a solver that stops earlier is caught by the judge.
ITERATIONS = 100_000


def solver(name: str) -> Solver:
    """Solver by name: ``strads-P`` (P workers), ``sklearn``, ``celer`` or ``skglm``."""
    if name.startswith("strads-"):
        return _strads(int(name.removeprefix("strads-")))
    return {"sklearn": _sklearn, "celer": _celer, "skglm": _skglm}[name]


def installed(name: str) -> bool:
    """Whether a solver's library can be imported."""
    return importlib.util.find_spec(name.split("-")[0]) is not None


def quietly(fit: Callable[[], Any]) -> Any:
    """Run a fit without warnings: the judge decides what has converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit()


def _answer(model: Any) -> Answer:
    intercept = float(np.ravel(model.intercept_)[0])
    return np.ravel(np.asarray(model.coef_, dtype=np.float64)), intercept


def _strads(workers: int) -> Solver:
    def fit(X: Any, y: np.ndarray, alpha: float, tol: float) -> Answer:
        from strads import Lasso

        return _answer(Lasso(alpha, tol=tol, n_workers=workers, random_state=0).fit(X, y))

    return fit


def _sklearn(X: Any, y: np.ndarray, alpha: float, tol: float) -> Answer:
    from sklearn.linear_model import Lasso

    return _answer(Lasso(alpha, tol=tol, max_iter=ITERATIONS).fit(X, y))


def _celer(X: Any, y: np.ndarray, alpha: float, tol: float) -> Answer:
    from celer import Lasso

    return _answer(Lasso(alpha, tol=tol, max_iter=1000, max_epochs=ITERATIONS).fit(X, y))


def _skglm(X: Any, y: np.ndarray, alpha: float, tol: float) -> Answer:
    from skglm import Lasso

    model = Lasso(alpha, tol=tol, max_iter=1000, max_epochs=ITERATIONS, fit_intercept=True)
    return _answer(model.fit(X, y))
