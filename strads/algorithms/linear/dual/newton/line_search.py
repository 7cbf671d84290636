"""The length of Newton's step: the smooth objective is minimised along it."""

from __future__ import annotations

import numpy as np

from strads.algorithms.linear.dual.problem import bounds_of, curvature_of, maximiser, target_of
from strads.engine import kernel

#: Largest number of trials, and the relative accuracy of the length.
TRIALS, ACCURACY = 40, 1e-3


@kernel
def best_length(samples, label, tau, work):
    """Find where the derivative along the step is zero, by Newton's method within an interval.

    The derivative is piecewise linear and rises, so that one step from the right piece is exact.
    """
    below, above, length = 0.0, np.inf, 1.0
    along, square = 0.0, 0.0
    for j in range(len(work.w)):
        along += work.w[j] * work.step[j]
        square += work.step[j] * work.step[j]
    for _ in range(TRIALS):
        slope, curvature = slopes(samples, label, tau, work, length)
        slope += along + length * square
        if slope > 0.0:
            above = length
        else:
            below = length
        longer = length - slope / (curvature + square)
        if not below < longer < above:
            longer = 0.5 * (below + above) if above < np.inf else 2.0 * length
        near = abs(longer - length) <= ACCURACY * length
        length = longer
        if near:
            break
    return length


@kernel
def slopes(samples, label, tau, work, length):
    """Return first and second derivative of the sum over the samples at a length of the step."""
    slope = curved = 0.0
    for i in range(len(work.changes)):
        change = work.changes[i]
        if change == 0.0:
            continue
        target, curvature = target_of(samples, i, label), curvature_of(samples, i) + tau
        low, high = bounds_of(samples, i, target)
        missing = target - work.scores[i] - length * change + tau * work.centre[i]
        beta = maximiser(missing, samples.epsilon, curvature, low, high)
        slope -= beta * change
        if beta != 0.0 and low < beta < high:
            curved += change * change / curvature
    return slope, curved
