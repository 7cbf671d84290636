"""Dual coordinate descent for a team of models: epochs over the samples, in random order.

The models of a team lie side by side in lanes, and each sample updates its dual variable in all of
them: an entry of X is read once for sixteen models. Models of which each needs few samples descend
better one by one. Buckets of consecutive samples, as others use them to read memory in long runs,
took twice as many epochs where neighbours are alike (files that are sorted by class); the next
sample is prefetched instead.

Samples whose variables rest at a bound, or at zero within the tube, in all models are left out of
later epochs (shrinking) if their slope there exceeds the largest move of the epoch before; ``busy``
counts for each model those that it could not leave out. Each launch begins with all samples.

The terms φ_i(f_i) + φ_i*(β_i) + β_i f_i, which are never negative, sum up to the duality gap; their
sum over an epoch, at the predictions that its updates had, is an estimate of it that costs nothing.
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
from strads.kernels.linear.prox import soft_threshold
from strads.kernels.linear.several_vectors import axpy_several, dot_several, prefetch_column
from strads.kernels.random import fold, uniform

#: An epoch of sixteen models side by side takes as long as so many epochs of one.
WIDE = 2.5


@kernel
def push_together(
    teams, key, XT, y, cost, norm2, epsilon, scaling, squared, classes, label, together, goal,
    most, beta, v, rounded, order, bar, top, estimate, busy, epochs, visits, lane_scores,
    lane_moves,
):  # fmt: skip
    """Make up to `most` epochs for the models of each of my teams that descend side by side.

    Xᵀβ is kept in single precision meanwhile, in half the memory; the judge computes it anew.
    """
    samples = Samples(XT, y, cost, norm2, epsilon, scaling, squared, classes)
    for t in range(teams[0], teams[1]):
        if together[t].any():
            rounded[t, :, :] = v[t]
            made, visited = descend(
                samples, label[t], together[t], fold(key, t), most, WIDE, goal[t], beta[t],
                rounded[t], order, bar[t], top[t], estimate[t], busy[t], lane_scores,
                lane_moves,
            )  # fmt: skip
            for lane in range(len(label[t])):
                epochs[t, lane] += made * together[t, lane]
                visits[t, lane] += visited * together[t, lane]


@kernel
def push_alone(
    teams, key, XT, y, cost, norm2, epsilon, scaling, squared, classes, label, alone, goal, most,
    beta, v, order, bar, top, estimate, busy, epochs, visits, scores, moves, weights_work,
    samples_work,
):  # fmt: skip
    """Make up to `most` epochs for each model of my teams that descends by itself."""
    samples = Samples(XT, y, cost, norm2, epsilon, scaling, squared, classes)
    for t in range(teams[0], teams[1]):
        for k in range(label.shape[1]):
            if not alone[t, k]:
                continue
            one = slice(k, k + 1)
            single = samples_work[0].reshape(len(y), 1)
            total = weights_work[0].reshape(v.shape[1], 1)
            single[:, 0] = beta[t, :, k]
            total[:, 0] = v[t, :, k]
            seed = fold(fold(key, t), k)
            made, visited = descend(
                samples, label[t, one], alone[t, one], seed, most, 0.0, goal[t, one], single,
                total, order, bar[t, one], top[t, one], estimate[t, one], busy[t, one],
                scores, moves,
            )  # fmt: skip
            beta[t, :, k] = single[:, 0]
            v[t, :, k] = total[:, 0]
            epochs[t, k] += made
            visits[t, k] += visited


@kernel
def descend(
    samples, label, chosen, key, most, wide, goal, beta, v, order, bar, top, estimate, busy,
    scores, moves,
):  # fmt: skip
    """Make up to `most` epochs with the chosen lanes.

    Returns their number, and that of visits of samples as a share of all samples. Every second
    epoch estimates the gaps, and is the last one once each is at most its `goal`, or once the
    models need less than `wide` times the samples, all together.
    """
    count, visits = len(beta), 0
    for i in range(count):
        order[i] = i
    for epoch in range(most):
        visits += count
        measured = epoch % 2 == 1 or epoch == most - 1
        count = sweep(
            samples, label, chosen, beta, v, order, count, fold(key, epoch), measured, bar,
            top, estimate, busy, scores, moves,
        )  # fmt: skip
        ended = not (chosen * (estimate > goal)).any() or busy.sum() < wide * len(beta)
        if count == 0 or (measured and ended):
            return epoch + 1, visits / len(beta)
    return most, visits / len(beta)


@kernel
def sweep(
    samples, label, chosen, beta, v, order, count, seed, measured, bar, top, estimate,
    busy, scores, moves,
):  # fmt: skip
    """Visit the first `count` samples of `order` once; return how many of them remain."""
    estimate[:] = 0.0
    top[:] = 0.0
    busy[:] = 0
    features = v[: len(v) - 1]
    shuffle(order, count, seed)
    for place in range(count):
        i = order[place]
        if place + 1 < count:
            prefetch_column(samples.XT, order[place + 1])
        dot_several(samples.XT, i, features, scores)
        moved, resting = visit(
            samples, i, label, chosen, measured, beta, v, bar, top, estimate, busy, scores, moves
        )
        if moved:
            axpy_several(moves, samples.XT, i, features)
        if resting:
            order[place] = -1
    left = 0
    for place in range(count):
        if order[place] >= 0:
            order[left] = order[place]
            left += 1
    bar[:] = top
    return left


@kernel
def visit(
    samples, i, label, chosen, measured, beta, v, bar, top, estimate, busy, scores, moves
):  # fmt: skip
    """Update the variables of a sample; return whether one moved, and whether all rest.

    Whether a variable moves can hardly be foreseen, and a wrong guess of the processor takes longer
    than the arithmetic: so there are no branches that depend on it.
    """
    moved, resting, last = False, True, len(v) - 1
    curvature, scaling, epsilon = curvature_of(samples, i), samples.scaling, samples.epsilon
    whole = samples.norm2[i] + curvature
    for lane in range(len(label)):
        moves[0, lane] = 0.0
        if not chosen[lane]:
            continue
        old, target = beta[i, lane], target_of(samples, i, label[lane])
        low, high = bounds_of(samples, i, target)
        score = np.float64(scores[0, lane]) + scaling * v[last, lane]
        if measured:
            best = maximiser(target - score, epsilon, curvature, low, high)
            estimate[lane] += dual_term(target - score, epsilon, curvature, best)
            estimate[lane] += old * score - dual_term(target, epsilon, curvature, old)
        slope = samples.norm2[i] * old - score + target
        new = maximiser(slope, epsilon, whole, low, high)
        move = new - old
        moves[0, lane] = move
        beta[i, lane] = new
        v[last, lane] += scaling * move
        top[lane] = max(top[lane], abs(move) * whole)
        working = (move != 0.0) | (strength(slope, epsilon, whole, new) <= bar[lane])
        busy[lane] += working
        moved |= move != 0.0
        resting &= not working
    return moved, resting


@kernel
def strength(slope, epsilon, whole, at):
    """Return how much the slope may change before a variable that rests at a bound moves."""
    return max(abs(soft_threshold(slope, epsilon) - whole * at), epsilon - abs(slope))


@kernel
def shuffle(order, count, seed):
    """Bring the first `count` entries into random order."""
    for k in range(count - 1, 0, -1):
        other = int(uniform(seed, k) * (k + 1))
        order[k], order[other] = order[other], order[k]
