"""The user's own priorities: a positive number for each of what an estimator moves."""

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
    found = one_for_each(priorities, count, "priorities", what)
    if not np.all((found >= 1e-100) & (found <= 1e100)):
        raise ValueError(
            f"priorities must lie between 1e-100 and 1e100: they multiply the scores by which "
            f"{what} are chosen; none is left out because of its priority"
        )
    return None if np.all(found == found[0]) else found


def one_for_each(given: Any, count: int, name: str, what: str = "features") -> np.ndarray:
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
