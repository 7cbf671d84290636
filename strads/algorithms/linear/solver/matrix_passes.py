"""Full passes for models whose weights W are a matrix, with a column for each task or class.

The score of feature j is a row, X_jᵀR for the rows R = ``minus_gradient`` of all samples.
"""

from __future__ import annotations

import numpy as np

from strads.engine import kernel
from strads.kernels.linear.entries import column_range, entry, part_range
from strads.kernels.linear.matrices import dot, weighted_norm2


@kernel
def push_lengths(features, X, row_weight, length):
    """Compute the norms of my columns, whose rows are weighted."""
    for j in range(features[0], features[1]):
        length[j] = np.sqrt(weighted_norm2(X, j, row_weight))


@kernel
def push_score(
    features, X, minus_gradient, w, ridge, positive, together, everything, alive, score, top
):  # fmt: skip
    """Score my columns that screening has left, or all of them.

    `top` is the length of a feature's scores if its weights are penalised `together`, else the
    largest of them.
    """
    classes = w.shape[1]
    for j in range(features[0], features[1]):
        if not (alive[j] or everything):
            continue
        for k in range(classes):
            score[j, k] = -ridge * w[j, k]
        if classes == 1:  # many times faster: the sum is made in vector registers
            score[j, 0] += dot(X, j, minus_gradient.reshape(minus_gradient.size))
        else:
            first, end = column_range(X, j)
            for e in range(first, end):
                i, x = entry(X, j, e)
                for k in range(classes):
                    score[j, k] += x * minus_gradient[i, k]
        size = 0.0
        for k in range(classes):
            one = max(score[j, k], 0.0) if positive else abs(score[j, k])
            size = size + one * one if together else max(size, one)
        top[j] = np.sqrt(size) if together else size


@kernel
def push_predict(rows, X, w, carrying, predictions):
    """Compute XW in my rows; W is zero but in the rows of `carrying` features."""
    classes = predictions.shape[1]
    for i in range(rows[0], rows[1]):
        for k in range(classes):
            predictions[i, k] = 0.0
    for j in range(w.shape[0]):
        if not carrying[j]:
            continue
        for k in range(classes):
            if w[j, k] == 0.0:
                continue
            first, end = part_range(X, j, rows)
            for e in range(first, end):
                i, x = entry(X, j, e)
                predictions[i, k] += w[j, k] * x
