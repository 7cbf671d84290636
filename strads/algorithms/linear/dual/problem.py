r"""The dual of a linear support vector machine, one variable β_i a sample.

.. math::
    P(w) = \tfrac12\|w\|^2 + \sum_i \phi_i(x_i^T w), \qquad
    D(\beta) = -\tfrac12\|X^T\beta\|^2 + \sum_i (t_i\beta_i - \epsilon|\beta_i|
               - \tfrac12 d_i\beta_i^2), \quad l_i \le \beta_i \le h_i

where φ_i(f) = max over l_i ≤ β ≤ h_i of β(t_i − f) − ε|β| − ½d_i β², and w = Xᵀβ at the optimum.
The intercept is the weight of one more feature, which is `scaling` for every sample. With c_i, the
weight C of the loss times that of the sample,

==========================  ============  =======================================
loss                        d_i           l_i, h_i
==========================  ============  =======================================
hinge                       0             0, c_i if t_i = 1; −c_i, 0 if t_i = −1
squared hinge               1 / (2 c_i)   0, ∞ or −∞, 0
ε-insensitive               0             −c_i, c_i
squared ε-insensitive       1 / (2 c_i)   −∞, ∞
==========================  ============  =======================================

Source: Hsieh, Chang, Lin, Keerthi, Sundararajan. A dual coordinate descent method for large-scale
linear SVM. ICML 2008; Ho, Lin. Large-scale linear support vector regression. JMLR 13, 2012. There
α_i = |β_i|.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from strads.engine import kernel
from strads.kernels.linear.prox import soft_threshold


class Samples(NamedTuple):
    """What all models of a fit have in common.

    Attributes
    ----------
    XT : CSC or ndarray of shape (n_features, n_samples)
    y : ndarray of shape (n_samples,)
        Number of the class, or the target.
    cost : ndarray of shape (n_samples,)
        c_i.
    norm2 : ndarray of shape (n_samples,)
        Squared norms of the samples, the feature of the intercept included.
    epsilon : float
        ε, half the width of the tube.
    scaling : float
        The feature of the intercept; 0 for none.
    squared, classes : int
        Whether the loss is squared, and whether y holds numbers of classes.
    """

    XT: Any
    y: np.ndarray
    cost: np.ndarray
    norm2: np.ndarray
    epsilon: float
    scaling: float
    squared: int
    classes: int


@kernel
def target_of(samples, i, label):
    """Return t_i in the model of class `label`: 1 for its samples and −1 for all others."""
    if not samples.classes:
        return samples.y[i]
    return 1.0 if samples.y[i] == label else -1.0


@kernel
def curvature_of(samples, i):
    """Return d_i."""
    return 0.5 / samples.cost[i] if samples.squared and samples.cost[i] > 0.0 else 0.0


@kernel
def bounds_of(samples, i, target):
    """Return l_i and h_i; both are zero for a sample without weight."""
    high = samples.cost[i]
    if samples.squared and high > 0.0:
        high = np.inf
    if not samples.classes:
        return -high, high
    return (0.0, high) if target > 0.0 else (-high, 0.0)


@kernel
def maximiser(slope, epsilon, curvature, low, high):
    """Return the β between `low` and `high` that maximises slope·β − ε|β| − ½ curvature·β²."""
    shrunk = soft_threshold(slope, epsilon)
    if curvature > 0.0:
        return min(max(shrunk / curvature, low), high)
    return high if shrunk > 0.0 else (low if shrunk < 0.0 else 0.0)


@kernel
def dual_term(target, epsilon, curvature, beta):
    """Return t_i β_i − ε|β_i| − ½ d_i β_i²."""
    return target * beta - epsilon * abs(beta) - 0.5 * curvature * beta * beta
