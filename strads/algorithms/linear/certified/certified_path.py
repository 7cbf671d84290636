"""A regularization path: certified weights for every penalty of a grid.

One run solves all penalties in turn, from the first to the last
(:mod:`strads.algorithms.linear.solver.path_program`). Where it cannot go on, or where its weights
are not certified in the precision in which they are returned, the penalty at which it stopped is
fitted by itself, as an estimator does; then another run takes the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.linear.certified.certified_data import CertifiedData
from strads.algorithms.linear.certified.certified_fit import CertifiedFit, solve
from strads.algorithms.linear.choices import workers_of_path
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solver.path_program import Solved
from strads.algorithms.linear.solving import Solving
from strads.engine import default_engine
from strads.monitoring import USED_UP

#: Reasons for which the solver itself ends a run; with any other one, somebody has stopped it.
OWN = ("converged", "epochs", "precision", "rounds", "long", "unprepared")


@dataclass(frozen=True)
class PathPoint:
    """The model of one penalty.

    Attributes
    ----------
    ids, values : ndarray
        Numbers of the features whose weights are not zero, ascending, and these weights; with
        several tasks, a column of weights for each.
    intercept : float or ndarray
        One for each task.
    gap : float
        Upper bound on the relative duality gap.
    epochs : int
        Epochs, or systems of Newton's method, that this penalty took.
    """

    ids: np.ndarray
    values: np.ndarray
    intercept: float | np.ndarray
    gap: float
    epochs: int


class CertifiedPath:
    """The models of a sequence of penalties, each started from the one before.

    Parameters
    ----------
    data : CertifiedData
    penalties : sequence of Penalty
        One for each model, the largest first.
    tol : float
        Relative duality gap to reach.
    max_iter : int
        Largest number of epochs for each penalty.
    workers, seed : int
    start : ndarray, optional
        Weights to start from.
    instruments : Any
        As an engine takes them.
    enough : callable, optional
        Called with every :class:`PathPoint`; the path ends once it returns a true value.

    Attributes
    ----------
    points : list of PathPoint
        In the order of the penalties; fewer if `enough` or an instrument ended the path.
    stopped : bool
        Whether an instrument did.
    """

    def __init__(
        self, data: CertifiedData, penalties: Sequence[Penalty], *, tol: float,
        max_iter: int, workers: int, seed: int, start: np.ndarray | None = None,
        instruments: Any = None, enough: Callable[[PathPoint], bool] | None = None,
    ) -> None:  # fmt: skip
        self.data, self.penalties, self.tol, self.max_iter = data, penalties, tol, max_iter
        self.enough = enough
        self.points: list[PathPoint] = []
        self._options = {"workers": workers, "seed": seed, "instruments": instruments}
        self._start = start
        self._ended = self.stopped = False

    @classmethod
    def by(
        cls, solving: Solving, data: CertifiedData, penalties: Sequence[Penalty], **given: Any
    ) -> CertifiedPath:
        """Return a path whose runs have these parameters; `given` are `start` and `enough`."""
        return cls(
            data, penalties, tol=solving.tol, max_iter=solving.max_iter,
            workers=workers_of_path(data.X, solving.n_workers),
            seed=seed_of(solving.random_state), instruments=solving.callbacks, **given,
        )  # fmt: skip

    def solve(self) -> list[PathPoint]:
        """Return the models."""
        at_once = True
        while not self._ended:
            if at_once and not self._run():
                continue  # the data had to be prepared first
            if not self._ended:
                at_once = self._fit_one()
        return self.points

    def _run(self) -> bool:
        """Solve as many penalties as one run can; return whether it could begin."""
        done = len(self.points)

        def taken(solved: Solved) -> bool:
            point = self._point(solved, program)
            if not point.gap <= self.tol:
                return True  # it is to be fitted by itself, from these weights
            self._take(point)
            return self._ended

        program = self.data.path_program(
            self.penalties[done:], self._start, tol=self.tol, max_epochs=self.max_iter,
            enough=taken,
        )  # fmt: skip
        steps = (self.max_iter + 1) * (len(self.penalties) - done)
        result = default_engine().run(program, epochs=steps, **self._options)
        if result.status == "unprepared" and not self.data.prepared:
            self.data.prepare()
            return False
        if result.status not in OWN:
            self._ended = self.stopped = True
        return True

    def _point(self, solved: Solved, program: Any) -> PathPoint:
        """Return the model of weights that the solver found."""
        data, penalty = self.data, self.penalties[len(self.points)]
        values = data.problem.weights(solved.values, data.X.dtype)
        coef = np.zeros(data.X.shape[1], data.X.dtype)
        coef[solved.ids] = values
        own = solved.proven if data.own_gaps else None
        found, intercept = data.judged(coef, penalty, own, solved, program.mean)
        self._start = coef
        return PathPoint(solved.ids, values, intercept, found.gap, solved.epochs)

    def _fit_one(self) -> bool:
        """Fit the next penalty by itself; return whether its gap is within the tolerance."""
        fit = CertifiedFit(
            self.data, self.penalties[len(self.points)], self._start, tol=self.tol,
            max_iter=self.max_iter,
        )  # fmt: skip
        solve(fit, None, **self._options)
        if fit.verdict in ("callback", "interrupted", USED_UP):
            self._ended = self.stopped = True
            return False
        ids = np.flatnonzero(fit.coef)
        self._start = fit.coef
        gap = fit.certificate.gap
        self._take(PathPoint(ids, fit.coef[ids], fit.intercept, gap, fit.epochs))
        return bool(gap <= self.tol)

    def _take(self, point: PathPoint) -> None:
        self.points.append(point)
        ends = self.enough is not None and self.enough(point)
        self._ended = ends or len(self.points) == len(self.penalties)
