"""Groups of features, as users say them."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from strads.algorithms.common.priorities import priorities_of


class Groups:
    """A partition of the features, and a weight of the penalty for each group.

    Parameters
    ----------
    groups : int, sequence of int, or sequence of sequences of int
        The size of all groups, which are contiguous; the sizes of contiguous groups one after
        another; or the features of each group.
    weights : None, "sqrt" or array-like of shape (n_groups,)
        None: 1 for every group. "sqrt": the root of its size. A group of infinite weight has no
        weights of features.
    n_features : int

    Attributes
    ----------
    of : ndarray of int, shape (n_features,)
        Number of the group of each feature.
    order : ndarray of int, shape (n_features,)
        The features, group by group.
    start : ndarray of int, shape (n_groups + 1,)
        Where each group begins in `order`.
    weights : ndarray of float, shape (n_groups,)

    Raises
    ------
    ValueError
        If the groups are no partition of the features, or a weight is not positive.
    """

    def __init__(self, groups: Any, weights: Any, n_features: int) -> None:
        parts = self._parts(groups, n_features)
        sizes = np.array([len(part) for part in parts], dtype=np.int64)
        self.order = np.concatenate([np.asarray(part, np.int64) for part in parts])
        self.start = np.concatenate([[0], np.cumsum(sizes)])
        if not np.array_equal(np.sort(self.order), np.arange(n_features)):
            raise ValueError(
                f"groups must have every feature from 0 to {n_features - 1} exactly once; they "
                f"have {len(self.order)} entries, {len(np.unique(self.order))} of them different"
            )
        self.of = np.empty(n_features, np.int64)
        self.of[self.order] = np.repeat(np.arange(len(sizes)), sizes)
        self.weights = self._weights(weights, sizes)

    def importance(self, priorities: Any) -> np.ndarray | None:
        """Return the priorities of groups for each feature; None where all are alike.

        Raises
        ------
        ValueError
            If there is not one for each group, or if one is not a positive number.
        """
        found = priorities_of(priorities, self.count, "groups")
        return None if found is None else found[self.of]

    @property
    def count(self) -> int:
        """Number of groups."""
        return len(self.weights)

    @property
    def widest(self) -> int:
        """Number of features of the largest group."""
        return int(np.diff(self.start).max())

    def members(self, group: int) -> np.ndarray:
        """Return the features of a group."""
        members: np.ndarray = self.order[self.start[group] : self.start[group + 1]]
        return members

    def lengths(self, values: np.ndarray) -> np.ndarray:
        """Return the norm of each group's part of values, one a feature."""
        squares: np.ndarray = np.bincount(self.of, weights=values**2, minlength=self.count)
        return np.sqrt(squares)

    def largest_alpha(self, scores: np.ndarray, *, positive: bool) -> float:
        """Return the least penalty that leaves no weight: the largest ‖scores of a group‖ / weight.

        Parameters
        ----------
        scores : ndarray of shape (n_features, n_targets)
            XᵀY / n at the weights 0.
        positive : bool
            Whether weights are constrained to w ≥ 0, so that negative scores count nothing.
        """
        with np.errstate(over="ignore"):  # an infinite penalty is refused by grid_of
            norms = np.linalg.norm(np.maximum(scores, 0.0) if positive else scores, axis=1)
            return float((self.lengths(norms) / self.weights).max(initial=0.0))

    @staticmethod
    def _parts(groups: Any, n_features: int) -> list[Any]:
        if isinstance(groups, Integral) and not isinstance(groups, bool):
            if groups < 1 or n_features % groups:
                raise ValueError(
                    f"groups={groups!r} must divide the number of features, {n_features}; give "
                    "the sizes of the groups, or the features of each, as a list"
                )
            return list(np.arange(n_features).reshape(-1, int(groups)))
        given = list(groups)
        if not given:
            raise ValueError("groups is empty; give the features of each group")
        if all(isinstance(size, Integral) for size in given):
            if min(given) < 1 or sum(given) != n_features:
                raise ValueError(
                    f"groups are sizes whose sum is {sum(given)}; they must be at least 1 each, "
                    f"and {n_features}, the number of features, together"
                )
            return np.split(np.arange(n_features), np.cumsum(given)[:-1])
        for number, part in enumerate(given):
            if not isinstance(part, Sequence | np.ndarray) or len(part) == 0:
                raise ValueError(f"groups[{number}]={part!r} must be a list of features")
        return given

    @staticmethod
    def _weights(weights: Any, sizes: np.ndarray) -> np.ndarray:
        if weights is None:
            return np.ones(len(sizes))
        if isinstance(weights, str):
            if weights != "sqrt":
                raise ValueError(f"weights={weights!r} must be 'sqrt', None or an array")
            return np.sqrt(sizes)
        found = np.asarray(weights, dtype=np.float64)
        if found.shape != (len(sizes),):
            raise ValueError(
                f"weights must have one number for each of the {len(sizes)} groups, and have the "
                f"shape {found.shape}"
            )
        for number in np.flatnonzero(~(found > 0.0)):
            raise ValueError(f"weights[{number}]={found[number]} must be positive, or infinite")
        return found
