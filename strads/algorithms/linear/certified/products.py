"""Products of shifted columns with vectors, and residuals, for certificates: kernels and threads.

Sums are made in chunks, so that their rounding errors grow slowly; those that decide a result are
computed once more as if in twice the precision (Ogita, Rump and Oishi, Accurate sum and dot
product, SIAM J. Sci. Comput. 26(6), 2005).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.algorithms.common.threads import in_threads
from strads.algorithms.linear.certified.centring import (
    CHUNK,
    Columns,
    fill_statistics,
    shifted_entries,
)
from strads.algorithms.linear.certified.stored import stored
from strads.engine import CompileTogether, kernel


def compiled_ahead(X: Any, weight: np.ndarray) -> CompileTogether:
    """Have helpers compile what the certificate will call: else one process compiles all of it."""
    matrix = numba.typeof(stored(X))
    integer, real = numba.int64, numba.float64
    integers, reals, weights = integer[::1], real[::1], numba.typeof(weight)
    at = (matrix, integer, integer, weights)
    return CompileTogether(
        [
            (fill_statistics, (*at, integer, real, integer, integers, reals, reals, reals)),
            (add_columns, (matrix, integers, reals, weights, integers, reals, real[:, ::1])),
            (multiply, (*at, integers, reals, reals, reals)),
            (multiply_exactly, (matrix, integers, *at[1:], integers, reals, reals, reals)),
        ]
    )


def residual_of(columns: Columns, y: np.ndarray, support: np.ndarray, moved: np.ndarray):
    """Return y − Σ d_j w_j, |y| + Σ |d_j w_j|, and the number of summands."""
    columns, support = columns.local(support)
    threads = min(len(columns.ranges()), max(len(support), 1))
    shares = np.array_split(np.arange(len(support)), threads)
    sums = np.zeros((threads, 2, len(y)))
    in_threads(
        add_columns,
        [
            (columns.matrix, support[share], moved[share], columns.weight, columns.exponent,
             columns.reference, sums[t])
            for t, share in enumerate(shares)
        ],
    )  # fmt: skip
    sizes = np.abs(y) + sums[:, 1].sum(axis=0)
    return y - sums[:, 0].sum(axis=0), sizes, len(support) + threads


def scores_of(columns: Columns, weighted: np.ndarray) -> np.ndarray:
    """Return the products of all shifted columns with a vector."""
    known = columns.products(weighted)
    if known is not None:
        return known
    scores = np.zeros(columns.count)
    in_threads(
        multiply,
        [
            (columns.matrix, *cut, columns.weight, columns.exponent, columns.reference, weighted,
             scores)
            for cut in columns.ranges()
        ],
    )  # fmt: skip
    return scores


def exact_scores(columns: Columns, r: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the products of some shifted columns with weight · r, as if in twice the precision."""
    scores = np.zeros(len(ids))
    shares = np.array_split(np.arange(len(ids)), min(len(columns.ranges()), len(ids)))
    in_threads(
        multiply_exactly,
        [
            (columns.matrix, ids, int(share[0]), int(share[-1]) + 1, columns.weight,
             columns.exponent, columns.reference, r, scores)
            for share in shares
        ],
    )  # fmt: skip
    return scores


@kernel
def add_columns(matrix, support, moved, weight, exponent, reference, sums):
    """Add up columns times their weights, and in ``sums[1]`` the absolute values of these terms."""
    n = len(weight)
    rows, values = np.empty(n, np.int64), np.empty(n)
    for a, j in enumerate(support):
        count = shifted_entries(matrix, j, exponent[j], reference[j], weight, rows, values)
        for k in range(count):
            product = values[k] * moved[a]
            sums[0, rows[k]] += product
            sums[1, rows[k]] += abs(product)


@kernel
def multiply(matrix, first, last, weight, exponent, reference, weighted, scores):
    """Multiply a range of shifted columns with a vector."""
    n = len(weight)
    rows, values = np.empty(n, np.int64), np.empty(n)
    for j in range(first, last):
        count = shifted_entries(matrix, j, exponent[j], reference[j], weight, rows, values)
        scores[j] = chunked_dot(rows, values, count, weighted)


@kernel
def chunked_dot(rows, values, count, vector):
    """Multiply a column with a vector, in chunks, so that rounding errors stay small."""
    total, part = 0.0, 0.0
    for k in range(count):
        part += values[k] * vector[rows[k]]
        if k % CHUNK == CHUNK - 1:
            total += part
            part = 0.0
    return total + part


@kernel
def two_sum(a, b):
    """Return a + b, rounded, and its rounding error (Knuth)."""
    total = a + b
    virtual = total - a
    return total, (a - (total - virtual)) + (b - virtual)


@kernel
def two_product(a, b):
    """Return a · b, rounded, and its rounding error (Dekker, Veltkamp)."""
    product = a * b
    c, d = 134217729.0 * a, 134217729.0 * b
    a1, b1 = c - (c - a), d - (d - b)
    a2, b2 = a - a1, b - b1
    return product, a2 * b2 - (((product - a1 * b1) - a2 * b1) - a1 * b2)


@kernel
def multiply_exactly(matrix, ids, first, last, weight, exponent, reference, r, scores):
    """Multiply columns with weight · r by the algorithm Dot2 of Ogita, Rump and Oishi.

    The rounding errors of the shifted entries and of weight · r are added, too.
    """
    n = len(weight)
    rows, values = np.empty(n, np.int64), np.empty(n)
    for a in range(first, last):
        j = ids[a]
        # Entries are fetched without the shift, so that the loop can compute the rounding error
        # of the subtraction. The loop also adds the rows without an entry.
        count = shifted_entries(matrix, j, exponent[j], 0.0, weight, rows, values)
        total, lost = 0.0, 0.0
        at = 0
        for i in range(n if reference[j] != 0.0 else count):
            row, value = i, 0.0
            if reference[j] == 0.0:
                row, value = rows[i], values[i]
            elif at < count and rows[at] == i:
                value = values[at]
                at += 1
            d, off = two_sum(value, -reference[j])
            q, less = two_product(weight[row], r[row])
            product, rest = two_product(d, q)
            total, carry = two_sum(total, product)
            lost += carry + rest + off * q + d * less
        scores[a] = total + lost
