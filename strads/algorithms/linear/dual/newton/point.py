r"""One model at a point of the proximal method: dual variables, gradient, gap.

The proximal point method subtracts ½τ Σ (β_i − β̄_i)² from the dual objective, with a centre β̄; a
squared loss needs no such term, as its d_i are positive (τ = 0). The primal of that problem is
smooth,

.. math:: \tfrac12\|w\|^2 + \sum_i \max_{l_i \le \beta \le h_i} (t_i - f_i)\beta
          - \epsilon|\beta| - \tfrac12 d_i\beta^2 - \tfrac12\tau(\beta-\bar\beta_i)^2

with the gradient w − Xᵀβ, where β_i attains the maximum, and the generalised Hessian I + X_FᵀS X_F,
where F are the samples whose β_i is at no bound and not zero, and S_ii = 1 / (d_i + τ).

At any w and any β between the bounds P(w) − D(β) = (a sum of terms that are not negative) +
½‖w − Xᵀβ‖². At the minimum of the smooth problem the last part is zero, and the others are what τ
costs: so Newton's steps have done enough for this centre once the last part is a small share.

Source: Yan, Li. An efficient augmented Lagrangian method for support vector machine. Optim. Methods
Softw. 35, 2020.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from strads.algorithms.linear.dual.problem import (
    bounds_of,
    curvature_of,
    dual_term,
    maximiser,
    target_of,
)
from strads.engine import kernel
from strads.kernels.linear.matrices import axpy, dot


class Work(NamedTuple):
    """Arrays of one model at work.

    Attributes
    ----------
    w, v, step, residual, towards, image, diagonal : ndarray of shape (n_features + 1,)
        Weights; Xᵀβ; Newton's step; what conjugate gradients need. The intercept comes last.
    scores, changes : ndarray of shape (n_samples,)
        Xw, and X times the step.
    beta, centre : ndarray of shape (n_samples,)
        β and β̄.
    free : ndarray of int
        The samples of F come first.
    system : ndarray
        Room for the Hessian, or of shape (1, 1).
    """

    w: np.ndarray
    v: np.ndarray
    step: np.ndarray
    residual: np.ndarray
    towards: np.ndarray
    image: np.ndarray
    diagonal: np.ndarray
    scores: np.ndarray
    changes: np.ndarray
    beta: np.ndarray
    centre: np.ndarray
    free: np.ndarray
    system: np.ndarray


class Point(NamedTuple):
    """What is known at a point.

    Attributes
    ----------
    free : int
        Number of samples in F.
    primal : float
        P(w).
    dual, scaled : float
        D(β), and D(scale·β).
    scale : float
        The best factor of β.
    share : float
        Share of ½‖w − Xᵀβ‖² in P(w) − D(β).
    """

    free: Any
    primal: Any
    dual: Any
    scaled: Any
    scale: Any
    share: Any


@kernel
def score_samples(samples, w, scores):
    """Compute Xw."""
    last = len(w) - 1
    features, intercept = w[:last], samples.scaling * w[last]
    for i in range(len(scores)):
        scores[i] = dot(samples.XT, i, features) + intercept


@kernel
def evaluate(samples, label, tau, work):
    """Compute β, Xᵀβ and F at the scores of w; return the point."""
    v, last, epsilon = work.v, len(work.v) - 1, samples.epsilon
    v[:] = 0.0
    features = v[:last]
    free, loss, linear, bent = 0, 0.0, 0.0, 0.0
    for i in range(len(work.beta)):
        target, curvature = target_of(samples, i, label), curvature_of(samples, i)
        low, high = bounds_of(samples, i, target)
        slope = target - work.scores[i]
        best = maximiser(slope, epsilon, curvature, low, high)
        loss += dual_term(slope, epsilon, curvature, best)
        if tau > 0.0:
            best = maximiser(slope + tau * work.centre[i], epsilon, curvature + tau, low, high)
        work.beta[i] = best
        if best != 0.0:
            linear += target * best - epsilon * abs(best)
            bent += curvature * best * best
            axpy(best, samples.XT, i, features)
            v[last] += samples.scaling * best
            if low < best < high:
                work.free[free] = i
                free += 1
    return compared(samples.squared, work, free, loss, linear, bent)


@kernel
def compared(squared, work, free, loss, linear, bent):
    """Compute the point's objectives."""
    w2 = v2 = apart = 0.0
    for j in range(len(work.w)):
        w2 += work.w[j] * work.w[j]
        v2 += work.v[j] * work.v[j]
        apart += (work.w[j] - work.v[j]) ** 2
    primal = 0.5 * w2 + loss
    scale = max(linear / (v2 + bent), 0.0) if v2 + bent > 0.0 else 1.0
    if not squared:
        scale = min(scale, 1.0)
    scaled = scale * linear - 0.5 * scale * scale * (v2 + bent)
    dual = linear - 0.5 * (v2 + bent)
    share = 0.5 * apart / (primal - dual) if primal > dual else 0.0
    return Point(free, primal, dual, scaled, scale, share)
