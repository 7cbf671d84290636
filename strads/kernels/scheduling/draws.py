"""Priority by draws: a worker's next id is drawn with probability proportional to its weight.

Every worker has a tree of the weights of its ids. A drawn id has weight zero until its feedback has
been observed, so it is never in flight twice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.borrowed import borrowed
from strads.kernels.random import uniform
from strads.kernels.scheduling.clearance import DRAWS, KEY
from strads.kernels.scheduling.sumtree import sumtree_build, sumtree_draw, sumtree_set, sumtree_sum

kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

#: All weights are raised to the present floor once changes have grown by this factor. An id that
#: was weighed while changes were tiny would otherwise have next to no weight ever after.
_RISE = 10.0


class DrawBook(NamedTuple):
    """State of a policy that draws ids, in flat arrays."""

    trees: np.ndarray  # (workers, length): weights of the ids, see sumtree.py
    offsets: np.ndarray  # (levels,): where each level of a tree begins
    bounds: np.ndarray  # (workers + 1,): the partition of the axis
    waiting: np.ndarray  # (workers, capacity): deferred ids, oldest first
    n_waiting: np.ndarray  # (workers,): how many wait
    deferrals: np.ndarray  # (size,): how often in a row each id has been deferred
    stamps: np.ndarray  # (size,): micro-round in which each id last moved
    flight: np.ndarray  # (depth, workers, per): ids of earlier micro-rounds still in flight
    n_flight: np.ndarray  # (depth, workers): how many are in flight
    lease: np.ndarray  # (3, workers): of the lease being filled, see fill()
    spent: np.ndarray  # (workers,): costs of each worker's ids in the micro-round being filled
    counts: np.ndarray  # int64: one word for each constant of clearance.py
    scale: np.ndarray  # (2,): decaying maximum of changes; its minimum since weights were raised


@kernel
def reset(book: Any, p: int, weights: np.ndarray) -> None:
    """Set the weights of all ids of worker `p`."""
    sumtree_build(book.trees[p], book.offsets, weights)


@inlined
def draw(book: Any, p: int) -> int:
    """Draw one of worker `p`'s ids and set its weight to 0; return -1 if all weights are 0."""
    tree = book.trees[p]
    j = sumtree_draw(tree, book.offsets, uniform(book.counts[KEY], p, book.counts[DRAWS]))
    if j < 0:
        return np.int64(-1)
    book.counts[DRAWS] += 1
    sumtree_set(tree, book.offsets, j, 0.0)
    return np.int64(j + book.bounds[p])


@inlined
def _size(change: float) -> float:
    """Absolute value of a change; 0 if it is not finite, which is reported elsewhere."""
    size = abs(change)
    return size if size < np.inf else 0.0


@kernel
def _lift(book: Any, p: int, least: float) -> None:
    """Raise the positive weights of worker `p`'s ids to at least `least`."""
    tree = book.trees[p]
    for i in range(book.offsets[len(book.offsets) - 1], len(tree)):
        if 0.0 < tree[i] < least:
            tree[i] = least
    sumtree_sum(tree, book.offsets)


@kernel
def observe_draws(
    book: Any, ids: np.ndarray, cuts: np.ndarray, change: np.ndarray, micro: int, floor: float
) -> None:
    """Set the weights of the ids of a finished lease: |change| plus a share of the largest change.

    Parameters
    ----------
    book : DrawBook
        Changed in place.
    ids, cuts, change : ndarray
        Of the lease.
    micro : int
    floor : float
        The weight of an id is its absolute change plus `floor` times the decaying maximum of all.
    """
    book, ids, cuts, change = borrowed(book), borrowed(ids), borrowed(cuts), borrowed(change)
    top = 0.0
    for p in range(ids.shape[0]):
        for i in range(cuts[p, micro]):
            top = max(top, _size(change[p, i]))
    # The maximum decays, so that the floor becomes smaller with the changes as the run converges.
    book.scale[0] = max(top, 0.9 * book.scale[0])
    least = floor * book.scale[0] + 1e-300
    if book.scale[0] > _RISE * book.scale[1]:
        for p in range(ids.shape[0]):
            _lift(book, p, least)
        book.scale[1] = book.scale[0]
    book.scale[1] = min(book.scale[1], book.scale[0])
    for p in range(ids.shape[0]):
        for i in range(cuts[p, micro]):
            weight = _size(change[p, i]) + least
            sumtree_set(book.trees[p], book.offsets, ids[p, i] - book.bounds[p], weight)
