"""The best intercept for given predictions: Newton's method in one unknown."""

from __future__ import annotations

from typing import Final

import numpy as np

from strads.algorithms.linear.losses.loss import Local, Loss

#: Largest number of steps; the share of Σ weight·|θ|, and of 1 + |b|, that counts as nothing.
STEPS: Final = 100
NOTHING: Final = 4e-15


def best_intercept(
    loss: Loss, xw: np.ndarray, y: np.ndarray, weight: np.ndarray, start: float
) -> tuple[float, Local]:
    """Return the b with the least Σ weight·φ(xw + b, y), and the loss there.

    The derivative rises with b, so its sign tells on which side of b the minimum lies. A step that
    leaves the interval known so far, or follows one that has not halved the derivative, is replaced
    by its middle; as long as the interval has no end on one side, steps are at most 1, 2, 4 and so
    on.

    Parameters
    ----------
    loss : Loss
    xw, y, weight : ndarray of shape (n,)
    start : float
    """
    b, low, high, reach, before = start, -np.inf, np.inf, 1.0, np.inf
    here = loss.at(xw + b, y)
    best = np.inf, b, here
    for _ in range(STEPS):
        slope = float(weight @ here.theta)
        if abs(slope) < best[0]:
            best = abs(slope), b, here
        if abs(slope) <= NOTHING * float(weight @ np.abs(here.theta)):
            break
        low, high = (b, high) if slope > 0.0 else (low, b)
        curvature = float(weight @ here.curvature)
        step = slope / curvature if curvature > 0.0 else np.copysign(np.inf, slope)
        if abs(step) <= NOTHING * (1.0 + abs(b)):
            break
        new, slow, before = b + step, abs(slope) > 0.5 * before, abs(slope)
        if not np.isfinite(high - low):
            new, reach = b + float(np.clip(step, -reach, reach)), 2.0 * reach
        elif slow or not low < new < high:
            new = 0.5 * (low + high)
        b, here = new, loss.at(xw + new, y)
    return best[1:]
