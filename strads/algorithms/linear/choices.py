"""What linear models choose where users leave it open: workers, and schedules by name."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import scipy.sparse as sp
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.fit_series import LASTING
from strads.algorithms.common.workers import workers_for
from strads.algorithms.linear.solver.gram_form.rounds import AUTOMATIC
from strads.algorithms.linear.solver.lasso_program import DEFAULT
from strads.engine import Random, RoundRobin, Schedule, available_cores

#: Below this many entries of dense X, one worker inside the leader is faster than several
#: processes.
ENTRIES = 2_000_000
#: A fit of sparse X with fewer entries than this begins with one worker. It goes on with one a core
#: if it has not ended after so much work (see InnerProblem), which takes about half a second.
MANY_ENTRIES, BUDGET = 4_000_000, 2e8
#: Runs of paths on sparse and on dense X with fewer entries than this have one worker. Two took 0.6
#: of the time of one at 1.3 million entries, 1.25 at 0.7 and 1.6 at 0.6, a hundred launches a
#: penalty; of dense X they share only the full passes.
SPARSE_ENTRIES, DENSE_ENTRIES = 1_000_000, 20_000_000
#: Names of schedules.
NAMED = ("auto", "priority", "random", "round-robin")
#: What the parameters that all fits of one penalty have may be, for scikit-learn's validation.
SOLVING: dict[str, list[Any]] = {
    "fit_intercept": ["boolean"],
    "positive": ["boolean"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
    "schedule": [StrOptions(set(NAMED)), Schedule, None],
    "partition": [StrOptions({"contiguous", "balanced"}), "array-like", None],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "callbacks": CALLBACKS,
    **LASTING,
}


def workers_and_budget(X: Any, n_workers: int | None, *, asked: bool) -> tuple[int, float]:
    """Return the number of workers, and the work after which there is to be one a core.

    Parameters
    ----------
    X : csc matrix or ndarray
    n_workers : int, optional
        The estimator's parameter.
    asked : bool
        Whether the user has chosen a partition or a schedule, which keeps the number as it is.
    """
    if asked or n_workers is not None or not sp.issparse(X):
        entries = X.nnz if sp.issparse(X) else X.size
        return workers_for(n_workers, entries, ENTRIES), math.inf
    workers = workers_for(None, X.nnz, MANY_ENTRIES)
    return workers, BUDGET if workers < available_cores() else math.inf


def workers_of_path(X: Any, n_workers: int | None) -> int:
    """Return the number of workers for a path."""
    if sp.issparse(X):
        return workers_for(n_workers, X.nnz, SPARSE_ENTRIES)
    return workers_for(n_workers, X.size, DENSE_ENTRIES)


def named_schedule(
    schedule: str | Schedule | None, priority: Schedule = DEFAULT
) -> Schedule | None:
    """Return the schedule of a name; a schedule, or None for the default, stays as it is.

    `priority` is that of the name "priority".
    """
    if not isinstance(schedule, str):
        return schedule
    return {
        "random": Random("chosen", lease=512, micro=8),
        "round-robin": RoundRobin("chosen", lease=512, micro=8),
        "priority": priority,
        "auto": AUTOMATIC,
    }[schedule]


def asked_schedule(
    schedule: str | Schedule | None, selection: str, priority: Schedule = DEFAULT
) -> Schedule | None:
    """Return the schedule that an estimator's two parameters ask for; None: the default.

    `priority` is that of the name "priority".

    Raises
    ------
    ValueError
        If they contradict each other.
    """
    if selection == "random":
        if schedule not in (None, "random"):
            raise ValueError(
                f"selection='random' and schedule={schedule!r} contradict each other: leave one out"
            )
        schedule = "random"
    return named_schedule(schedule, priority)
