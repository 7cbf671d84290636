"""Grids of penalties: from the least one without any weights down, in equal ratios."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

#: Most penalties of a path that is chosen by their number.
MOST = 1_000_000


def largest_alpha(
    X: Any, y: np.ndarray, sample_weight: np.ndarray | None, *, centred: bool, positive: bool
) -> float:
    """Return the least α of a Lasso whose weights are all zero: max_j ‖x_jᵀ(y − ȳ)‖ / n.

    Parameters
    ----------
    X : csc matrix or ndarray of shape (n, p)
    y : ndarray of shape (n,) or (n, K)
        With several targets, the norm is that of a feature's scores for all of them.
    sample_weight : ndarray or None
        Rows count with these weights, and n is their sum.
    centred : bool
        Whether there is an intercept.
    positive : bool
        Whether weights are constrained to w ≥ 0.
    """
    scores = scores_at_zero(X, y, sample_weight, centred=centred)
    if positive:
        return float(max(scores.max(initial=0.0), 0.0))
    with np.errstate(over="ignore"):  # grid_of refuses an infinite penalty
        return float(np.linalg.norm(scores.reshape(len(scores), -1), axis=1).max(initial=0.0))


def scores_at_zero(
    X: Any, y: np.ndarray, sample_weight: np.ndarray | None, *, centred: bool
) -> np.ndarray:
    """Return Xᵀ(y − ȳ) / n, for each column of y if it has several.

    Parameters
    ----------
    X, y, sample_weight, centred
        See :func:`largest_alpha`.
    """
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    missed = y - np.average(y, axis=0, weights=weight) if centred else y
    weighted = weight * missed if y.ndim == 1 else weight[:, None] * missed
    scores: np.ndarray = np.asarray(X.T @ weighted) / weight.sum()
    return scores


def grid_of(
    alphas: int | Sequence[float] | np.ndarray, eps: float, largest: float, l1_ratio: float
) -> np.ndarray:
    """Return penalties in descending order.

    Parameters
    ----------
    alphas : int or array-like
        How many, or which.
    eps : float
        Smallest α divided by the largest.
    largest : float
        What :func:`largest_alpha` returns.
    l1_ratio : float

    Raises
    ------
    ValueError
        If a penalty is negative or not finite, or if there is none; if the grid is to be chosen
        and l1_ratio is 0 or `largest` is not finite.
    """
    if not isinstance(alphas, Integral):
        given = np.asarray(alphas, np.float64).ravel()
        if len(given) == 0:
            raise ValueError(f"alphas={alphas!r} must be a number of penalties, or penalties")
        for k in np.flatnonzero(~(np.isfinite(given) & (given >= 0.0))):
            raise ValueError(f"alphas[{k}] == {given[k]}, must be >= 0.0 and finite")
        return np.sort(given)[::-1]
    if not 1 <= int(alphas) <= MOST:
        raise ValueError(f"alphas={alphas!r} must be from 1 to {MOST:,}, or an array of penalties")
    if l1_ratio == 0.0:
        raise ValueError(
            "Automatic alpha grid generation is not supported for l1_ratio=0. Please supply a grid "
            "by providing your estimator with the appropriate `alphas=` argument: without an L1 "
            "penalty no α is the least without any weights"
        )
    if not np.isfinite(largest):
        raise ValueError(
            "no grid of penalties can be chosen, since the largest one overflows: divide X or y by "
            "a large number, or give the penalties as `alphas`"
        )
    least = np.finfo(np.float64).resolution
    if largest <= least:
        return np.full(int(alphas), least)
    grid = np.geomspace(largest / l1_ratio, largest / l1_ratio * eps, num=int(alphas))
    return np.sort(grid)[::-1]
