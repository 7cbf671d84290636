"""What a fit prints after a sweep, and when it stops since its perplexity no longer falls."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

import numpy as np

from strads.engine import Instrument, Run, Step

LIKELIHOOD = "log_likelihood_per_token"


def perplexity_bound(history: Iterable[Mapping[str, float]]) -> float:
    """Return an upper bound of the perplexity of the fitted tokens; NaN if none was evaluated.

    The topics z that were sampled last are one of all possible assignments, so p(w) ≥ p(w, z), and
    the perplexity exp(−log p(w) / tokens) is at most exp(−log p(w, z) / tokens).

    Parameters
    ----------
    history : iterable of mapping
        Figures of all sweeps; the last one that has a likelihood counts.
    """
    found = [figures[LIKELIHOOD] for figures in history if LIKELIHOOD in figures]
    return float(np.exp(-found[-1])) if found else float("nan")


class Progress(Instrument):
    """What is done after every sweep of a fit, as scikit-learn's class does it.

    Parameters
    ----------
    max_iter : int
        Number of sweeps of the fit, for the lines.
    evaluate_every : int
        Number of sweeps between two evaluations. That after the last sweep does not count here.
    verbose : int
        Whether to print a line after every sweep.
    perp_tol : float, optional
        The fit is to stop if the bound of the perplexity (:func:`perplexity_bound`) differs by less
        from that of the evaluation before; None: never.
    before : int, default=0
        Number of sweeps that the chain has made in earlier fits.
    """

    def __init__(
        self, max_iter: int, evaluate_every: int, verbose: int, perp_tol: float | None,
        before: int = 0,
    ) -> None:  # fmt: skip
        self.max_iter, self.evaluate_every, self.before = max_iter, evaluate_every, before
        self.verbose, self.perp_tol = verbose, perp_tol
        self.last = float("nan")

    def before_run(self, run: Run) -> None:
        """Take over the last bound of the sweeps before a checkpoint."""
        evaluated = [one for k, one in enumerate(run.history, start=1) if self._due(k)]
        self.last = perplexity_bound(evaluated)

    def after_step(self, run: Run, step: Step) -> None:
        """Print the line of a sweep, and stop the fit if its perplexity no longer falls."""
        if self._settled(step):
            run.stop("the perplexity changed by less than perp_tol")

    def _due(self, epoch: int) -> bool:
        every = self.evaluate_every
        return every > 0 and (self.before + epoch) % every == 0

    def _settled(self, step: Step) -> bool:
        due = self._due(step.epoch)
        bound = perplexity_bound([step.figures]) if due else float("nan")
        if self.verbose:
            says = f", perplexity at most {bound:.4f}" if due else ""
            sys.stdout.write(f"iteration: {step.epoch} of max_iter: {self.max_iter}{says}\n")
        if not due:
            return False
        last, self.last = self.last, bound
        return self.perp_tol is not None and abs(last - bound) < self.perp_tol
