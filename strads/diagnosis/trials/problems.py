"""The five problems that can be diagnosed: their estimators, their data, and parts of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite

from strads.algorithms.factorization.matrix_factorization import MatrixFactorization
from strads.algorithms.linear.classification.linear_svc import LinearSVC
from strads.algorithms.linear.classification.sparse_logistic_regression import (
    SparseLogisticRegression,
)
from strads.algorithms.linear.regression.lasso import Lasso
from strads.algorithms.topics.lda import LatentDirichletAllocation
from strads.engine import DataError

#: Without a penalty, that of which nothing is left in the model is divided by this.
DIVISOR = 20.0


@dataclass(frozen=True)
class Problem:
    """A kind of problem.

    Attributes
    ----------
    name : str
    estimator : type
    rows, columns : str
        What the rows and the columns of X are.
    variables : callable
        Number of variables of a model, from X, y and the model.
    bytes_per_entry : callable
        Bytes that a sweep reads and writes for an entry of X, from the model.
    target : bool
        Whether there is a y.
    sweeps : bool
        Whether a fit has as many sweeps as `max_iter` says.
    """

    name: str
    estimator: Callable[..., Any]
    rows: str
    columns: str
    variables: Callable[[Any, Any, Any], int]
    bytes_per_entry: Callable[[Any], float]
    target: bool = True
    sweeps: bool = False

    @property
    def labels(self) -> bool:
        """Whether y has labels."""
        return self.name in ("logistic", "svm")

    def model(self, settings: dict[str, Any]) -> Any:
        """Return an estimator with these settings, which are checked."""
        unknown = sorted(set(settings) - set(self.estimator().get_params()))
        if unknown:
            raise ValueError(
                f"{unknown[0]!r} is no parameter of {type(self.estimator()).__name__}, which solves"
                f" problem={self.name!r}; leave it out"
            )
        return self.estimator(**settings)

    def fit(self, model: Any, X: Any, y: Any) -> Any:
        """Fit a model to data."""
        return model.fit(X, y) if self.target else model.fit(X)


def _classes(y: Any) -> int:
    labels = len(np.unique(y))
    return labels if labels > 2 else 1


PROBLEMS = {
    each.name: each
    for each in (
        Problem("lasso", Lasso, "rows", "features", lambda X, y, model: X.shape[1],
                lambda model: 12.0),
        Problem("logistic", SparseLogisticRegression, "rows", "features",
                lambda X, y, model: X.shape[1] * _classes(y), lambda model: 12.0),
        Problem("svm", LinearSVC, "rows", "features",
                lambda X, y, model: X.shape[0] * _classes(y), lambda model: 24.0),
        Problem("mf", MatrixFactorization, "users", "items",
                lambda X, y, model: sum(X.shape) * (model.n_components + 1),
                lambda model: 12.0 + 4.0 * 4.0 * model.n_components, target=False, sweeps=True),
        Problem("lda", LatentDirichletAllocation, "documents", "words",
                lambda X, y, model: int(X.sum()),
                lambda model: 8.0 + 8.0 * model.n_components, target=False, sweeps=True),
    )
}  # fmt: skip


def problem_of(name: str) -> Problem:
    """Return a problem by its name.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if name not in PROBLEMS:
        raise ValueError(f"problem={name!r} is not one of {', '.join(PROBLEMS)}")
    return PROBLEMS[name]


def checked_data(problem: Problem, X: Any, y: Any) -> tuple[Any, Any]:
    """Return X and y as the estimator would read them without another copy.

    Raises
    ------
    ValueError
        If X is no matrix or not finite, or y is missing, superfluous, no numbers, or of another
        length.
    """
    if not sp.issparse(X):
        X = np.asarray(X)
    if X.ndim != 2 or min(X.shape) == 0:
        raise DataError(f"X has the shape {X.shape}; give a matrix with rows and columns")
    if X.dtype.kind not in "fiub":
        raise DataError(f"X has the type {X.dtype}; give numbers")
    assert_all_finite(X, input_name="X")
    if problem.target:
        if y is None:
            raise DataError(f"problem={problem.name!r} needs a target y; give one number a row")
        y = np.asarray(y).ravel()
        if len(y) != X.shape[0]:
            raise DataError(f"y has {len(y)} entries, X has {X.shape[0]} rows; give as many")
        if not problem.labels:
            y = y.astype(np.float64)
            assert_all_finite(y, input_name="y")
    elif y is not None:
        raise DataError(f"problem={problem.name!r} has no target; leave y out")
    if problem.name == "lda" and (X.data if sp.issparse(X) else X).min(initial=0) < 0:
        raise DataError("X has negative entries; problem='lda' needs counts of words")
    return _laid_out(problem, X), y


def _laid_out(problem: Problem, X: Any) -> Any:
    """Return X in the layout that the estimator uses as it is."""
    if problem.name == "lda":
        return sp.csr_array(X)
    if not sp.issparse(X):
        if problem.name == "mf":
            return X
        return X.astype(np.promote_types(X.dtype, np.float32), copy=False)
    if problem.name in ("lasso", "logistic"):
        X = sp.csc_array(X)
    else:
        X = sp.csr_array(X)
    return X if X.dtype.kind == "f" else X.astype(np.float64)


def entries_of(X: Any) -> int:
    """Return the number of entries that are stored."""
    return int(X.nnz) if sp.issparse(X) else int(np.size(X))


def bytes_of(X: Any) -> int:
    """Return the bytes of a matrix."""
    parts = (X.data, X.indices, X.indptr) if sp.issparse(X) else (X,)
    return sum(int(part.nbytes) for part in parts)


def defaults(problem: Problem, X: Any, y: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with what a fit cannot do without: a penalty that suits the data.

    Raises
    ------
    DataError
        If no penalty suits them.
    """
    if problem.name != "lasso" or "alpha" in settings:
        return dict(settings)
    largest = largest_penalty(X, y)
    if largest == 0.0:
        raise DataError("y depends on no column of X, so there is no penalty to try; give alpha")
    return {"alpha": largest / DIVISOR, **settings}


def largest_penalty(X: Any, y: np.ndarray) -> float:
    """Return max |x_jᵀ(y − ȳ)| / n: a Lasso with a larger alpha has no weights."""
    return float(np.abs(scores(X, y)).max()) / X.shape[0]


def scores(X: Any, y: np.ndarray) -> np.ndarray:
    """Return x_jᵀ(y − ȳ) of all columns; labels count as numbers."""
    values = np.unique(y, return_inverse=True)[1] if y.dtype.kind not in "fiub" else y
    centred = values.astype(np.float64) - values.mean()
    return product(X.T, centred)


def product(X: Any, v: np.ndarray) -> np.ndarray:
    """Return Xv in double precision, computed in that of X: otherwise NumPy would copy X."""
    found = X @ v.astype(X.dtype if X.dtype.kind == "f" else np.float64)
    return np.asarray(found, dtype=np.float64).ravel()


def part_of(problem: Problem, X: Any, y: Any, share: float, seed: int) -> tuple[Any, Any]:
    """Return a random part of the rows, in which each class keeps some.

    Parameters
    ----------
    problem : Problem
    X, y
        Data; y may be None.
    share : float
        Share of the rows, at most 1.
    seed : int
    """
    if share >= 1.0:
        return X, y
    rng, count = np.random.default_rng(seed), X.shape[0]
    chosen = rng.random(count) < share
    if problem.labels:
        chosen[np.unique(y, return_index=True)[1]] = True
    if not chosen.any():
        chosen[rng.integers(count)] = True
    rows = np.flatnonzero(chosen)
    return X[rows], None if y is None else y[rows]
