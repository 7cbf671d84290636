"""Covariances as users give them: data, or the matrix itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from strads.algorithms.covariance.covariances import CovariancesOfData
from strads.engine import sound


def checked_data(model: Any, X: Any) -> np.ndarray:
    """Return what an estimator is fitted to as float64, and set its ``location_``.

    Raises
    ------
    ValueError
        If X is invalid, or has one variable or one sample only.
    """
    made = np.asarray(validate_data(model, sound(X), dtype=np.float64, ensure_min_features=2))
    if getattr(model, "covariance", None) is not None:
        model.location_ = np.zeros(made.shape[1])  # not known
        return symmetric(made)
    if len(made) < 2:
        raise ValueError(f"X has n_samples={len(made)}; covariances need at least 2 samples")
    centred = model.assume_centered
    model.location_ = np.zeros(made.shape[1]) if centred else made.mean(axis=0)
    return made


def checked_covariances(model: Any, X: Any) -> np.ndarray:
    """Return the whole matrix of covariances of what an estimator is fitted to.

    Raises
    ------
    ValueError
        See :func:`checked_data`.
    """
    made = checked_data(model, X)
    if model.covariance is not None:
        return made
    return CovariancesOfData(made - model.location_).columns(0, made.shape[1])


def symmetric(S: np.ndarray) -> np.ndarray:
    """Return a given matrix of covariances, exactly symmetric.

    Raises
    ------
    ValueError
        If it is not square, or not symmetric beyond rounding.
    """
    if S.shape[0] != S.shape[1]:
        raise ValueError(
            f"covariance='precomputed', but X has the shape {S.shape}: a square matrix of "
            "covariances is needed; leave out `covariance` to give data"
        )
    sizes = np.abs(S)
    rounding = 1e-8 * sizes + 1e-12 * sizes.max(initial=0.0)
    if not (np.abs(S - S.T) <= rounding).all():
        raise ValueError(
            "covariance='precomputed', but X is not symmetric; give (X + X.T) / 2 if it is a "
            "matrix of covariances"
        )
    return 0.5 * (S + S.T)


def demand_variances(diagonal: np.ndarray, squares: np.ndarray | None = None) -> None:
    """Refuse variances from which no precision can be computed.

    Parameters
    ----------
    diagonal : ndarray of shape (p,)
    squares : ndarray of shape (p,), optional
        Mean squares of the data; a variance of less than rounding errors of these counts as zero.

    Raises
    ------
    ValueError
    """
    least = np.zeros(len(diagonal)) if squares is None else 1e-28 * squares
    with np.errstate(divide="ignore", over="ignore"):
        good = (diagonal > least) & np.isfinite(diagonal) & np.isfinite(1.0 / diagonal)
    bad = np.flatnonzero(~good)
    if len(bad):
        named = ", ".join(str(k) for k in bad[:5]) + (", …" if len(bad) > 5 else "")
        one = len(bad) == 1
        raise ValueError(
            f"variable{'' if one else 's'} {named} {'has' if one else 'have'} no positive, finite "
            f"variance (variable {bad[0]}: {diagonal[bad[0]]:.3g}), so no precision is finite; "
            "leave out variables that are constant, and scale those of extreme sizes"
        )
