"""Solvers of paths and of cross-validation, a module each."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.harness.problem import Setting, Solver


def library(name: str, module: str, **given: Any) -> Solver:
    """A library with a function `enet_path` and an estimator `ElasticNetCV`."""

    def start(problem: Any, setting: Setting) -> Callable[[], np.ndarray]:
        (X, y), alphas, ratio = problem.load(), problem.alphas, problem.l1_ratio
        workers = setting["workers"]
        threads = {"n_workers": workers or None} if name == "strads" else {}

        def path() -> np.ndarray:
            found = importlib.import_module(module).enet_path(
                X, y, l1_ratio=ratio, alphas=alphas, tol=setting["tol"], **given, **threads
            )
            return np.asarray(found[1])

        def cross_validation() -> np.ndarray:
            kind = importlib.import_module(module).ElasticNetCV
            jobs = {} if name == "strads" else {"n_jobs": workers}
            model = kind(l1_ratio=ratio, alphas=alphas, cv=problem.folds, tol=setting["tol"],
                         **given, **threads, **jobs)  # fmt: skip
            return np.asarray(model.fit(X, y).mse_path_)

        return cross_validation if hasattr(problem, "folds") else path

    return Solver(name, start, module.partition(".")[0])
