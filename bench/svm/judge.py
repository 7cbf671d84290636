"""External judge of linear support vector machines: how far the objective is above the optimum.

    P(w, b) = ½‖w‖² + ½b² + C Σ loss(y_i, x_iᵀw + b)

Peers return no dual variables. So the optimum is bounded from below by the dual objective of a
reference β, which is computed here, in NumPy, from β alone: any β within its bounds gives a bound,
whoever has found it. The judged value is the largest (P − D) / P of a fit's models.
"""

from typing import Any, NamedTuple

import numpy as np


class Objective(NamedTuple):
    """What is minimised: C, the loss by scikit-learn's name, and ε."""

    C: float
    loss: str
    epsilon: float = 0.0

    @property
    def squared(self) -> bool:
        """Whether errors are squared."""
        return self.loss.startswith("squared")

    @property
    def classes(self) -> bool:
        """Whether targets are −1 and 1."""
        return self.loss.endswith("hinge")

    def primal(self, X: Any, t: np.ndarray, coef: np.ndarray, intercept: float) -> float:
        """P of one model."""
        scores = np.asarray(X @ coef).ravel() + intercept
        missing = 1.0 - t * scores if self.classes else np.abs(t - scores) - self.epsilon
        missing = np.maximum(missing, 0.0)
        losses = missing @ missing if self.squared else missing.sum()
        return float(0.5 * (coef @ coef + intercept**2) + self.C * losses)

    def dual(self, X: Any, t: np.ndarray, beta: np.ndarray, *, fit_intercept: bool) -> float:
        """D of dual variables, a lower bound of P; minus infinity outside of their bounds."""
        high = np.inf if self.squared else self.C
        within = (t * beta >= 0.0).all() if self.classes else True
        if not (within and np.abs(beta).max() <= high):
            return -np.inf
        v = np.asarray(X.T @ beta).ravel()
        v2 = v @ v + (beta.sum() ** 2 if fit_intercept else 0.0)
        curved = beta @ beta / (2.0 * self.C) if self.squared else 0.0
        return float(t @ beta - self.epsilon * np.abs(beta).sum() - 0.5 * curved - 0.5 * v2)


def judge(primals: list[float], bounds: list[float]) -> float:
    """The largest (P − D) / P; infinite if a model is not finite."""
    values = [(p - d) / p if np.isfinite(p) and p > 0.0 else np.inf
              for p, d in zip(primals, bounds, strict=True)]  # fmt: skip
    return float(max(values))
