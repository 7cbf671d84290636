"""Ids of an axis as somebody gives them: whole numbers, or a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.engine.errors import ProgramError


def whole_ids(ids: Any, size: int, source: str) -> np.ndarray:
    """Return ids, or those that a boolean mask of the axis selects, as an array of int64.

    Parameters
    ----------
    ids : array-like of int, or of bool with one entry per id of the axis
    size : int
        Number of ids on the axis.
    source : str
        Beginning of error messages.

    Raises
    ------
    ProgramError
        If an id is not on the axis, or is not a whole number.
    """
    given = np.asarray(ids).ravel()
    if given.dtype == bool:
        if len(given) != size:
            raise ProgramError(
                f"{source}: a mask must have one entry for each of the {size} ids of the axis, "
                f"not {len(given)}"
            )
        return np.flatnonzero(given)
    if not len(given):
        return np.empty(0, np.int64)
    if given.dtype.kind not in "iu":
        raise ProgramError(
            f"{source}: ids must be whole numbers, or a mask with one bool for each id; these are "
            f"of type {given.dtype}"
        )
    outside = given[(given < 0) | (given >= size)]
    if len(outside):
        raise ProgramError(
            f"{source}: {listed(outside)} not on the axis, whose ids are 0 to {size - 1}"
        )
    return given.astype(np.int64, copy=False)


def listed(ids: np.ndarray) -> str:
    """Name ids as the subject of a sentence."""
    first = ", ".join(map(str, ids[:5]))
    rest = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return f"id {first} is" if len(ids) == 1 else f"ids {first}{rest} are"
