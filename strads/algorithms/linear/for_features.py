"""Parameters with a number for each feature: factors of penalties, and the user's priorities."""

from __future__ import annotations

from typing import Any

import numpy as np


def priorities_of(priorities: Any, count: int, what: str = "features") -> np.ndarray | None:
    """Validate the priorities of features or of others; return None where all are alike.

    Raises
    ------
    ValueError
        If there is not one for each feature, or if one is not a positive number.
    """
    if priorities is None:
        return None
    found = _one_for_each(priorities, count, "priorities", what)
    if not np.all((found >= 1e-100) & (found <= 1e100)):
        raise ValueError(
            f"priorities must lie between 1e-100 and 1e100: they multiply the scores by which "
            f"{what} are chosen; none is left out because of its priority"
        )
    return None if np.all(found == found[0]) else found


def _one_for_each(given: Any, count: int, name: str, what: str = "features") -> np.ndarray:
    """Return a parameter that has a number for each feature, or each of others."""
    try:
        found = np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers: {error}") from error
    if found.shape != (count,):
        raise ValueError(
            f"{name} must have one entry for each of the {count} {what}, and has the shape "
            f"{found.shape}"
        )
    return found


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
    factors = _one_for_each(weights, n_features, "weights")
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
