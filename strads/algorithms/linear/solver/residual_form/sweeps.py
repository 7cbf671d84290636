"""Sweeps over a working set in residual form: coordinate descent on the members' own columns.

    min_v ‖y − X_W v‖² / 2 + penalty·Σ_j factor_j |v_j|,    r = y − X_W v

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

from typing import Any

import numpy as np

from strads.engine import kernel

#: Words of ``report``: the multiple of u in the residual; visits of members; moves; the decrease of
#: the objective (times n) that the moves promised.
SHIFT, VISITS, MOVES, GAIN = range(4)
#: Largest number of sweeps over a list after each sweep over all members.
LISTS = 10
#: A member joins the list if it moves by more than this share of the largest move of the sweep over
#: all members, and leaves it when it moves by less than the second share. Sweeps over a list end
#: when no move is larger than the first share.
KEEP, DROP = 0.1, 0.01


@kernel
def push_hold(
    worker, workers, X, unit, mean, samples, ridge, fresh, until, members, held_start, held_row,
    held_value, held_norm2, held_mean,
):  # fmt: skip
    """Copy my share of the fresh members' columns u∘x_j; store their squared norms and means."""
    share = until - fresh
    for a in range(fresh + share * worker // workers, fresh + share * (worker + 1) // workers):
        j = members[a]
        at = np.uint64(held_start[a])
        total = 0.0
        for k in range(np.uint64(X.indptr[j]), np.uint64(X.indptr[j + 1])):
            value = X.data[k] * unit[np.uint64(X.indices[k])]
            held_row[at], held_value[at] = X.indices[k], value
            total += value * value
            at += np.uint64(1)
        held_mean[a] = mean[j]
        held_norm2[a] = total - samples * mean[j] * mean[j] + ridge


@kernel
def push_sweep(
    worker, count, sweeps, visits, least, penalty, factor, ridge, positive, samples, held_start,
    held_end, held_row, held_value, held_norm2, held_mean, rest, moving, listed, moved, report,
    promise,
):  # fmt: skip
    """Sweep over all members and then over those that moved most (first worker only)."""
    if worker > 0:
        return
    report[SHIFT] = report[VISITS] = report[MOVES] = report[GAIN] = 0.0
    before = -1.0
    for _ in range(sweeps):
        if report[MOVES] == before:  # nothing has moved since the last sweep over all members
            break
        before = report[MOVES]
        length, top = count, 0.0
        for a in range(count):
            listed[a] = a
        for turn in range(LISTS + 1):
            if report[VISITS] + length > visits:
                break
            most = 0.0
            for k in range(length):
                a = listed[k]
                moved[a] = move(
                    a, least, penalty * factor[a], ridge, positive, samples, held_start, held_end,
                    held_row, held_value, held_norm2, held_mean, rest, moving, report,
                )  # fmt: skip
                most = max(most, moved[a])
            report[VISITS] += length
            if turn > 0 and most < KEEP * top:
                break
            top = max(top, most)
            length = shorten(listed, length, moved, (DROP if turn > 0 else KEEP) * top)
            if length == 0:
                break
    promise[0] += report[GAIN] / samples


@kernel
def shorten(listed: Any, length: int, moved: Any, limit: float) -> int:
    """Keep the members of the list that moved by more than `limit`; return how many."""
    kept = 0
    for k in range(length):
        if moved[listed[k]] > limit:
            listed[kept] = listed[k]
            kept += 1
    return kept


@kernel
def move(
    a: int, least: float, penalty: float, ridge: float, positive: int, samples: float,
    held_start: Any, held_end: Any, held_row: Any, held_value: Any, norm2: Any, held_mean: Any,
    rest: Any, moving: Any, report: Any,
) -> float:  # fmt: skip
    """Minimise over one member; return by how much its move changes the fit, ‖x‖·|d|."""
    if norm2[a] <= 0.0:
        return 0.0
    first, last = np.uint64(held_start[a]), np.uint64(held_end[a])
    old = moving[a]
    slope = report[SHIFT] * samples * held_mean[a] - ridge * old
    for k in range(first, last):
        slope += held_value[k] * rest[np.uint64(held_row[k])]
    target = norm2[a] * old + slope
    new = 0.0
    if target > penalty:
        new = (target - penalty) / norm2[a]
    elif target < -penalty and not positive:
        new = (target + penalty) / norm2[a]
    d = new - old
    if not abs(d) * norm2[a] > least:
        return 0.0
    report[GAIN] += d * (slope - 0.5 * norm2[a] * d) - penalty * (abs(new) - abs(old))
    moving[a] = new
    report[SHIFT] += d * held_mean[a]
    report[MOVES] += 1.0
    for k in range(first, last):
        rest[np.uint64(held_row[k])] -= d * held_value[k]
    return abs(d) * np.sqrt(norm2[a])


@kernel
def push_rescore(chosen, held_start, held_end, held_row, held_value, ridge, v, r, z):
    """Compute the scores of my members."""
    for a in range(chosen[0], chosen[1]):
        total = -ridge * v[a]
        for k in range(np.uint64(held_start[a]), np.uint64(held_end[a])):
            total += held_value[k] * r[np.uint64(held_row[k])]
        z[a] = total
