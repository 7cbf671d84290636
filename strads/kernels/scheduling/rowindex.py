"""Index of the moving columns by row: correlations at the cost of the common entries only.

Comparing a candidate with the moving columns pair by pair goes through all their entries. Instead,
every row has a list of the entries that moving columns have in it, and one pass over the rows of
the candidate adds up its inner products with all moving columns.

::

    heads[slot, row] ──▶ node ──▶ node ──▶ -1      node: (next, place), value
                                  place ──▶ placed[slot, place] = id of the column

Every micro-round that may be in flight has a slot of its own, which is emptied when the micro-round
is no longer in flight.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.scheduling.coupling import Columns

#: From this share of stored entries on, columns are compared pair by pair.
DENSE = 0.25
kernel = numba.njit(nogil=True, error_model="numpy")
# Inlined, so that no references to borrowed arrays are counted.
inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)


class Indexed(NamedTuple):
    """Columns of a sparse matrix with an index of those that move."""

    columns: Any  # Columns
    heads: np.ndarray  # int32 (slots, rows): first node of a row's list, -1 if the list is empty
    links: np.ndarray  # int32 (slots, nodes, 2): next node, place of the node's column
    values: np.ndarray  # (slots, nodes): entries of the matrix
    placed: np.ndarray  # int64 (slots, places): columns
    used: np.ndarray  # int64 (slots, 2): places and nodes in use
    sums: np.ndarray  # (places,): work space, all zero between calls


def goes_by_rows(A: Any) -> bool:
    """Whether a matrix is sparse enough for an index by row.

    A candidate costs as many steps as moving columns have entries in its rows. Where most columns
    have entries in most rows, it is cheaper to compare a few pairs of whole columns.
    """
    if not isinstance(A, tuple):
        return False
    return len(A.indices) < DENSE * _rows(A) * (len(A.indptr) - 1)


def _rows(A: Any) -> int:
    """Return the number of the last row that has an entry, + 1."""
    return int(A.indices.max(initial=-1)) + 1


def indexed(columns: Columns, places: int, slots: int) -> Indexed:
    """Return an empty index for at most `places` columns in each of `slots` micro-rounds."""
    nodes, rows = _room(columns.A, places)
    return Indexed(
        columns, np.full((slots, rows), -1, np.int32), np.zeros((slots, nodes, 2), np.int32),
        np.zeros((slots, nodes)), np.zeros((slots, places), np.int64),
        np.zeros((slots, 2), np.int64), np.zeros(places),
    )  # fmt: skip


def indexed_nbytes(A: Any, places: int, slots: int) -> int:
    """Bytes of the index that :func:`indexed` returns."""
    nodes, rows = _room(A, places)
    return slots * (4 * rows + 16 * nodes + 8 * places + 16) + 8 * places


def _room(A: Any, places: int) -> tuple[int, int]:
    """Return the number of entries in the `places` longest columns, and the number of rows."""
    if not places:  # an index that is only used to find out its types
        return 1, 1
    lengths = np.diff(A.indptr)
    if places < len(lengths):
        lengths = np.partition(lengths, len(lengths) - places)[-places:]
    return max(1, int(lengths.sum())), max(1, _rows(A))


@inlined
def index_add(c: Any, slot: int, j: int) -> None:
    """Add column `j` to a slot: put its entries into the lists of their rows."""
    A = c.columns.A
    place, node = c.used[slot, 0], c.used[slot, 1]
    for at in range(A.indptr[j], A.indptr[j + 1]):
        row = A.indices[at]
        c.links[slot, node, 0] = c.heads[slot, row]
        c.links[slot, node, 1] = place
        c.values[slot, node] = A.data[at]
        c.heads[slot, row] = node
        node += 1
    c.placed[slot, place] = j
    c.used[slot, 0] = place + 1
    c.used[slot, 1] = node


@kernel
def index_clear(c: Any, slot: int) -> None:
    """Empty a slot, in time proportional to the entries that it holds."""
    A = c.columns.A
    for place in range(c.used[slot, 0]):
        j = c.placed[slot, place]
        for at in range(A.indptr[j], A.indptr[j + 1]):
            c.heads[slot, A.indices[at]] = -1
    c.used[slot, 0] = 0
    c.used[slot, 1] = 0


@kernel
def _add_up(
    rows: np.ndarray, data: np.ndarray, heads: np.ndarray, links: np.ndarray, values: np.ndarray,
    sums: np.ndarray,
) -> int:  # fmt: skip
    """Add a column's inner products with all placed columns to `sums`; count multiplications."""
    products = 0
    for at in range(len(rows)):
        node = heads[rows[at]]
        while node >= 0:
            sums[links[node, 1]] += np.float64(data[at]) * values[node]
            node = links[node, 0]
            products += 1
    return products


@kernel
def _any_strong(
    j: int, placed: np.ndarray, sums: np.ndarray, norms: np.ndarray, lo: int, hi: int, rho: float
) -> bool:
    """Whether any inner product in `sums` means a correlation of at least `rho`; zero `sums`.

    Column `j` itself and columns k with ``lo <= k < hi`` do not count.
    """
    limit = rho * norms[j]
    found = False
    for place in range(len(placed)):
        if sums[place] != 0.0:
            k = placed[place]
            if abs(sums[place]) >= limit * norms[k] and k != j and not lo <= k < hi:
                found = True
            sums[place] = 0.0
    return found


@kernel
def index_meets(c: Any, j: int, lo: int, hi: int, rho: float) -> bool:
    """Whether column `j` has a correlation of at least `rho` with any moving column.

    Column `j` itself and columns k with ``lo <= k < hi`` do not count.
    """
    A = c.columns.A
    norms = c.columns.norms
    first, end = A.indptr[j], A.indptr[j + 1]
    rows, data = A.indices[first:end], A.data[first:end]
    for slot in range(c.heads.shape[0]):
        n = c.used[slot, 0]
        if n > 0:
            c.columns.counts[0] += _add_up(
                rows, data, c.heads[slot], c.links[slot], c.values[slot], c.sums
            )
            if _any_strong(j, c.placed[slot, :n], c.sums, norms, lo, hi, rho):
                return True
    return False


@kernel
def _add_up_touched(
    rows: np.ndarray, data: np.ndarray, heads: np.ndarray, links: np.ndarray, values: np.ndarray,
    sums: np.ndarray, touched: np.ndarray,
) -> tuple[int, int]:  # fmt: skip
    """Add up like `_add_up`; write into `touched` which places have got a sum, and count them."""
    n = products = 0
    for at in range(len(rows)):
        node = heads[rows[at]]
        while node >= 0:
            place = links[node, 1]
            if sums[place] == 0.0 and n < len(touched):
                touched[n] = place
                n += 1
            sums[place] += np.float64(data[at]) * values[node]
            node = links[node, 0]
            products += 1
    return products, n


@inlined
def index_strong(c: Any, j: int, lo: int, hi: int, rho: float, found: np.ndarray) -> int:
    """Write into `found` the columns of slot 0 with a correlation of at least `rho` with `j`.

    Column `j` itself and columns k with ``lo <= k < hi`` do not count. Returns how many there are.
    `found` has twice as many words as the slot has places: its second half is work space.
    """
    A, norms, n = c.columns.A, c.columns.norms, 0
    first, end = A.indptr[j], A.indptr[j + 1]
    rows, data = A.indices[first:end], A.data[first:end]
    places = len(found) // 2
    touched = found[places:]
    products, count = _add_up_touched(
        rows, data, c.heads[0], c.links[0], c.values[0], c.sums, touched
    )
    c.columns.counts[0] += products
    # A sum that has come back to 0 is noted twice. If there is no room for that, look at all.
    every = count == places
    limit = rho * norms[j]
    for i in range(c.used[0, 0] if every else count):
        place = i if every else touched[i]
        size = abs(c.sums[place])
        if size != 0.0:
            k = c.placed[0, place]
            if size >= limit * norms[k] and k != j and not lo <= k < hi:
                found[n] = k
                n += 1
            c.sums[place] = 0.0
    return n
