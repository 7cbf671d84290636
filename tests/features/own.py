"""A loss and concave penalties such as users of this package write them."""

from __future__ import annotations

import numpy as np

from strads import Local


class Expectile:
    """Squared errors, of which those above the prediction weigh four times as much."""

    smoothness = 0.8

    def at(self, f: np.ndarray, t: np.ndarray) -> Local:
        weight = np.where(t > f, 0.8, 0.2)
        return Local(weight * (t - f) ** 2 / 2, weight * (t - f), weight)

    def value(self, f: np.ndarray, t: np.ndarray) -> np.ndarray:
        return self.at(f, t).value

    def dual(self, theta: np.ndarray, t: np.ndarray) -> np.ndarray:
        return theta * t - theta**2 / (2 * np.where(theta > 0.0, 0.8, 0.2))

    def dual_error(self, theta: np.ndarray, t: np.ndarray) -> np.ndarray:
        return 2.0**-49 * np.abs(theta) * (np.abs(t) + 5.0 * np.abs(theta))

    def constant(self, t: np.ndarray, weight: np.ndarray) -> float:
        b = float(np.mean(t))
        for _ in range(100):
            pull = weight * np.where(t > b, 0.8, 0.2)
            b = float(pull @ t / pull.sum())
        return b


class LogSum:
    """The penalty alpha·log(1 + t)."""

    def value(self, size: np.ndarray, alpha: float) -> np.ndarray:
        return alpha * np.log1p(size)

    def slope(self, size: np.ndarray, alpha: float) -> np.ndarray:
        return alpha / (1.0 + size)


class Root:
    """The penalty alpha·√t, whose slope at zero is infinite."""

    def value(self, size: np.ndarray, alpha: float) -> np.ndarray:
        return alpha * np.sqrt(size)

    def slope(self, size: np.ndarray, alpha: float) -> np.ndarray:
        return alpha / (2.0 * np.sqrt(np.maximum(size, 1e-300)))
