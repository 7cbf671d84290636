"""The data of certified fits of generalised linear models."""

from __future__ import annotations

from collections.abc import Sequence
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

    def program(self, penalty: Penalty, start: np.ndarray | None, **options: Any) -> Any:
        """Return a program that solves the problem; see `CertifiedData.program`."""
        given = self.problem.penalty(penalty)._asdict()
        return ProximalNewton(**self.arguments(start), **given, **options)

    def arguments(self, start: np.ndarray | None) -> dict[str, Any]:
        """Return what every program on these data is given; see `CertifiedData.arguments`."""
        given = super().arguments(start)
        unit = given.pop("unit")
        return {**given, "loss": self.loss, "y": self.y, "row_weight": unit**2}

    def path_program(
        self, penalties: Sequence[Penalty], start: np.ndarray | None, **options: Any
    ) -> Any:
        """Return a program that solves the problem for several penalties; see :meth:`program`."""
        own = [self.problem.penalty(each) for each in penalties]
        return ProximalNewtonPath(**self.arguments(start), penalties=own, **options)

    def judged_at(self, coef: np.ndarray, penalty: Penalty, program: Any) -> tuple[float, float]:
        """Return a bound on the gap of weights that a program has found, and their intercept."""
        if self.own_gaps:
            return program.proven.gap, program.intercept
        certificate, intercept = self.judged(coef, penalty)
        return certificate.gap, intercept

    def judged(self, coef: np.ndarray, penalty: Penalty) -> tuple[Certificate, float]:
        """Return the certificate of weights as they are returned, and their intercept."""
        return certify_loss(
            self.columns, self.loss, self.y, coef, penalty, centred=self.centred,
            positive=self.positive,
        )  # fmt: skip
