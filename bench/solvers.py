"""Lasso solvers under comparison: functions of (X, y, alpha, tol, intercept) that return weights.

Libraries are imported when a solver is called: a peer that is not installed can be left out, and
the cold time of a fresh process includes the import.
"""

from __future__ import annotations

import importlib
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


class Peer(NamedTuple):
    """A library with an estimator `Lasso`, and what it is given beside alpha, tol and intercept."""

    module: str
    given: dict[str, int]


#: Peers by name: a new one is a line here.
PEERS = {
    "sklearn": Peer("sklearn.linear_model", {"max_iter": ITERATIONS}),
    "celer": Peer("celer", {"max_iter": 1000, "max_epochs": ITERATIONS}),
    "skglm": Peer("skglm", {"max_iter": 1000, "max_epochs": ITERATIONS}),
}


def solver(name: str) -> Solver:
    """Solver by name: ``strads-P`` (P workers), or one of `PEERS`."""
    peer = PEERS.get(name)
    if peer is None:
        peer = Peer("strads", {"n_workers": int(name.removeprefix("strads-")), "random_state": 0})

    def fit(X: Any, y: np.ndarray, alpha: float, tol: float, intercept: bool) -> Answer:
        estimator = importlib.import_module(peer.module).Lasso
        model = estimator(alpha, tol=tol, fit_intercept=intercept, **peer.given).fit(X, y)
        coef = np.ravel(np.asarray(model.coef_, dtype=np.float64))
        return Answer(coef, float(np.ravel(model.intercept_)[0]),
                      getattr(model, "statistics_", None))  # fmt: skip

    return fit


def installed(name: str) -> bool:
    """Whether a solver's library can be imported."""
    return importable(name.split("-")[0])


def quietly(fit: Callable[[], Any]) -> Any:
    """Run a fit without warnings: the judge decides what has converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit()
