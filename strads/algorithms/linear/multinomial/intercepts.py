"""The best intercepts for given predictions: Newton's method in K unknowns."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.linalg import LinAlgError, solve

from strads.algorithms.linear.losses.loss import Local
from strads.algorithms.linear.multinomial.softmax import SoftmaxLoss

#: Largest number of steps; a slope counts as nothing below this share of Σ weight·|θ|.
STEPS: Final = 100
NOTHING: Final = 4e-15
#: A step that promises less than this share of the loss is the last.
ROUNDING: Final = 1e-13
#: A step has to lower the loss by this share of what its slope promises, or it is halved.
ENOUGH, SHORTEST = 1e-4, 1e-10
#: A share of the unit matrix that keeps systems regular.
REGULAR: Final = 1e-14


def hessian(probability: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return Σ weight·(diag(p) − ppᵀ)."""
    weighted = weight[:, None] * probability
    sums: np.ndarray = np.diag(weighted.sum(axis=0)) - weighted.T @ probability
    return sums


def regular(hessian: np.ndarray) -> np.ndarray:
    """Return a Hessian, which is zero in the direction of equal numbers, made regular there.

    Systems whose right side has the sum zero have solutions with that sum, as before.
    """
    size = max(float(np.trace(hessian)), 1e-300)
    k = len(hessian)
    return hessian + (size / k) * np.ones((k, k)) + REGULAR * size * np.eye(k)


def best_intercepts(
    loss: SoftmaxLoss, xw: np.ndarray, y: np.ndarray, weight: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, Local]:
    """Return the b with the least Σ weight·φ(xw + b, y), and the loss there.

    Parameters
    ----------
    loss : SoftmaxLoss
    xw : ndarray of shape (n, K)
    y, weight : ndarray of shape (n,)
    start : ndarray of shape (K,)
        Its sum is zero, and so is that of the result.
    """
    b, here = start, loss.at(xw + start, y)
    best, ends = (np.inf, b, here), False
    for _ in range(STEPS):
        slope = weight @ here.theta
        size = float(np.abs(slope).max())
        if size < best[0]:
            best = size, b, here
        if ends or size <= NOTHING * float(weight @ np.abs(here.theta).sum(axis=1)):
            break
        try:
            step = solve(regular(hessian(here.curvature, weight)), slope, assume_a="pos")
        except LinAlgError:
            break
        step -= step.mean()
        t, height, gain = 1.0, float(weight @ here.value), float(slope @ step)
        there = loss.at(xw + (b + step), y)
        ends = gain <= ROUNDING * height  # whether values still tell how long steps should be
        while not ends and float(weight @ there.value) > height - ENOUGH * t * gain:
            t *= 0.5
            if t < SHORTEST:
                return best[1:]
            there = loss.at(xw + (b + t * step), y)
        b, here = b + t * step, there
    return best[1:]
