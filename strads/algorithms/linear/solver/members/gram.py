"""Grow the Gram matrix of a working set by the products of its fresh members with all members.

In text and one-hot data a few dense columns have most of the entries, and so nearly all of the
products. The phases for sparse X treat these columns apart:

* ``panel`` (once): the columns of X that fill at least a sixteenth of the rows, at most 128 of
  them, are copied to a dense matrix stored by rows, the panel.
* ``products``: the products of a member with all columns of the panel are sums of rows of the
  panel, computed with vector instructions.
* ``count``, then ``place``: the entries of the other fresh members are gathered by rows.
* ``gram``: each worker takes tiles of members. For a member it walks the entries of its column and
  adds up its products with all gathered members at once. Of the products of fresh members with each
  other only half is computed; the other half is copied, a cache line at a time (`mirror`).

Column j of the problem is u∘x_j − x̄_j u, with u = √sample_weight (ones without); x̄_j is the
weighted mean. Values are rounded to single precision before they are multiplied. The result is the
Gram matrix of a slightly perturbed X, hence positive semi-definite up to its storage in single
precision. The product of two such columns is Σ u_i² x_ij x_ik − n x̄_j x̄_k.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.engine import kernel
from strads.kernels.linear.sparse_columns import column_part

#: Number of members that a worker takes at a time: a cache line of G in single precision.
TILE = 16
#: Largest number of fresh members at a time: their numbers are stored in 16 bits.
MOST_FRESH = 1 << 15
#: Largest numbers of columns and of entries of the panel, which should stay in the cache.
MOST_DENSE, MOST_PANEL = 128, 1 << 22
#: A column belongs to the panel if it fills at least this share of the rows.
DENSE = 1.0 / 16.0
#: Sums in single precision are added to sums in double precision after so many products.
FLUSH = 256


blocked = numba.njit(nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})


def dense_columns(indptr: np.ndarray, n: int) -> np.ndarray:
    """Return the sorted ids of the columns for the panel; `n` is the number of rows."""
    entries = np.diff(indptr)
    ids = np.flatnonzero(entries >= max(DENSE * n, 1.0))
    most = min(MOST_DENSE, MOST_PANEL // max(n, 1))
    largest = np.argsort(-entries[ids], kind="stable")[:most]
    return np.sort(ids[largest])


@kernel
def push_panel(rows, X, unit, dense, panel):
    """Write the entries of the dense columns to my rows of the panel."""
    for s, j in enumerate(dense):
        if j < 0:
            continue
        first, last = column_part(X, j, rows)
        for k in range(np.uint64(first), np.uint64(last)):
            i = np.uint64(X.indices[k])
            panel[i, s] = X.data[k] * unit[i]


@kernel
def push_products(worker, workers, X, unit, fresh, until, members, panel, sums, products):
    """Multiply my share of the fresh members with all columns of the panel."""
    width = panel.shape[1]
    part = np.zeros(width, np.float32)
    for a in range(fresh + worker, until, workers):
        at, end = np.uint64(X.indptr[members[a]]), np.uint64(X.indptr[members[a] + 1])
        sums[:width] = 0.0
        while at < end:
            stop = min(end, at + np.uint64(FLUSH))
            for k in range(at, stop):
                i = np.uint64(X.indices[k])
                x = np.float32(X.data[k] * unit[i])
                for s in range(width):
                    part[s] += x * panel[i, s]
            for s in range(width):
                sums[s] += part[s]
                part[s] = 0.0
            at = stop
        for s in range(width):
            products[a, s] = sums[s]


@kernel
def push_count(rows, X, fresh, until, members, slot, row_end):
    """Count, in each of my rows, the entries of the fresh members that are not in the panel."""
    row_end[rows[0] : rows[1]] = 0
    for a in range(fresh, until):
        if slot[members[a]] >= 0:
            continue
        first, last = column_part(X, members[a], rows)
        for k in range(np.uint64(first), np.uint64(last)):
            row_end[np.uint64(X.indices[k])] += 1


@kernel
def push_place(rows, X, unit, fresh, until, members, slot, row_start, row_end, column, value):
    """Store the entries that `push_count` counted by rows, in each row by ascending member."""
    for i in range(rows[0], rows[1]):  # copying a slice takes a second more to compile
        row_end[i] = row_start[i]
    for a in range(fresh, until):
        if slot[members[a]] >= 0:
            continue
        first, last = column_part(X, members[a], rows)
        for k in range(np.uint64(first), np.uint64(last)):
            i = np.uint64(X.indices[k])
            at = row_end[i]
            column[at] = a - fresh
            value[at] = X.data[k] * unit[i]
            row_end[i] = at + 1


@kernel
def add_up(X, unit, j, width, row_start, row_end, column, value, sums):
    """Sum the products of column `j` with the first `width` fresh members."""
    sums[:width] = 0.0
    for k in range(np.uint64(X.indptr[j]), np.uint64(X.indptr[j + 1])):
        i = np.uint64(X.indices[k])
        x = np.float32(X.data[k] * unit[i])
        for e in range(np.uint64(row_start[i]), np.uint64(row_end[i])):
            c = np.uint64(column[e])
            if c >= width:
                break
            sums[c] += np.float64(x * value[e])


@kernel
def mirror(G, first, last, fresh, until):
    """Copy the new entries of a tile of rows of G to the symmetric columns."""
    for a in range(fresh, until):
        for b in range(max(first, a + 1) if first >= fresh else first, last):
            if b < fresh or b > a:
                G[a, b] = G[b, a]


@kernel
def push_gram(
    worker, workers, X, unit, mean, samples, ridge, fresh, until, members, slot, products,
    row_start, row_end, column, value, sums, G, curvature,
):  # fmt: skip
    """Compute my tiles of G for sparse columns."""
    for first in range(worker * TILE, until, workers * TILE):
        last = min(first + TILE, until)
        for b in range(first, last):
            j = members[b]
            width = until - fresh if b < fresh else b - fresh + 1
            if slot[j] < 0:
                add_up(X, unit, j, np.uint64(width), row_start, row_end, column, value, sums)
            shift = samples * mean[j]
            for c in range(width):
                k = members[fresh + c]
                product = sums[c]
                if slot[j] >= 0:
                    product = np.float64(products[fresh + c, slot[j]])
                elif slot[k] >= 0:
                    product = np.float64(products[b, slot[k]])
                G[b, fresh + c] = product - shift * mean[k]
            if b >= fresh:
                G[b, b] += ridge
                curvature[b] = G[b, b]
        mirror(G, first, last, fresh, until)


@blocked
def products_4x4(X, weight, j, k, out):
    """Multiply four dense columns with four others, so that each entry loaded serves four products.

    Each row counts with its weight.

    The compiler may reorder the sums into vector lanes; the compiled code, and so the order, is the
    same in every process.
    """
    a0, a1, a2, a3 = X[:, j[0]], X[:, j[1]], X[:, j[2]], X[:, j[3]]
    b0, b1, b2, b3 = X[:, k[0]], X[:, k[1]], X[:, k[2]], X[:, k[3]]
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = 0.0
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = 0.0
    for i in range(X.shape[0]):
        c = weight[i]
        w, x, y, z = c * b0[i], c * b1[i], c * b2[i], c * b3[i]
        s00, s01, s02, s03 = s00 + a0[i] * w, s01 + a0[i] * x, s02 + a0[i] * y, s03 + a0[i] * z
        s10, s11, s12, s13 = s10 + a1[i] * w, s11 + a1[i] * x, s12 + a1[i] * y, s13 + a1[i] * z
        s20, s21, s22, s23 = s20 + a2[i] * w, s21 + a2[i] * x, s22 + a2[i] * y, s23 + a2[i] * z
        s30, s31, s32, s33 = s30 + a3[i] * w, s31 + a3[i] * x, s32 + a3[i] * y, s33 + a3[i] * z
    out[0, 0], out[0, 1], out[0, 2], out[0, 3] = s00, s01, s02, s03
    out[1, 0], out[1, 1], out[1, 2], out[1, 3] = s10, s11, s12, s13
    out[2, 0], out[2, 1], out[2, 2], out[2, 3] = s20, s21, s22, s23
    out[3, 0], out[3, 1], out[3, 2], out[3, 3] = s30, s31, s32, s33


@kernel
def push_gram_dense(
    worker, workers, X, weight, mean, samples, ridge, fresh, until, members, G, curvature
):
    """Compute my tiles of G for dense columns."""
    out = np.zeros((4, 4))
    j, k = np.zeros(4, np.int64), np.zeros(4, np.int64)
    for first in range(worker * TILE, until, workers * TILE):
        last = min(first + TILE, until)
        for b in range(first, last, 4):
            top = min(b + 4, last)
            for a in range(fresh, until if b < fresh else top, 4):
                for c in range(4):  # repeats the last column where fewer than four are left
                    j[c] = members[min(b + c, top - 1)]
                    k[c] = members[min(a + c, until - 1)]
                products_4x4(X, weight, j, k, out)
                for c in range(top - b):
                    for d in range(min(4, until - a)):
                        if a + d <= b + c or b + c < fresh:
                            shift = samples * mean[j[c]] * mean[k[d]]
                            G[b + c, a + d] = out[c, d] - shift
        for b in range(max(first, fresh), last):
            G[b, b] += ridge
            curvature[b] = G[b, b]
        mirror(G, first, last, fresh, until)
