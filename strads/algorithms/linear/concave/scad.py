"""The smoothly clipped absolute deviation."""

from __future__ import annotations

import numpy as np


class SCAD:
    r"""Smoothly clipped absolute deviation: L1 up to alpha, flat beyond gamma·alpha.

    .. math:: \rho'(t) = \alpha \ \text{if}\ t \le \alpha, \quad
              \max(\gamma \alpha - t, 0) / (\gamma - 1) \ \text{else}

    Parameters
    ----------
    gamma : float, default=3.7
        γ > 1. The larger, the nearer to the L1 penalty. Fan and Li call it a.

    References
    ----------
    Fan, Li. Variable selection via nonconcave penalized likelihood and its oracle properties.
    J. Am. Stat. Assoc. 96, 2001.
    """

    def __init__(self, gamma: float = 3.7) -> None:
        if not gamma > 1.0:
            raise ValueError(f"gamma={gamma!r} must be larger than 1")
        self.gamma = gamma

    def __repr__(self) -> str:
        return f"SCAD(gamma={self.gamma!r})"

    def value(self, size: np.ndarray, alpha: float) -> np.ndarray:
        """Return ρ(t)."""
        bend = np.clip(size, alpha, self.gamma * alpha) - alpha
        falling = alpha * bend - 0.5 * bend * bend / (self.gamma - 1.0)
        return alpha * np.minimum(size, alpha) + falling

    def slope(self, size: np.ndarray, alpha: float) -> np.ndarray:
        """Return ρ'(t)."""
        falling = np.maximum(self.gamma * alpha - size, 0.0) / (self.gamma - 1.0)
        return np.minimum(falling, alpha)
