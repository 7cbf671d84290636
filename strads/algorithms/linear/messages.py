"""Warnings of a Lasso: what happened, and what to do about it.

They begin with scikit-learn's words where they tell the same, so that filters for its warnings
work.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from strads.algorithms.common.warnings import NotCertifiedWarning
from strads.algorithms.linear.certified.certified_fit import CertifiedFit
from strads.algorithms.linear.fitted import Fitted
from strads.monitoring import USED_UP


def warn_of_no_l1_penalty(alpha: float) -> None:
    """Warn that without an L1 penalty the gap says nothing."""
    if alpha > 0:
        warnings.warn(
            "With l1_ratio=0, this algorithm does not converge well. You are advised to use the "
            "Ridge estimator: the duality gap certifies nothing without an L1 penalty",
            stacklevel=3,
        )
        return
    warnings.warn(
        "With alpha=0, this algorithm does not converge well. You are advised to use the "
        "LinearRegression estimator: the duality gap certifies nothing without a penalty",
        stacklevel=3,
    )


def warn_of_gaps(gaps: np.ndarray, tol: float) -> None:
    """Warn of models of a path whose gaps are above the tolerance.

    Warns
    -----
    ConvergenceWarning
        If there is one.
    """
    missed = np.flatnonzero(~(gaps <= tol))
    if len(missed):
        warnings.warn(
            f"Objective did not converge for {len(missed)} of {len(gaps)} penalties; the largest "
            f"relative duality gap is {gaps.max():.2e}, above tol={tol:.2e}. You might want to "
            "increase max_iter, check the scale of the features, or raise tol or eps.",
            ConvergenceWarning,
            stacklevel=3,
        )


def warn_unless_certified(
    fit: CertifiedFit | Fitted, epochs: int, easier: str = "raise tol or alpha"
) -> None:
    """Warn of a fit that ended before its tolerance was certified, and say why it ended.

    Parameters
    ----------
    fit : CertifiedFit or Fitted
    epochs : int
    easier : str
        What makes the problem easier.

    Warns
    -----
    NotCertifiedWarning
        If rounding errors are the reason.
    ConvergenceWarning
        If the epochs were used up, or a callback stopped the fit.
    """
    if fit.verdict in ("certified", "interrupted", USED_UP):  # these are told of for the whole fit
        return
    if fit.status == "unprepared":
        warnings.warn(
            "Nothing was fitted: the mean of a feature is too large beside its spread, so that "
            "rounding would leave nothing of it. Subtract the means of such features, or divide "
            "features of extreme sizes by them.",
            NotCertifiedWarning,
            stacklevel=3,
        )
        return
    gap, tol, plural = fit.certificate.gap, fit.tol, "s" * (epochs != 1)
    reached = f"a relative duality gap of {gap:.2e}, above tol={tol:.2e}"
    if fit.verdict == "precision":
        warnings.warn(
            f"The result is not certified: it has {reached}. Of the gap, "
            f"{fit.certificate.rounding:.2e} is the bound on rounding errors, so more iterations "
            "do not help. Scale the features and y to ordinary sizes, remove features that are "
            f"nearly copies of others, give X in double precision, or {easier}.",
            NotCertifiedWarning,
            stacklevel=3,
        )
    elif fit.verdict == "callback":
        warnings.warn(
            f"The fit ended before it converged ({fit.status}), after {epochs} epoch{plural} at "
            f"{reached}.",
            ConvergenceWarning,
            stacklevel=3,
        )
    else:
        warnings.warn(
            "Objective did not converge. You might want to increase the number of iterations, "
            f"max_iter, check the scale of the features, or {easier}: the fit ended after "
            f"{epochs} epoch{plural} at {reached}.",
            ConvergenceWarning,
            stacklevel=3,
        )
