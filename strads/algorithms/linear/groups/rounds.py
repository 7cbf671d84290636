"""Coordinate rounds in which an id is a group of features, in Gram form and in residual form.

Members of a group stand one after another in the working set. For the rows v_g of W and their
scores z_g, a move minimises

    ½ ‖d‖² in the norm of G_gg − z_gᵀd + penalty·weight_g·‖v_g + d‖

by proximal gradient steps with the largest eigenvalue of G_gg, none of which leaves the group. A
worker moves one group at a time. In Gram form a pull keeps the scores of all members up to date; in
residual form it does so with the residuals, and a push computes the scores of its group from them,
as in :mod:`strads.algorithms.linear.multi_task.sweeps`.

``own`` has the blocks G_gg, one after another.
"""

from __future__ import annotations

import numpy as np

from strads.algorithms.linear.multi_task.rows import subtract_products
from strads.algorithms.linear.multi_task.sweeps import score_of, subtract_column
from strads.engine import kernel

#: Largest number of steps for a move; they end once one is shorter than this share of the first.
STEPS, SHORT = 20, 0.01


@kernel
def step_group(d, tasks, limit, curve, positive, row, rest):
    """Make a proximal gradient step from `row` with the scores `rest`; return its length."""
    length = 0.0
    for e in range(d * tasks):
        rest[e] = row[e] + rest[e] / curve
        if positive:
            rest[e] = max(rest[e], 0.0)
        length += rest[e] * rest[e]
    length = np.sqrt(length)
    shrink = 1.0 - limit / (curve * length) if curve * length > limit else 0.0
    moved = 0.0
    for e in range(d * tasks):
        rest[e] = shrink * rest[e] - row[e]
        row[e] += rest[e]
        moved += rest[e] * rest[e]
    return np.sqrt(moved)


@kernel
def improve_group(d, tasks, limit, curve, positive, own, score, row, rest):
    """Minimise over a group: replace `row`, its weights, and `score` by the move to the new ones.

    Returns the length of the move.
    """
    for e in range(d * tasks):
        rest[e] = score[e]
    whole = 0.0
    old = rest[d * tasks :]
    for e in range(d * tasks):
        old[e] = row[e]
    for step in range(STEPS):
        moved = step_group(d, tasks, limit, curve, positive, row, rest)
        whole = max(whole, moved)
        if d == 1 or moved <= SHORT * whole or step == STEPS - 1:
            break
        for e in range(d * tasks):
            rest[e] = score[e]
        for b in range(d):
            for k in range(tasks):
                gone = row[b * tasks + k] - old[b * tasks + k]
                for c in range(d):
                    rest[c * tasks + k] -= own[b * d + c] * gone
    moved = 0.0
    for e in range(d * tasks):
        score[e] = row[e] - old[e]
        moved += score[e] * score[e]
    return np.sqrt(moved)


@kernel
def take_move(a, d, tasks, least, curve, moved, row, v, move):
    """Make a move, or none if it is too small to matter; return its size."""
    if moved * curve <= least:
        for e in range(d * tasks):
            move[e] = 0.0
    else:
        for c in range(d):
            for k in range(tasks):
                v[a + c, k] = row[c * tasks + k]
    for e in range(d * tasks, len(move)):
        move[e] = 0.0
    return np.sqrt(curve) * moved


@kernel
def push_groups(
    block, first, end, limit, largest, own, own_start, v, z, penalty, positive, least, row, rest,
    delta, change,
):  # fmt: skip
    """Minimise over each group of the block in turn, from the scores of its members."""
    tasks = v.shape[1]
    for i, g in enumerate(block):
        a, d = first[g], end[g] - first[g]
        for c in range(d):
            for k in range(tasks):
                row[c * tasks + k], delta[i, c * tasks + k] = v[a + c, k], z[a + c, k]
        moved = 0.0
        if largest[g] > 0.0:
            moved = improve_group(
                d,
                tasks,
                penalty * limit[g],
                largest[g],
                positive,
                own[own_start[g] :],
                delta[i],
                row,
                rest,
            )
        change[i] = take_move(a, d, tasks, least, largest[g], moved, row, v, delta[i])


@kernel
def push_group_sweep(
    block, X, unit, mean, samples, members, caution, first, end, limit, largest, own, own_start, v,
    r, shift, penalty, ridge, positive, least, row, rest, delta, change,
):  # fmt: skip
    """Minimise over each group of the block in turn, from the residuals."""
    tasks = v.shape[1]
    for i, g in enumerate(block):
        a, d = first[g], end[g] - first[g]
        for c in range(d):
            score_of(
                X,
                members[a + c],
                unit,
                mean,
                samples,
                v[a + c],
                r,
                shift,
                ridge,
                delta[i, c * tasks : (c + 1) * tasks],
            )
            for k in range(tasks):
                row[c * tasks + k] = v[a + c, k]
        curve, moved = caution * largest[g], 0.0
        if curve > 0.0:
            moved = improve_group(
                d,
                tasks,
                penalty * limit[g],
                curve,
                positive,
                own[own_start[g] :],
                delta[i],
                row,
                rest,
            )
        change[i] = take_move(a, d, tasks, least, curve, moved, row, v, delta[i])


@kernel
def pull_group_sweep(block, delta, rows, X, unit, mean, members, first, end, r, shift):
    """Subtract the moves of all workers from my rows of the residuals."""
    tasks = r.shape[1]
    for i, g in enumerate(block):
        for c in range(end[g] - first[g]):
            move = delta[i, c * tasks : (c + 1) * tasks]
            subtract_column(X, members[first[g] + c], unit, mean, rows, move, r, shift)


@kernel
def pull_groups(block, delta, chosen, first, end, G, z):
    """Apply the moves of all workers to my slice of z."""
    lo, hi = chosen
    tasks = z.shape[1]
    for i, g in enumerate(block):
        for c in range(end[g] - first[g]):
            move, moved = delta[i, c * tasks : (c + 1) * tasks], 0.0
            for k in range(tasks):
                moved = max(moved, abs(move[k]))
            if moved > 0.0:
                subtract_products(G, first[g] + c, move, lo, hi, z)
