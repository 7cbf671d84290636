"""Fits that need nothing from each other, such as those of folds: a worker makes whole fits.

That divides all of the work, while two workers on one path share little but its full passes. The
workers are threads of the leader. Kernels release the interpreter's lock, and all fits read the
same X.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import scipy.sparse as sp

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.threads import Ending, at_once
from strads.algorithms.common.workers import workers_for
from strads.algorithms.linear.solving import Solving
from strads.datasets import MappedMatrix
from strads.engine import in_any_order, rank_count

#: With fewer entries of X there is one worker, unless another number is asked for.
ENTRIES = 50_000


@dataclass(frozen=True)
class FitsAtOnce:
    """How fits are divided among workers.

    Attributes
    ----------
    threads : int
        Fits that are made at the same time.
    solving : Solving
        Parameters of the runs of each fit.
    ending : Ending
        Ends the runs of all of them.
    """

    threads: int
    solving: Solving
    ending: Ending = field(default_factory=Ending)

    def made(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Return the solved paths that the calls return, as far as nobody has ended the fit.

        Whoever stops one of them means all.
        """

        def noted(call: Callable[[], Any]) -> Any:
            path = call()
            if path.stopped:
                self.ending.ask()
            return path

        return at_once([partial(noted, call) for call in calls], self.threads, self.ending)


def fits_at_once(solving: Solving, X: Any, count: int) -> FitsAtOnce:
    """Divide fits among the workers that an estimator has.

    Numbers do not depend on what is fitted at the same time: every fit has one worker. Where
    somebody follows the runs one by one, the fits come one after another.

    Parameters
    ----------
    solving : Solving
        Parameters of the estimator.
    X : csc matrix, ndarray or MappedMatrix
    count : int
        Number of fits. A single one has all workers; so has each on the ranks of MPI, and each on
        X that stays in its file, which the workers read together.
    """
    if count == 1 or rank_count() > 1 or isinstance(X, MappedMatrix):
        return FitsAtOnce(1, solving)
    # A generator's numbers would depend on which fit asks first.
    alone = replace(solving, n_workers=1, random_state=seed_of(solving.random_state))
    if solving.callbacks is not None or not in_any_order():
        return FitsAtOnce(1, alone)
    entries = X.nnz if sp.issparse(X) else X.size
    ending = Ending()
    threads = min(workers_for(solving.n_workers, entries, ENTRIES), count)
    return FitsAtOnce(threads, replace(alone, callbacks=ending), ending)
