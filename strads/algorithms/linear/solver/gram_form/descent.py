"""Coordinate rounds of an L1-penalised quadratic in Gram form.

    min_v ½ vᵀGv − cᵀv + penalty·Σ_j factor_j |v_j|,    z = c − Gv

A worker holds a slice of v and of z. When it moves v_j by δ, it at once updates its own slice of z
with its part of row j of G and sends (j, δ); the other workers apply the move in the pull. A
coordinate that does not move costs O(1). The schedule reads the couplings of the ids from G.
"""

from __future__ import annotations

import numpy as np

from strads.engine import kernel


@kernel
def push_descend(
    block, chosen, G, curvature, v, z, penalty, factor, rank, positive, samples, least, delta,
    change, gain, promise,
):  # fmt: skip
    """Minimise over each id of the block in turn."""
    lo, hi = chosen
    promised = 0.0
    for i, j in enumerate(block):
        curve = curvature[j]
        delta[i] = change[i] = gain[i] = 0.0
        if curve <= 0.0:
            continue
        old, limit = v[j], penalty * factor[j]
        target = curve * old + z[j]
        new = 0.0
        if target > limit:
            new = (target - limit) / curve
        elif target < -limit and not positive:
            new = (target + limit) / curve
        d = new - old
        change[i] = abs(d) * np.sqrt(curve) * rank[j]
        if abs(d) * curve > least:
            delta[i] = d
            gain[i] = d * (z[j] - 0.5 * curve * d) - limit * (abs(new) - abs(old))
            promised += gain[i]
            v[j] = new
            for k in range(lo, hi):
                z[k] -= d * G[j, k]
    promise[0] += promised / samples


@kernel
def pull_descend(block, delta, source, worker, chosen, G, z):
    """Apply the moves of another worker to my slice of z."""
    if source == worker:
        return
    lo, hi = chosen
    for i, j in enumerate(block):
        d = delta[i]
        if d != 0.0:
            for k in range(lo, hi):
                z[k] -= d * G[j, k]
