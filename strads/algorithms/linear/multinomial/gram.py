"""The Gram matrix of pairs in the second-order expansion of the loss.

With probabilities q_i of sample i and its weight ω_i, the entry of the pairs (j, k) and (l, m) is

    Σ_i ω_i x_ij q_ik x_il (δ_km − q_im)

Members are sorted by class. ``count``, then ``place`` gather the products a_i = x_ij q_ik of all
members by rows.

In ``gram``, a worker takes tiles of members, as many as there are lanes. In each row where the tile
has products, they are multiplied with those of all members before: that is −Σ ω a a', for a whole
tile at a time. What members of the same class have beside it, Σ ω x a', needs only the few products
that stand just before a member's own in its row.

``cross`` are the entries of a member and the intercepts, Σ_i ω_i x_ij q_ik (δ_km − q_im), which a
phase of that name computes first. With ``carried``, what the intercepts do when a member moves, a
tile loses the part of the intercepts before it is written.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from strads.engine import kernel
from strads.kernels.lanes import LANES, load, madd, splat, store
from strads.kernels.linear.entries import column_range, entry, part_range

#: Curvature loses digits where intercepts are eliminated; this share of what it was is left.
LEAST: Final = 1e-9


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
def fill_tile(X, first, last, members, row_weight, softened, tile, marked):
    """Write the products of a tile of members, times −ω, by rows, and mark these rows."""
    classes = softened.shape[1]
    for b in range(first, last):
        j, k = members[b] // classes, members[b] % classes
        begin, end = column_range(X, j)
        for e in range(begin, end):
            i, x = entry(X, j, e)
            tile[i, b - first] = -row_weight[i] * (x * softened[i, k])
            marked[i] = 1


@kernel
def add_alike(i, at, first, alike, k, row_weight, softened, begin, column, value, out):
    """Add the products of a member, at place `at` of row i, with those of its class before it."""
    lane = np.int64(column[at]) - first
    whole = row_weight[i] * (value[at] / softened[i, k])
    while at > begin and column[at - 1] >= alike:
        at -= 1
        out[np.int64(column[at]), lane] += whole * value[at]


@kernel
def add_tile(
    first, last, members, first_alike, row_weight, softened, row_start, row_end, column, value,
    tile, marked, out,
):  # fmt: skip
    """Add up the products of a tile of members with all members up to them, but for the diagonal.

    Column b of `out` is the member `first` + b. `tile` and `marked` are zero afterwards.
    """
    nothing, classes = splat(out, 0.0), softened.shape[1]
    for c in range(last):
        store(out, c, 0, nothing)
    for i in range(len(marked)):
        if not marked[i]:
            continue
        factors = load(tile, i, 0)
        for at in range(row_start[i], row_end[i]):
            c = np.int64(column[at])
            if c >= last:
                break
            store(out, c, 0, madd(splat(out, value[at]), factors, load(out, c, 0)))
            if c >= first:
                add_alike(
                    i,
                    at,
                    first,
                    first_alike[c],
                    members[c] % classes,
                    row_weight,
                    softened,
                    row_start[i],
                    column,
                    value,
                    out,
                )
        store(tile, i, 0, nothing)
        marked[i] = 0


@kernel
def products_with_intercepts(X, pair, softened, row_weight, cross):
    """Fill the products of a member with the intercepts; return its curvature."""
    classes = softened.shape[1]
    j, k = pair // classes, pair % classes
    own = curvature = 0.0  # numbers of their own: memory just written to is read slowly
    for m in range(classes):
        cross[m] = 0.0
    first, end = column_range(X, j)
    for e in range(first, end):
        i, x = entry(X, j, e)
        share = row_weight[i] * x * softened[i, k]
        own += share
        curvature += share * x * (1.0 - softened[i, k])
        for m in range(classes):
            cross[m] -= share * softened[i, m]
    cross[k] += own
    return curvature


@kernel
def push_cross(
    worker, workers, X, row_weight, softened, ridge, count, members, curvature, cross
):  # fmt: skip
    """Compute the products of my members with the intercepts, and the diagonal of G."""
    for b in range(worker, count, workers):
        curvature[b] = ridge + products_with_intercepts(
            X, members[b], softened, row_weight, cross[b]
        )


@kernel
def subtract_intercepts(first, last, cross, carried, crossed, out):
    """Subtract the part of the intercepts from the products of a tile with members up to it."""
    classes = cross.shape[1]
    for k in range(classes):
        for b in range(first, last):
            crossed[k, b - first] = cross[b, k]
    for c in range(last):
        sums = load(out, c, 0)
        for k in range(classes):
            sums = madd(splat(out, -carried[c, k]), load(crossed, k, 0), sums)
        store(out, c, 0, sums)


@kernel
def push_gram(
    worker, workers, X, row_weight, softened, centred, count, members, first_alike,
    row_start, row_end, column, value, tile, marked, tile_sums, crossed, cross, carried, G,
    curvature,
):  # fmt: skip
    """Compute my tiles of G, and subtract the part of the intercepts from them and the diagonal."""
    for first in range(worker * LANES, count, workers * LANES):
        last = min(first + LANES, count)
        fill_tile(X, first, last, members, row_weight, softened, tile, marked)
        add_tile(
            first,
            last,
            members,
            first_alike,
            row_weight,
            softened,
            row_start,
            row_end,
            column,
            value,
            tile,
            marked,
            tile_sums,
        )
        if centred:
            subtract_intercepts(first, last, cross, carried, crossed, tile_sums)
        for c in range(last):
            for b in range(max(first, c + 1), last):
                G[b, c] = G[c, b] = tile_sums[c, b - first]
        for b in range(first, last):
            left = curvature[b]
            for k in range(cross.shape[1]):
                left -= centred * cross[b, k] * carried[b, k]
            curvature[b] = max(left, LEAST * curvature[b])
            G[b, b] = curvature[b]
