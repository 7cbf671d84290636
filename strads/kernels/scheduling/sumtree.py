"""A tree of sums for drawing ids in proportion to their weights.

Every node has 8 children, which fill one cache line: a draw or an update touches one line for each
level, eight lines for ten million ids. Level 0 is the root, which holds the sum of all weights; the
last level holds the weights. A changed sum is recomputed from all its children, never incremented:
so rounding errors do not add up, and equal weights give equal trees, whatever happened before.
"""

from __future__ import annotations

import numba
import numpy as np

kernel = numba.njit(nogil=True, error_model="numpy")
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)

FAN = 8


def sumtree_layout(n: int) -> tuple[int, np.ndarray]:
    """Return the length of the tree's array and the offsets of its levels, root first."""
    sizes = [max(1, n)]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // FAN))
    padded = [-(-size // FAN) * FAN for size in reversed(sizes)]
    offsets = np.concatenate([[0], np.cumsum(padded)]).astype(np.int64)
    return int(offsets[-1]), offsets[:-1]


def sumtree_empty(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a tree of n zero weights, aligned to cache lines, and its offsets."""
    length, offsets = sumtree_layout(n)
    raw = np.zeros(length + FAN)
    shift = (-raw.ctypes.data // 8) % FAN
    return raw[shift : shift + length], offsets


@kernel
def sumtree_build(tree: np.ndarray, offsets: np.ndarray, weights: np.ndarray) -> None:
    """Set all weights; ids behind the given ones get weight 0.

    Parameters
    ----------
    tree, offsets : ndarray
        From :func:`sumtree_empty`; `tree` is written in place.
    weights : ndarray of float64, shape (≤ n,)
    """
    first = offsets[len(offsets) - 1]
    for i in range(len(weights)):
        tree[first + i] = weights[i]
    for i in range(first + len(weights), len(tree)):
        tree[i] = 0.0
    sumtree_sum(tree, offsets)


@kernel
def sumtree_sum(tree: np.ndarray, offsets: np.ndarray) -> None:
    """Compute all sums anew from the weights in the last level of `tree`, in place."""
    last = len(offsets) - 1
    for level in range(last, 0, -1):
        size = (offsets[level + 1] if level < last else len(tree)) - offsets[level]
        for parent in range(size // FAN):
            _sum_children(tree, offsets, level, parent)


@inlined
def _sum_children(tree: np.ndarray, offsets: np.ndarray, level: int, parent: int) -> None:
    first = offsets[level] + parent * FAN
    a = (tree[first] + tree[first + 1]) + (tree[first + 2] + tree[first + 3])
    b = (tree[first + 4] + tree[first + 5]) + (tree[first + 6] + tree[first + 7])
    tree[offsets[level - 1] + parent] = a + b


@inlined
def sumtree_set(tree: np.ndarray, offsets: np.ndarray, j: int, weight: float) -> None:
    """Set the weight of id `j`, and the sums above it, in place."""
    last = len(offsets) - 1
    tree[offsets[last] + j] = weight
    for level in range(last, 0, -1):
        j //= FAN
        _sum_children(tree, offsets, level, j)


@inlined
def sumtree_draw(tree: np.ndarray, offsets: np.ndarray, u: float) -> int:
    """Return the id at which the running sum of weights exceeds ``u * total``; -1 if all are 0.

    Parameters
    ----------
    u : float
        Uniform in [0, 1).
    """
    if not tree[0] > 0.0:
        return -1
    rest = u * tree[0]
    node = 0
    for level in range(1, len(offsets)):
        first = offsets[level] + node * FAN
        child = 0
        fallback = -1  # last child with a weight: taken if rounding leads past all children
        while child < FAN:
            weight = tree[first + child]
            if weight > 0.0:
                fallback = child
                if rest < weight:
                    break
                rest -= weight
            child += 1
        if child == FAN:
            child = fallback
            rest = tree[first + child]
        node = node * FAN + child
    return node
