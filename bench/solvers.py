"""Lasso solvers under comparison: one function each, from (X, y, alpha, tol, intercept) to weights.

Libraries are imported inside: a peer that is not installed is left out, and the cold time of a
fresh process counts the import.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bench.harness.command import importable


class Answer(NamedTuple):
    """What a solver returned: weights, intercept, and where its time went, if it says so."""

    coef: np.ndarray
    intercept: float
    statistics: dict[str, Any] | None = None


#: ``solver(X, y, alpha, tol, intercept)``
Solver = Callable[[Any, np.ndarray, float, float, bool], Answer]

#: Enough for every solver; a solver that stops earlier is caught by the judge.
ITERATIONS = 100_000


def solver(name: str) -> Solver:
    """Solver by name: ``strads-P`` (P workers), ``sklearn``, ``celer`` or ``skglm``."""
    if name.startswith("strads-"):
        return _strads(int(name.removeprefix("strads-")))
    return {"sklearn": _sklearn, "celer": _celer, "skglm": _skglm}[name]


def installed(name: str) -> bool:
    """Whether a solver's library can be imported."""
    return importable(name.split("-")[0])


def quietly(fit: Callable[[], Any]) -> Any:
    """Run a fit without warnings: the judge decides what has converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit()


def _answer(model: Any) -> Answer:
    intercept = float(np.ravel(model.intercept_)[0])
    coef = np.ravel(np.asarray(model.coef_, dtype=np.float64))
    return Answer(coef, intercept, getattr(model, "statistics_", None))


def _strads(workers: int) -> Solver:
    def fit(X: Any, y: np.ndarray, alpha: float, tol: float, intercept: bool) -> Answer:
        from strads import Lasso

        model = Lasso(alpha, tol=tol, fit_intercept=intercept, n_workers=workers, random_state=0)
        return _answer(model.fit(X, y))

    return fit


def _sklearn(X: Any, y: np.ndarray, alpha: float, tol: float, intercept: bool) -> Answer:
    from sklearn.linear_model import Lasso

    model = Lasso(alpha, tol=tol, fit_intercept=intercept, max_iter=ITERATIONS)
    return _answer(model.fit(X, y))


def _celer(X: Any, y: np.ndarray, alpha: float, tol: float, intercept: bool) -> Answer:
    from celer import Lasso

    model = Lasso(alpha, tol=tol, fit_intercept=intercept, max_iter=1000, max_epochs=ITERATIONS)
    return _answer(model.fit(X, y))


def _skglm(X: Any, y: np.ndarray, alpha: float, tol: float, intercept: bool) -> Answer:
    from skglm import Lasso

    model = Lasso(alpha, tol=tol, max_iter=1000, max_epochs=ITERATIONS, fit_intercept=intercept)
    return _answer(model.fit(X, y))
