"""Sweeps over a working set in residual form: coordinate descent on the members' own columns.

    min_v ‖y − X_W v‖² / 2 + penalty·‖v‖₁,    r = y − X_W v

A move visits the entries of its column twice, however many members there are. The members' columns
are copied to one compact array first (phase ``hold``), since in X they are as far apart as their
ids.

A single worker sweeps. This form is chosen when columns are short, so that a visit takes some tens
of nanoseconds and a round of several workers would wait longer than it works. All workers take part
in the full passes between the sweeps and in the scores of the members after them (``rescore``).

Centring is implicit. A move of v_j by d changes the residual by −d (x_j − x̄_j u). The sweep adds
the first part to ``rest`` at once and sums up the second in the number ``shift``: r = rest +
shift·u, hence x_jᵀr = x_jᵀrest + shift·n·x̄_j.
"""

from __future__ import annotations

import numpy as np

from strads.engine import kernel

#: Words of ``report``: the multiple of u in the residual, the sweeps made, the moves made.
SHIFT, SWEEPS, MOVES = range(3)


@kernel
def push_hold(
    worker, workers, X, mean, samples, fresh, until, members, held_start, held_row, held_value,
    held_norm2, held_mean,
):  # fmt: skip
    """Copy my share of the fresh members' columns; store their squared norms and means."""
    share = until - fresh
    for a in range(fresh + share * worker // workers, fresh + share * (worker + 1) // workers):
        j = members[a]
        at = np.uint64(held_start[a])
        total = 0.0
        for k in range(np.uint64(X.indptr[j]), np.uint64(X.indptr[j + 1])):
            value = np.float64(X.data[k])
            held_row[at], held_value[at] = X.indices[k], value
            total += value * value
            at += np.uint64(1)
        held_mean[a] = mean[j]
        held_norm2[a] = total - samples * mean[j] * mean[j]


@kernel
def push_sweep(
    worker, count, sweeps, least, penalty, positive, samples, held_start, held_end, held_row,
    held_value, held_norm2, held_mean, rest, moving, report, promise,
):  # fmt: skip
    """Minimise over each member in turn, until nothing moves any more (first worker only)."""
    if worker > 0:
        return
    shift, gain, made, moves, before = 0.0, 0.0, 0, 0, -1
    while made < sweeps and moves != before:
        before = moves
        for a in range(count):
            if held_norm2[a] <= 0.0:
                continue
            first, last = np.uint64(held_start[a]), np.uint64(held_end[a])
            slope = shift * samples * held_mean[a]
            for k in range(first, last):
                slope += held_value[k] * rest[np.uint64(held_row[k])]
            old = moving[a]
            target = held_norm2[a] * old + slope
            new = 0.0
            if target > penalty:
                new = (target - penalty) / held_norm2[a]
            elif target < -penalty and not positive:
                new = (target + penalty) / held_norm2[a]
            d = new - old
            if abs(d) * held_norm2[a] > least:
                gain += d * (slope - 0.5 * held_norm2[a] * d) - penalty * (abs(new) - abs(old))
                moving[a] = new
                shift += d * held_mean[a]
                moves += 1
                for k in range(first, last):
                    rest[np.uint64(held_row[k])] -= d * held_value[k]
        made += 1
    report[SHIFT], report[SWEEPS], report[MOVES] = shift, made, moves
    promise[0] += gain / samples


@kernel
def push_rescore(chosen, held_start, held_end, held_row, held_value, r, z):
    """Compute the scores of my members."""
    for a in range(chosen[0], chosen[1]):
        total = 0.0
        for k in range(np.uint64(held_start[a]), np.uint64(held_end[a])):
            total += held_value[k] * r[np.uint64(held_row[k])]
        z[a] = total
