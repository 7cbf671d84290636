"""Ratings that stay in files, for the factorisation estimators."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.datasets import MappedMatrix


def in_files(model: Any, X: MappedMatrix) -> MappedMatrix:
    """Check ratings in files; the estimator gets ``n_features_in_``.

    Parameters
    ----------
    model : estimator
    X : MappedMatrix

    Raises
    ------
    ValueError
        If they are not sparse, not there in both orders, or have entries that are not finite.
    DataError
        If a file is not what it was when it was mapped.
    """
    name = type(model).__name__
    if not X.sparse or X.by_columns or X.turned is None:
        raise ValueError(
            f"{name} reads ratings by rows and by columns, but {X!r} has one of them: make a "
            "folder by `strads convert DATA TO --by both`, and map that"
        )
    X.check()
    X.turned.check()
    if X.nnz == 0:
        raise ValueError("X stores no entry: there is nothing to fit")
    if np.isnan(X.sums()[1]).any():
        raise ValueError("Input X contains NaN or infinity; leave these ratings out")
    model.n_features_in_ = X.shape[1]
    if hasattr(model, "feature_names_in_"):
        del model.feature_names_in_
    return X


def demand_served(model: Any, solver: str, *, held: bool) -> None:
    """Refuse what cannot be done with ratings in files.

    Parameters
    ----------
    model : estimator
    solver : str
        The solver that the user asks for.
    held : bool
        Whether entries to hold out are given.
    """
    if solver not in ("auto", "als"):
        raise ValueError(
            f"X stays in its files, and solver={solver!r} needs ratings in memory: give "
            "solver='als', without constraints, l1 or another schedule"
        )
    if model.early_stopping and not held:
        raise ValueError(
            "X stays in its files, from which nothing can be held out: give `validation`, or "
            "early_stopping=False"
        )


def extremes(X: Any) -> tuple[float, float]:
    """Return the smallest and the largest entry of ratings in memory or in files."""
    if isinstance(X, MappedMatrix):
        low, high = X.sums()[1].tolist()
        return low, high
    return float(X.data.min(initial=0.0)), float(X.data.max(initial=0.0))
