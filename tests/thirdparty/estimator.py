"""An estimator on the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from strads.engine import Engine, compile_kernel, sound
from thirdparty.files import save
from thirdparty.program import SparseProgram


def count(values):
    """Numbers that are not zero: compiled by itself, outside of any program."""
    found = 0
    for value in values:
        found += value != 0.0
    return found


class SparseRegression(RegressorMixin, BaseEstimator):
    """Least squares with an L1 penalty."""

    def __init__(self, penalty: float = 1.0, n_workers: int = 2) -> None:
        self.penalty = penalty
        self.n_workers = n_workers

    def fit(self, X: Any, y: Any) -> SparseRegression:
        X, y = validate_data(self, sound(X), y, accept_sparse="csc", dtype=np.float64)
        with Engine(workers=self.n_workers, executor="serial") as engine:
            result = engine.run(
                SparseProgram(A=X, b=y, penalty=float(self.penalty)),
                tol=1e-10, epochs=500, align=False,
            )  # fmt: skip
        self.coef_, self.status_ = result.state["w"], result.status
        self.statistics_ = result.statistics
        counted = compile_kernel(count, (numba.typeof(self.coef_),))
        self.n_nonzero_ = int(counted.entry(self.coef_))
        return self

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return np.asarray(validate_data(self, sound(X), reset=False) @ self.coef_)

    def save(self, path: Path) -> None:
        save(path, self.coef_)
