"""The objectives of all models of a team, by one pass over the samples for each.

What a model's certificate needs is in its row of ``figures``, with these words:

``LOSS``, ``LOSS_SLOPE``
    Σ φ_i(f_i), and Σ |φ_i'(f_i)|·‖x_i‖, to which the error of the loss is proportional.
``LINEAR``, ``LINEAR_SIZE``
    Σ (t_i β_i − ε|β_i| − ½ d_i β_i²), and the sum of the absolute values of these parts.
``REACH``
    Σ |β_i|·‖x_i‖, to which the error of Xᵀβ is proportional.
``W2``, ``V2``
    ‖w‖² and ‖Xᵀβ‖².
"""

from __future__ import annotations

import numpy as np

from strads.algorithms.linear.dual.problem import (
    Samples,
    bounds_of,
    curvature_of,
    dual_term,
    maximiser,
    target_of,
)
from strads.engine import kernel
from strads.kernels.linear.several_vectors import axpy_several, dot_several

LOSS, LOSS_SLOPE, LINEAR, LINEAR_SIZE, REACH, W2, V2 = range(7)
WORDS = 7


@kernel
def push_judge(
    teams, XT, y, cost, norm2, epsilon, scaling, squared, classes, label, open_, by_newton, beta,
    w, v, figures, scores, moves,
):  # fmt: skip
    """Judge the models of my teams; open ones that Newton's method has not taken have w = Xᵀβ."""
    samples = Samples(XT, y, cost, norm2, epsilon, scaling, squared, classes)
    for t in range(teams[0], teams[1]):
        if not open_[t].any():
            continue
        figures[t, :, :] = 0.0
        add_dual(samples, label[t], beta[t], v[t], figures[t], moves)
        for lane in range(len(label[t])):
            if open_[t, lane] and not by_newton[t, lane]:
                w[t, :, lane] = v[t, :, lane]
        add_primal(samples, label[t], w[t], figures[t], scores)
        for j in range(len(w[t])):
            for lane in range(len(label[t])):
                figures[t, lane, W2] += w[t, j, lane] * w[t, j, lane]
                figures[t, lane, V2] += v[t, j, lane] * v[t, j, lane]


@kernel
def add_dual(samples, label, beta, v, figures, moves):
    """Compute v = Xᵀβ and what the dual objective needs."""
    v[:, :] = 0.0
    epsilon, last = samples.epsilon, len(v) - 1
    for i in range(len(beta)):
        used = False
        for lane in range(len(label)):
            value = moves[0, lane] = beta[i, lane]
            if value != 0.0:
                used = True
                target, curvature = target_of(samples, i, label[lane]), curvature_of(samples, i)
                size = abs(target * value) + epsilon * abs(value) + 0.5 * curvature * value * value
                figures[lane, LINEAR] += dual_term(target, epsilon, curvature, value)
                figures[lane, LINEAR_SIZE] += size
                figures[lane, REACH] += abs(value) * np.sqrt(samples.norm2[i])
                v[last, lane] += samples.scaling * value
        if used:
            axpy_several(moves, samples.XT, i, v[:last])


@kernel
def add_primal(samples, label, w, figures, scores):
    """Add up the losses at w."""
    epsilon, last = samples.epsilon, len(w) - 1
    features = w[:last]
    for i in range(len(samples.y)):
        dot_several(samples.XT, i, features, scores)
        curvature = curvature_of(samples, i)
        for lane in range(len(label)):
            target = target_of(samples, i, label[lane])
            low, high = bounds_of(samples, i, target)
            missing = target - scores[0, lane] - samples.scaling * w[last, lane]
            best = maximiser(missing, epsilon, curvature, low, high)
            figures[lane, LOSS] += dual_term(missing, epsilon, curvature, best)
            figures[lane, LOSS_SLOPE] += abs(best) * np.sqrt(samples.norm2[i])
