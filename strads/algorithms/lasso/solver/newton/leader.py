"""What the leader does by itself in an inner problem: Newton's method, and the polish."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy.linalg import LinAlgError

from strads.algorithms.lasso.solver.inner_problem import InnerProblem
from strads.algorithms.lasso.solver.newton.centred_columns import CentredColumns
from strads.algorithms.lasso.solver.newton.polish import Support
from strads.algorithms.lasso.solver.newton.semismooth import ROUNDING, Newton, Point
from strads.algorithms.lasso.solver.parallel_columns import columns_of

#: Newton's method is used for dense columns of at most this many rows. Its systems cost products of
#: columns, k²n for a support of k, which the Gram matrix of coordinate rounds needs only once.
NEWTON_ROWS: Final = 4096
#: In Gram form a solution is polished if that takes fewer multiplications than so many full passes:
#: LAPACK makes some ten in the time of one in a pass, so it takes about the time of one pass.
PASSES: Final = 10


class InLeader(InnerProblem):
    """Base of the Lasso program: the parts of an inner solve that need no launch.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
    form : str, optional
        See :class:`~strads.algorithms.lasso.solver.program.WorkingSetLasso`.
    **given
        See :class:`~strads.algorithms.lasso.solver.inner_problem.InnerProblem`.

    Attributes
    ----------
    by_newton : bool
        Whether Newton's method solves the inner problems.
    newton_systems, polished : int
        Number of systems that it has solved; number of solutions that have been polished.
    """

    def __init__(self, *, X: Any, form: str | None = None, **given: Any) -> None:
        super().__init__(X=X, form=form, **given)
        self.by_newton = not self.sparse and form is None and X.shape[0] <= NEWTON_ROWS
        self.newton_systems = self.polished = 0
        self._columns: CentredColumns | None = None  # made when Newton's method begins

    # -- Newton's method -----------------------------------------------------------------------

    def newton(self, inner: float, target: float) -> float:
        """Solve the inner problem and return its gap; if that fails, leave it to rounds.

        Parameters
        ----------
        inner, target : float
            Gap of the inner problem at the start; gap to reach.
        """
        v, members = self.used("v"), self.used("members")
        columns = self._centred()
        norm2 = np.where(self.resting, 0.0, self.norm[members] ** 2)
        method = Newton(
            columns.of(members, self.mean), self.y, norm2, self.penalty,
            positive=bool(self.positive), products=columns.products,
            threads=self.partitions["features"].workers,
        )  # fmt: skip
        start = Point(v.copy(), self.r[: self.size["rows"]].copy(), self.score[members])
        try:
            found = method.minimise(
                start, inner, self._gap_at, target, self.max_epochs - self.epochs_used
            )
        except LinAlgError:  # rounding has made a system singular
            found = start
        self.by_newton = found is not start
        v[:] = found.w
        self.newton_systems += method.systems
        self.epochs_used += method.systems
        return self._gap_at(found) if self.by_newton else inner

    def _gap_at(self, point: Point) -> float:
        return self.inner_gap(point.w, point.z, _square(point.r), float(point.r @ self.y))

    def _centred(self) -> CentredColumns:
        if self._columns is None:
            self._columns = CentredColumns(self.X, self.unit)
        return self._columns

    # -- polish --------------------------------------------------------------------------------

    def polish(self) -> None:
        """Solve the optimality conditions on the support to rounding, if that costs little.

        The objective does not rise, and the gap of the inner problem does not exceed the tolerance.
        """
        v = self.used("v")
        support = np.flatnonzero(v)
        if self.in_residual_form or not self._worth_polishing(len(support)):
            return
        columns, system = self._support(support)
        old = v[support]
        new = columns.polished(old, self.penalty, system)
        if new is None:
            return
        height = self.penalised(old, _square(columns.residual(old)))
        rest = columns.residual(new)
        z = self._scores_after(support, new - old, rest)
        lower = self.penalised(new, _square(rest)) <= height * (1.0 + ROUNDING)
        if lower and self.inner_gap(new, z, _square(rest), float(rest @ self.y)) <= self.tol:
            v[support] = new
            self.polished += 1

    def _worth_polishing(self, k: int) -> bool:
        """Whether a system of k members costs little, by its number of multiplications."""
        if not 0 < k <= self.size["rows"]:
            return False
        entries = len(self.X.data) if self.sparse else self.X.size
        # Newton's method has solved larger systems, and several of them.
        return self.by_newton or k**3 / 3.0 <= PASSES * entries

    def _support(self, support: np.ndarray) -> tuple[Support, np.ndarray]:
        """Return the columns of the support, and their inner products."""
        members, n = self.used("members"), self.size["rows"]
        if self.by_newton:
            copies = self._centred().of(members, self.mean)
            system = self._centred().products.among(copies, support)
            zeros = np.zeros(len(support))
            return Support(copies[:, support], zeros, self.unit, self.y), system
        ids = members[support]
        system = self.G[np.ix_(support, support)].astype(np.float64)
        return Support(columns_of(self.X, ids, n), self.mean[ids], self.unit, self.y), system

    def _scores_after(self, support: np.ndarray, step: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Return the members' scores after a step on the support, whose residual is `rest`."""
        if self.by_newton:
            scores: np.ndarray = self._centred().of(self.used("members"), self.mean).T @ rest
            return scores
        known: np.ndarray = self.used("z") - self.G[: self.count, support] @ step
        return known


def _square(r: np.ndarray) -> float:
    return float(r @ r)
