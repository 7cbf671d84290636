"""Factors of the penalties of features, and distances that the user's priorities change."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.algorithms.common.priorities import one_for_each


def sooner(away: np.ndarray, importance: np.ndarray) -> np.ndarray:
    """Return distances from constraints as if important ids were nearer to them, or beyond."""
    return np.where(away >= 0.0, away / importance, away * importance)


def weights_of_features(weights: Any, n_features: int, *, positive: bool) -> np.ndarray | None:
    """Validate factors of the penalties of features; return None where all are 1.

    Raises
    ------
    ValueError
        If there is not one for each feature, if one is negative or NaN, or if, under the constraint
        w ≥ 0, one is zero.
    """
    if weights is None:
        return None
    factors = one_for_each(weights, n_features, "weights")
    if not np.all(factors >= 0.0):
        raise ValueError("weights must not be negative or NaN: they multiply penalties")
    held = factors[(factors > 0.0) & np.isfinite(factors)]
    if len(held) and not 1e-100 <= held.min() <= held.max() <= 1e100:
        raise ValueError("weights must be 0, inf, or between 1e-100 and 1e100")
    if positive and not np.all(factors > 0.0):
        raise ValueError(
            "weights: a feature without a penalty (0) cannot be constrained to w ≥ 0; give it a "
            "small weight, or leave out positive=True"
        )
    return None if np.all(factors == 1.0) else factors
