"""The penalty of an elastic net, by its two weights."""

from __future__ import annotations

from typing import NamedTuple


class Penalty(NamedTuple):
    """The function α‖w‖₁ + β‖w‖² / 2.

    Attributes
    ----------
    alpha, beta : float
    """

    alpha: float
    beta: float = 0.0

    @classmethod
    def mixed(cls, alpha: float, l1_ratio: float) -> Penalty:
        """Return the penalty of an estimator's parameters."""
        return cls(float(alpha * l1_ratio), float(alpha * (1.0 - l1_ratio)))
