"""The run of a sampler for an estimator, and when it stops since its perplexity no longer falls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from strads.algorithms.topics.sampler import TopicSampler
from strads.engine import Instrument, Run, Step, default_engine

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
    """Stops a fit whose perplexity changes too little, as scikit-learn's class does it.

    Parameters
    ----------
    evaluate_every : int
        Number of sweeps between two evaluations. That after the last sweep does not count here.
    perp_tol : float, optional
        The fit is to stop if the bound of the perplexity (:func:`perplexity_bound`) differs by less
        from that of the evaluation before; None: never.
    before : int, default=0
        Number of sweeps that the chain has made in earlier fits.
    """

    def __init__(self, evaluate_every: int, perp_tol: float | None, before: int = 0) -> None:
        self.evaluate_every, self.before, self.perp_tol = evaluate_every, before, perp_tol
        self.last = float("nan")

    def before_run(self, run: Run) -> None:
        """Take over the last bound of the sweeps before a checkpoint."""
        evaluated = [one for k, one in enumerate(run.history, start=1) if self._due(k)]
        self.last = perplexity_bound(evaluated)

    def after_step(self, run: Run, step: Step) -> None:
        """Stop the fit if its perplexity no longer falls."""
        if self._settled(step):
            run.stop("the perplexity changed by less than perp_tol")

    def _due(self, epoch: int) -> bool:
        every = self.evaluate_every
        return every > 0 and (self.before + epoch) % every == 0

    def _settled(self, step: Step) -> bool:
        if not self._due(step.epoch):
            return False
        bound = perplexity_bound([step.figures])
        last, self.last = self.last, bound
        return self.perp_tol is not None and abs(last - bound) < self.perp_tol


def sample(
    model: Any, program: TopicSampler, seed: int, reason: str, perp_tol: float | None = None
) -> None:  # fmt: skip
    """Run a sampler for `max_iter` sweeps, and set the estimator's attributes of its topics.

    Parameters
    ----------
    model : estimator
        It gets ``assignments_``, ``topic_counts_``, ``doc_topic_prior_``, ``topic_word_prior_``,
        ``n_iter_``, ``bound_`` and ``statistics_``; figures of the sweeps are added to
        ``history_``.
    program : TopicSampler
    seed : int
        Seed of the run.
    reason : str
        Why it is this sampler.
    perp_tol : float, optional
        See :class:`Progress`.
    """
    before = program.begin.sweeps
    progress = Progress(int(model.evaluate_every), perp_tol, before)
    given = model.callbacks if isinstance(model.callbacks, list | tuple) else [model.callbacks]
    instruments = [*(one for one in given if one is not None), progress]
    with default_engine().iterate(
        program, workers=program.crew, epochs=int(model.max_iter), partition=program.partition(),
        seed=seed, instruments=instruments,
    ) as steps:  # fmt: skip
        for _ in steps:
            pass
        model.assignments_ = program.assignments()
        model.topic_counts_ = program.topic_counts()
        model.doc_topic_prior_ = program.alpha[0, : program.count].astype(np.float64)
        model.topic_word_prior_ = float(program.beta)
        program.keep(model)
        model.history_ = model.history_ + steps.history
        model.n_iter_ = before + len(steps.history)
        model.statistics_ = steps.statistics()
    model.statistics_["reasons"] |= {"sampler": reason}
    model.bound_ = perplexity_bound(model.history_)
