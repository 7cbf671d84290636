"""How fits to a matrix in a file are judged, by their losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.algorithms.linear.certified.certificate import certify
from strads.algorithms.linear.certified.certified_data import CertifiedData
from strads.algorithms.linear.certified.loss_certificate import certify_loss
from strads.algorithms.linear.certified.loss_data import LossData
from strads.algorithms.linear.certified.problem import row_weights
from strads.algorithms.linear.losses.loss import Loss
from strads.algorithms.linear.mapped.columns import FileColumns
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solver.proximal_newton.gap import balanced
from strads.algorithms.linear.solver.proximal_newton.intercept import best_intercept
from strads.algorithms.linear.solver.rounding import Certificate


@dataclass(frozen=True)
class Judging:
    """What differs between the losses.

    Attributes
    ----------
    residual : ndarray of shape (n_samples,)
        Minus the gradient of the loss in the predictions of the model without features.
    data : callable
        Makes the data of a fit from some columns and the factors of their penalties.
    certificate : callable
        Returns a certificate and the intercept, from FileColumns and weights.
    """

    residual: np.ndarray
    data: Callable[[Any, np.ndarray | None], CertifiedData]
    certificate: Callable[[FileColumns, np.ndarray], tuple[Certificate, float]]


def squared_errors(
    y: np.ndarray, weights: np.ndarray | None, penalty: Penalty, *, centred: bool, positive: bool,
    factors: np.ndarray | None,
) -> Judging:  # fmt: skip
    """Return how fits of squared errors are judged."""
    weight = row_weights(weights, len(y))
    mean = math.fsum(weight * y) / math.fsum(weight) if centred else 0.0

    def data(X: Any, some: np.ndarray | None) -> CertifiedData:
        return CertifiedData(X, y, weights, centred=centred, positive=positive, factors=some)

    def certificate(columns: FileColumns, coef: np.ndarray) -> tuple[Certificate, float]:
        found = certify(
            columns, y, coef, *penalty, centred=centred, positive=positive, factors=factors
        )
        used = np.flatnonzero(coef)
        moved = columns.means()[used] * coef[used].astype(np.float64)
        return found, mean - math.fsum(moved) if centred else 0.0

    return Judging(y - mean, data, certificate)


def any_loss(
    loss: Loss, y: np.ndarray, weights: np.ndarray | None, penalty: Penalty, *, centred: bool,
    positive: bool,
) -> Judging:  # fmt: skip
    """Return how fits of a loss are judged."""
    weight, f = row_weights(weights, len(y)), np.zeros(len(y))
    if centred:
        constant = loss.constant(y, weight)
        _, local = best_intercept(loss, f, y, weight, constant)
        residual = balanced(local.theta, weight)
    else:
        residual = loss.at(f, y).theta

    def data(X: Any, _: np.ndarray | None) -> CertifiedData:
        return LossData(loss, X, y, weights, centred=centred, positive=positive)

    def certificate(columns: FileColumns, coef: np.ndarray) -> tuple[Certificate, float]:
        return certify_loss(
            columns, loss, y, coef, penalty, centred=centred, positive=positive
        )  # fmt: skip

    return Judging(residual, data, certificate)
