"""Solvers of the Lasso, a module each."""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bench.harness.problem import Setting, Solver

#: Enough for every solver; one that stops earlier is caught by the judge.
ITERATIONS = 100_000


class Answer(NamedTuple):
    """What a solver returned, and the model, which may say more."""

    coef: np.ndarray
    intercept: float
    model: Any


def estimator(library: str, module: str = "", **given: Any) -> Solver:
    """A library with an estimator `Lasso`, and what that is given beside alpha and tolerance."""

    def start(problem: Any, setting: Setting) -> Callable[[], Answer]:
        (X, y), alpha = problem.load(), problem.alpha
        own = {"n_workers": setting["workers"] or None} if library == "strads" else {}

        def fit() -> Answer:
            kind = importlib.import_module(module or library).Lasso
            model = kind(alpha, tol=setting["tol"], fit_intercept=problem.intercept,
                         **given, **own).fit(X, y)  # fmt: skip
            coef = np.ravel(np.asarray(model.coef_, dtype=np.float64))
            return Answer(coef, float(np.ravel(model.intercept_)[0]), model)

        return fit

    return Solver(library, start, module.partition(".")[0])
