"""What a solver must know of a concave penalty."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class ConcavePenalty(Protocol):
    """A penalty ``ρ(|w|, alpha)`` that grows ever more slowly with the size of a weight.

    As a function of the size ``t = |w| ≥ 0`` it is zero at t = 0, does not fall, and is concave;
    its derivative at t = 0 is positive and finite.
    Both methods take and return arrays with one number a weight.
    """

    def value(self, size: np.ndarray, alpha: float) -> np.ndarray:
        """Return ρ(t, alpha) at sizes t ≥ 0."""
        ...

    def slope(self, size: np.ndarray, alpha: float) -> np.ndarray:
        """Return the derivative of ρ by t, at t = 0 the one from the right."""
        ...
