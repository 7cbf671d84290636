"""Statistics of columns, and residuals of several tasks."""

from __future__ import annotations

import numpy as np

from strads.algorithms.linear.solver.full_pass import column_moments
from strads.engine import kernel
from strads.kernels.linear.entries import entry, part_range


@kernel
def push_statistics(
    features, X, weight, samples, centred, spread, ridge, mean, norm, length, faulty
):  # fmt: skip
    """Compute means and norms of my columns, and find those that are not prepared."""
    for j in range(features[0], features[1]):
        mean[j], whole, centred2, faulty[j] = column_moments(X, j, weight, samples, centred, spread)
        norm[j] = np.sqrt(centred2 + ridge) if centred2 > 0.0 else 0.0
        length[j] = np.sqrt(whole + ridge) if centred2 > 0.0 else 0.0


@kernel
def push_residuals(rows, X, y, unit, mean, count, members, v, r, minus_gradient):
    """Compute the residuals of my rows, R = Y − (XW − 1x̄ᵀW)∘u; W is zero but for the members."""
    tasks = v.shape[1]
    shift = np.zeros(tasks)
    for a in range(count):
        for k in range(tasks):
            shift[k] += mean[members[a]] * v[a, k]
    for i in range(rows[0], rows[1]):
        for k in range(tasks):
            r[i, k] = shift[k]
    for a in range(count):
        first, end = part_range(X, members[a], rows)
        for e in range(first, end):
            i, x = entry(X, members[a], e)
            for k in range(tasks):
                r[i, k] -= x * v[a, k]
    for i in range(rows[0], rows[1]):
        for k in range(tasks):
            r[i, k] = y[i, k] + unit[i] * r[i, k]
            minus_gradient[i, k] = unit[i] * r[i, k]
