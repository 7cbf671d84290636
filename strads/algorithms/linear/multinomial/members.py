"""The choice of the pairs that a step moves."""

from __future__ import annotations

from typing import Final

import numpy as np

from strads.algorithms.linear.for_features import sooner

#: Smallest number of members, if there are so many candidates.
FIRST: Final = 128
#: Pairs whose scores are below the penalty by less than this share of it may be members, or by less
#: than the gap if that is smaller.
NEAR: Final = 0.1


def choose_members(
    score: np.ndarray, w: np.ndarray, penalty: float, gap: float, most: int, *, positive: bool,
    importance: np.ndarray | float = 1.0,
) -> np.ndarray:  # fmt: skip
    """Return the pairs with weights and, beside them, those whose scores exceed the penalty most.

    There are at most as many others as pairs with weights, but at least `FIRST` in all.

    Parameters
    ----------
    score, w : ndarray of shape (m, K)
        Scores and weights.
    penalty : float
    gap : float
        Relative gap of the weights.
    most : int
        Largest number of members. If more have weights, those that violate their optimality
        conditions most are chosen.
    positive : bool
        Whether weights are constrained to W ≥ 0.
    importance : float or ndarray of shape (m,), default=1.0
        By which the excess of each row of scores over the penalty is multiplied, for the choice.

    Returns
    -------
    ndarray of int
        Places in `score`, flattened, in ascending order.
    """
    held = w != 0.0
    excess = (score if positive else np.abs(score)) - penalty
    chosen = np.flatnonzero(held | (excess > -min(gap, NEAR) * penalty))
    room = min(max(FIRST, 2 * int(held.sum())), most)
    if len(chosen) <= room:
        return chosen
    if held.sum() > room:
        rank = np.where(held, np.abs(score - np.sign(w) * penalty), excess)
    else:
        rank = np.where(held, np.inf, excess)
    away = sooner(-rank, np.reshape(importance, (-1, 1))).ravel()[chosen]
    return np.sort(chosen[np.argpartition(away, room - 1)[:room]])
