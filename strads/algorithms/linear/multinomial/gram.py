"""The Gram matrix of pairs in the second-order expansion of the loss.

With probabilities q_i of sample i and its weight ω_i, the entry of the pairs (j, k) and (l, m) is

    Σ_i ω_i x_ij x_il q_ik (δ_km − q_im)

Members are sorted by class. ``count``, then ``place`` gather x_il q_im of all members by rows. In
``gram``, a worker takes tiles of members; for a member (j, k) it walks the entries of column j and
adds up the products with all members before it at once. ``cross`` are the entries of a member and
the intercepts, Σ_i ω_i x_ij q_ik (δ_km − q_im).
"""

from __future__ import annotations

from strads.engine import kernel
from strads.kernels.linear.entries import column_range, entry, part_range

#: Number of members that a worker takes at a time: a cache line of G in single precision.
TILE = 16


@kernel
def push_count(rows, X, softened, count, members, row_end):
    """Count the entries of the members in each of my rows."""
    classes = softened.shape[1]
    for i in range(rows[0], rows[1]):
        row_end[i] = 0
    for a in range(count):
        j = members[a] // classes
        first, end = part_range(X, j, rows)
        for e in range(first, end):
            i, _ = entry(X, j, e)
            row_end[i] += 1


@kernel
def push_place(rows, X, softened, count, members, row_start, row_end, column, value):
    """Store the products that `push_count` counted by rows, in each row by ascending member."""
    classes = softened.shape[1]
    for i in range(rows[0], rows[1]):
        row_end[i] = row_start[i]
    for a in range(count):
        j, k = members[a] // classes, members[a] % classes
        first, end = part_range(X, j, rows)
        for e in range(first, end):
            i, x = entry(X, j, e)
            at = row_end[i]
            column[at] = a
            value[at] = x * softened[i, k]
            row_end[i] = at + 1


@kernel
def add_products(X, b, pair, first_of, softened, row_weight, lists, sums, cross):
    """Add up the products of a member with the members up to itself, and with the intercepts."""
    row_start, row_end, column, value = lists
    classes = softened.shape[1]
    j, k = pair // classes, pair % classes
    sums[: b + 1] = 0.0
    for m in range(classes):
        cross[b, m] = 0.0
    first, end = column_range(X, j)
    for e in range(first, end):
        i, x = entry(X, j, e)
        whole = row_weight[i] * x
        share = whole * softened[i, k]
        for at in range(row_start[i], row_end[i]):
            c = column[at]
            if c > b:
                break
            sums[c] += (whole - share if c >= first_of else -share) * value[at]
        for m in range(classes):
            cross[b, m] -= share * softened[i, m]
        cross[b, k] += share


@kernel
def push_gram(
    worker, workers, X, row_weight, softened, ridge, count, members, first_alike, row_start,
    row_end, column, value, sums, G, curvature, cross,
):  # fmt: skip
    """Compute my tiles of G, and the products of my members with the intercepts."""
    lists = (row_start, row_end, column, value)
    for first in range(worker * TILE, count, workers * TILE):
        for b in range(first, min(first + TILE, count)):
            add_products(X, b, members[b], first_alike[b], softened, row_weight, lists, sums, cross)
            for c in range(b + 1):
                G[b, c] = G[c, b] = sums[c]
            curvature[b] = sums[b] + ridge
            G[b, b] = curvature[b]
