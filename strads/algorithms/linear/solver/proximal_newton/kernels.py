"""Statistics of members under new weights of rows, and predictions."""

from __future__ import annotations

import numpy as np

from strads.engine import kernel
from strads.kernels.linear.matrices import axpy, dot, weighted_norm2

#: A squared norm that loses more digits than this to centring is not trusted further.
LEAST = 1e-12


@kernel
def push_weigh(
    worker, workers, X, weight, samples, centred, ridge, fresh, until, members, mean, norm
):  # fmt: skip
    """Compute mean and norm of my share of the fresh members under the current weights."""
    share = until - fresh
    for a in range(fresh + share * worker // workers, fresh + share * (worker + 1) // workers):
        j = members[a]
        mean[j] = dot(X, j, weight) / samples if centred else 0.0
        whole = weighted_norm2(X, j, weight)
        norm[j] = np.sqrt(max(whole - samples * mean[j] * mean[j], LEAST * whole) + ridge)


@kernel
def push_predict(rows, X, count, members, v, predictions):
    """Compute Xw in my rows; w is zero outside the working set."""
    for i in range(rows[0], rows[1]):
        predictions[i] = 0.0
    for a in range(count):
        if v[a] != 0.0:
            axpy(v[a], X, members[a], predictions, rows)
