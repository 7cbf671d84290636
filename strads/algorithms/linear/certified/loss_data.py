"""The data of certified fits of generalised linear models."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.algorithms.linear.certified.centring import Columns
from strads.algorithms.linear.certified.certified_data import CertifiedData
from strads.algorithms.linear.certified.loss_certificate import certify_loss
from strads.algorithms.linear.certified.problem import Problem, careful, plain
from strads.algorithms.linear.losses.loss import Loss
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solver.proximal_newton.path import ProximalNewtonPath
from strads.algorithms.linear.solver.proximal_newton.program import ProximalNewton
from strads.algorithms.linear.solver.rounding import Certificate


class LossData(CertifiedData):
    """X, targets as a loss takes them, and weights of samples.

    Parameters
    ----------
    loss : Loss
    X, y, sample_weight, centred, positive, proven
        See :class:`~strads.algorithms.linear.certified.certified_data.CertifiedData`.
    """

    one_penalty, several_penalties = ProximalNewton, ProximalNewtonPath

    def __init__(
        self, loss: Loss, X: Any, y: np.ndarray, sample_weight: Any, *, centred: bool,
        positive: bool = False, proven: bool = True,
    ) -> None:  # fmt: skip
        self.loss = loss
        super().__init__(X, y, sample_weight, centred=centred, positive=positive, proven=proven)

    def as_they_are(self) -> Problem:
        """Return the data for the solver, with X as it was given."""
        nothing = np.zeros(len(self.y))  # the loss takes targets as they are
        return plain(self.X, nothing, self.sample_weight, centred=False)

    def with_care(self, columns: Columns) -> Problem:
        """Return the data for the solver, with columns that have been shifted and scaled."""
        nothing = np.zeros(len(self.y))
        return careful(self.X, columns, nothing, self.sample_weight, centred=False)

    def exact(self) -> bool:
        """Whether the solver's certificate holds for the user's data and the returned weights."""
        return bool(self.X.dtype == np.float64)

    def arguments(self, start: np.ndarray | None) -> dict[str, Any]:
        """Return what every program on these data is given; see `CertifiedData.arguments`."""
        given = super().arguments(start)
        unit = given.pop("unit")
        return {**given, "loss": self.loss, "y": self.y, "row_weight": unit**2}

    def judged(
        self, coef: np.ndarray, penalty: Penalty, own: Certificate | None, program: Any,
        mean: np.ndarray,
    ) -> tuple[Certificate, float]:  # fmt: skip
        """Return a certificate and the intercept; see `CertifiedData.judged`."""
        if own is not None:
            return own, program.intercept
        return certify_loss(
            self.columns, self.loss, self.y, coef, penalty, centred=self.centred,
            positive=self.positive,
        )  # fmt: skip
