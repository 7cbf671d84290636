"""What a solver must know of a loss function φ(f, y), the cost of predicting f where y is true.

A model minimises Σ_i ω_i φ(f_i, y_i) / n plus a penalty, with f = Xw + b. The dual problem has a
number θ_i for every sample, ω_i θ_i x_i being its share of what holds the penalty in balance. At
the optimum θ_i = −φ'(f_i, y_i).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np


class Local(NamedTuple):
    """A loss at given predictions, one number a sample.

    Attributes
    ----------
    value : ndarray
        φ(f, y).
    theta : ndarray
        −φ'(f, y), the derivative by f.
    curvature : ndarray
        φ''(f, y), at least 0.
    """

    value: np.ndarray
    theta: np.ndarray
    curvature: np.ndarray


class Loss(Protocol):
    """A convex loss, as a rule one whose derivative by the prediction is Lipschitz continuous.

    All methods take and return arrays with one number a sample. Values are computed to a relative
    error of 8u, u = 2⁻⁵³.

    Attributes
    ----------
    smoothness : float
        The Lipschitz constant: φ'' ≤ smoothness. If there is none, ``inf``, and the loss has an
        attribute ``growth`` with ``φ''(f + e, y) ≤ φ''(f, y)·exp(growth·|e|)``.

    Notes
    -----
    Two more are optional. A method ``check(y, centred=…)`` raises ValueError for targets, those of
    samples with weight, that the loss does not take in a model with an intercept, or without. With
    an attribute ``link = "log"`` a model predicts exp(f) in place of f.
    """

    smoothness: float

    def at(self, f: np.ndarray, y: np.ndarray) -> Local:
        """Return value, negative derivative and curvature at predictions."""
        ...

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return φ(f, y) alone."""
        ...

    def dual(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return −φ*(−θ, y) with the convex conjugate φ*, the terms of the dual objective."""
        ...

    def dual_error(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much the dual may differ if θ and all operations are off by up to 8u.

        The errors of θ are relative, and do not make it infeasible.
        """
        ...

    def constant(self, y: np.ndarray, weight: np.ndarray) -> float:
        """Return the prediction b with the least Σ weight·φ(b, y)."""
        ...
