"""The minimax concave penalty."""

from __future__ import annotations

import numpy as np


class MCP:
    r"""Minimax concave penalty: its slope falls from alpha at zero to 0 at gamma·alpha.

    .. math:: \rho(t) = \alpha t - \frac{t^2}{2 \gamma} \ \text{if}\ t \le \gamma \alpha,
              \quad \frac{\gamma \alpha^2}{2} \ \text{else}

    Parameters
    ----------
    gamma : float, default=3.0
        γ > 0. The larger, the nearer to the L1 penalty. Above 1, the problem of a single weight has
        one minimum, if the mean square of its feature is 1.

    References
    ----------
    Zhang. Nearly unbiased variable selection under minimax concave penalty. Ann. Stat. 38, 2010.
    """

    def __init__(self, gamma: float = 3.0) -> None:
        if not gamma > 0.0:
            raise ValueError(f"gamma={gamma!r} must be positive")
        self.gamma = gamma

    def __repr__(self) -> str:
        return f"MCP(gamma={self.gamma!r})"

    def value(self, size: np.ndarray, alpha: float) -> np.ndarray:
        """Return ρ(t)."""
        t = np.minimum(size, self.gamma * alpha)
        return alpha * t - 0.5 * t * t / self.gamma

    def slope(self, size: np.ndarray, alpha: float) -> np.ndarray:
        """Return ρ'(t)."""
        return np.maximum(alpha - size / self.gamma, 0.0)
