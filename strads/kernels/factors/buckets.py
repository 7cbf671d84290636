"""Put ratings into the order of the gradient steps: by groups of users and slices of items.

The users of each worker are cut into groups, and the items into slices, so small that their rows of
factors fit the cache of a core. The ratings of one group and one slice stand together: they are a
bucket. Within a bucket, the ratings of one user are spread out, since a step has to wait for the
step before if both change the row of the same user.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

kernel = numba.njit(nogil=True, error_model="numpy")

#: Successive ratings of a user are put this share of the bucket's size apart: the golden section,
#: which spreads any number of ratings evenly.
SPREAD = 0.6180339887498949


class Places(NamedTuple):
    """Where the rows and columns of the matrix of ratings went when it was laid out.

    Attributes
    ----------
    users : ndarray of int64
        Laid-out user → row of the matrix.
    items : ndarray of int32
        Column of the matrix → laid-out item.
    group : ndarray of int32
        Laid-out user → group, numbered over all workers.
    slice : ndarray of int32
        Laid-out item → slice.
    """

    users: np.ndarray
    items: np.ndarray
    group: np.ndarray
    slice: np.ndarray


@kernel
def count_buckets(
    indptr: np.ndarray, indices: np.ndarray, places: Places, first: int, last: int, counts: Any
) -> None:  # fmt: skip
    """Count the ratings of laid-out users first..last−1 in every bucket.

    Parameters
    ----------
    indptr, indices : ndarray
        The rows of the matrix, in CSR format.
    places : Places
    first, last : int
    counts : ndarray of shape (groups, slices)
        Added to in place.
    """
    for u in range(first, last):
        row, group = places.users[u], places.group[u]
        for k in range(np.uint64(indptr[row]), np.uint64(indptr[row + 1])):
            s = places.slice[np.uint64(places.items[np.uint64(indices[k])])]
            counts[np.uint64(group), np.uint64(s)] += 1


@kernel
def coprime(size: int) -> int:
    """Return a step near ``SPREAD * size`` that visits all `size` positions of a bucket."""
    step = max(1, int(SPREAD * size))
    while _gcd(step, size) != 1:
        step += 1
    return step


@kernel
def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


@kernel
def fill_buckets(
    indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, places: Places, first: int,
    last: int, starts: np.ndarray, counts: np.ndarray, shift: np.ndarray, user: np.ndarray,
    item: np.ndarray, value: np.ndarray,
) -> None:  # fmt: skip
    """Write the ratings of laid-out users first..last−1 into their buckets.

    Parameters
    ----------
    indptr, indices, values : ndarray
        The rows of the matrix, in CSR format.
    places : Places
    first, last : int
    starts, counts : ndarray of shape (groups, slices)
        First position and size of every bucket.
    shift : ndarray of shape (2,)
        A rating r is written as ``(r - shift[0]) * shift[1]``.
    user, item, value : ndarray of shape (ratings,)
        Written in place: laid-out user, laid-out item and rating.
    """
    slices = counts.shape[1]
    at, step = np.zeros(slices, np.int64), np.ones(slices, np.int64)
    size, begin = np.zeros(slices, np.int64), np.zeros(slices, np.int64)
    before = -1
    for u in range(first, last):
        row, group = places.users[u], places.group[u]
        if group != before:
            before = group
            for s in range(slices):
                at[s], size[s], begin[s] = 0, counts[group, s], starts[group, s]
                step[s] = coprime(size[s]) if size[s] else 1
        for k in range(np.uint64(indptr[row]), np.uint64(indptr[row + 1])):
            i = places.items[np.uint64(indices[k])]
            s = np.uint64(places.slice[np.uint64(i)])
            t = np.uint64(begin[s] + at[s])
            user[t], item[t], value[t] = u, i, (values[k] - shift[0]) * shift[1]
            at[s] += step[s]
            if at[s] >= size[s]:
                at[s] -= size[s]
