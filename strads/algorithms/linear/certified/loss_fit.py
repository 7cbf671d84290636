"""A fit of a generalised linear model as a sequence of runs, like that of a Lasso."""

from __future__ import annotations

from typing import Any

from strads.algorithms.linear.certified.certified_fit import CertifiedFit
from strads.algorithms.linear.certified.loss_data import LossData


class LossFit(CertifiedFit):
    """State of a fit with one penalty.

    Parameters
    ----------
    data : LossData
    **given
        See :class:`~strads.algorithms.linear.certified.certified_fit.CertifiedFit`.
    """

    data: LossData

    def judge(self, result: Any) -> None:
        """Certify the returned weights, and choose their intercept."""
        own = self.own_certificate(result)
        if own is None:
            self.certificate, self.intercept = self.data.judged(self.coef, self.penalty)
        else:
            self.certificate, self.intercept = own, self._program.intercept
