"""The run of a model of several classes or groups, with the judgement of its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.linear.fitted import Fitted, judged
from strads.engine import default_engine


def one_run(
    made: Callable[..., Any], model: Any, X: Any, start: np.ndarray | None, exponent: int, *,
    tasks: int, entries: int,
) -> Fitted:  # fmt: skip
    """Make the run, and return its results for X as it was given.

    Parameters
    ----------
    made : callable
        Makes the program from `max_epochs` and `w`, the weights to start from.
    model : estimator
        See :func:`~strads.algorithms.linear.fitting.fit_loss`.
    X : csc matrix or ndarray
        Divided by 2 to the power of `exponent`.
    start : ndarray of shape (p, K) or None
    exponent : int
    tasks : int
        K.
    entries : int
        With so many entries of X, counted once a task, there is one worker a core.
    """
    program = made(max_epochs=int(model.max_iter), w=start)
    asked = getattr(model, "partition", None)
    partition = None if asked is None else {"features": asked}
    size = (X.nnz if sp.issparse(X) else X.size) * tasks
    result = default_engine().run(
        program, workers=workers_for(model.n_workers, size, entries),
        epochs=int(model.max_iter) + 1, seed=seed_of(model.random_state),
        instruments=model.callbacks, partition=partition,
    )  # fmt: skip
    judge = judged(program, result, lambda w: made(max_epochs=0, w=w))
    return Fitted(
        coef=np.ldexp(result.state["w"].T.copy(), -exponent), intercept=judge.intercepts,
        certificate=judge.proven, status=result.status, tol=float(model.tol),
        epochs=program.epochs_used, history=result.history, statistics=result.statistics,
    )  # fmt: skip
