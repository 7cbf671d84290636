"""Coordinate rounds in Gram form, in which an id is a feature and a move a row of W.

With the score z_j of a member j, its curvature G_jj and its weights v_j, the best v_j is

    BST(G_jj v_j + z_j, penalty) / G_jj,    BST(u, t) = (1 − t / ‖u‖)₊ u

(block soft thresholding).
"""

from __future__ import annotations

import numpy as np

from strads.engine import kernel


@kernel
def move_row(v, j, curve, penalty, least, move):
    """Replace a score by the move to the best row, and make it unless it is too small to matter.

    Returns the length of the move times √curvature, and by how much the objective falls.
    """
    before = target = after = moved = slope = 0.0
    for k in range(len(move)):
        u = curve * v[j, k] + move[k]
        target += u * u
        before += v[j, k] * v[j, k]
    target = np.sqrt(target)
    shrink = (1.0 - penalty / target) / curve if curve > 0.0 and target > penalty else 0.0
    for k in range(len(move)):
        new = shrink * (curve * v[j, k] + move[k])
        d = new - v[j, k] if curve > 0.0 else 0.0
        after += new * new
        moved += d * d
        slope += d * move[k]
        move[k] = d
    if np.sqrt(moved) * curve <= least:
        for k in range(len(move)):
            move[k] = 0.0
        return np.sqrt(curve * moved), 0.0
    for k in range(len(move)):
        v[j, k] += move[k]
    less = slope - 0.5 * curve * moved - penalty * (np.sqrt(after) - np.sqrt(before))
    return np.sqrt(curve * moved), less


@kernel
def subtract_products(G, j, move, lo, hi, z):
    """Subtract row j of G times a move from rows lo to hi of z."""
    tasks = z.shape[1]
    if tasks == 1:  # a loop of its own, as the compiler would not vectorise the other one
        scores, d = z.reshape(z.size), move[0]
        for b in range(lo, hi):
            scores[b] -= G[j, b] * d
        return
    for b in range(lo, hi):
        for k in range(tasks):
            z[b, k] -= G[j, b] * move[k]


@kernel
def push_rows(
    block, chosen, G, curvature, v, z, penalty, least, samples, delta, change, gain, promise
):  # fmt: skip
    """Minimise over each row of the block in turn."""
    lo, hi = chosen
    tasks = v.shape[1]
    promised = 0.0
    for i, j in enumerate(block):
        curve = curvature[j]
        for k in range(tasks):
            delta[i, k] = z[j, k]
        change[i], less = move_row(v, j, curve, penalty, least, delta[i])
        gain[i] = less
        if less == 0.0:
            continue
        promised += less
        subtract_products(G, j, delta[i], lo, hi, z)
    promise[0] += promised / samples


@kernel
def pull_rows(block, delta, source, worker, chosen, G, z):
    """Apply the moves of another worker to my slice of z."""
    if source == worker:
        return
    lo, hi = chosen
    for i, j in enumerate(block):
        moved = 0.0
        for k in range(z.shape[1]):
            moved = max(moved, abs(delta[i, k]))
        if moved == 0.0:
            continue
        subtract_products(G, j, delta[i], lo, hi, z)
