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
#: Fewer models than the lanes divided by this are judged one by one.
FEW = 4


@kernel
def push_judge(
    teams, XT, y, cost, norm2, epsilon, scaling, squared, classes, label, open_, by_newton, beta,
    w, v, figures, scores, moves, score, move, weights_work, samples_work,
):  # fmt: skip
    """Judge the open models of my teams, one by one if they are few."""
    samples = Samples(XT, y, cost, norm2, epsilon, scaling, squared, classes)
    lanes = label.shape[1]
    for t in range(teams[0], teams[1]):
        count = open_[t].sum()
        if FEW * count > lanes or (count > 0 and lanes == 1):
            judge(
                samples, label[t], open_[t], by_newton[t], beta[t], w[t], v[t], figures[t], scores,
                moves,
            )  # fmt: skip
            continue
        for k in range(lanes):
            if not open_[t, k]:
                continue
            one = slice(k, k + 1)
            single = samples_work[0].reshape(len(y), 1)
            primal = weights_work[0].reshape(w.shape[1], 1)
            dual = weights_work[1].reshape(w.shape[1], 1)
            single[:, 0], primal[:, 0] = beta[t, :, k], w[t, :, k]
            judge(
                samples, label[t, one], open_[t, one], by_newton[t, one], single, primal, dual,
                figures[t, one], score, move,
            )  # fmt: skip
            w[t, :, k], v[t, :, k] = primal[:, 0], dual[:, 0]


@kernel
def judge(samples, label, open_, by_newton, beta, w, v, figures, scores, moves):
    """Judge models side by side; open ones that Newton's method has not taken have w = Xᵀβ."""
    figures[:, :] = 0.0
    add_dual(samples, label, beta, v, figures, moves)
    for lane in range(len(label)):
        if open_[lane] and not by_newton[lane]:
            w[:, lane] = v[:, lane]
    add_primal(samples, label, w, figures, scores)
    for j in range(len(w)):
        for lane in range(len(label)):
            figures[lane, W2] += w[j, lane] * w[j, lane]
            figures[lane, V2] += v[j, lane] * v[j, lane]


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
