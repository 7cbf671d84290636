"""What the leader does by itself in an inner problem: Newton's method, and the polish."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy.linalg import LinAlgError

from strads.algorithms.linear.solver.inner_problem import InnerProblem
from strads.algorithms.linear.solver.members.parallel_columns import weighted_columns
from strads.algorithms.linear.solver.newton.centred_columns import KeepsColumns
from strads.algorithms.linear.solver.newton.polish import Support
from strads.algorithms.linear.solver.newton.semismooth import ROUNDING, Newton, Point

#: Newton's method is used for dense columns of at most this many rows. Its systems cost products of
#: columns, k²n for a support of k, which the Gram matrix of coordinate rounds needs only once.
NEWTON_ROWS: Final = 4096
#: Without Newton's method a solution is polished if its system takes at most so many times as many
#: multiplications as X has entries. LAPACK makes some ten in the time that a full pass takes for an
#: entry, so this is the time of three full passes, of which a fit makes at least ten.
AFFORDABLE: Final = 30
#: A multiplication in a product of sparse matrices takes the time of so many in LAPACK.
SPARSE_PRODUCT: Final = 20


class InLeader(KeepsColumns, InnerProblem):
    """Base of the Lasso program: the parts of an inner solve that need no launch.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
    form : str, optional
        See :class:`~strads.algorithms.linear.solver.lasso_program.WorkingSetLasso`.
    **given
        See :class:`~strads.algorithms.linear.solver.inner_problem.InnerProblem`.

    Attributes
    ----------
    by_newton, newton_failed : bool
        Whether Newton's method solves the inner problems; whether it failed at the last one.
    newton_systems, polished : int
        Number of systems that it has solved; number of solutions that have been polished.
    """

    def __init__(self, *, X: Any, form: str | None = None, **given: Any) -> None:
        super().__init__(X=X, form=form, **given)
        self.by_newton = not self.sparse and form is None and X.shape[0] <= NEWTON_ROWS
        self.newton_failed = False
        self.newton_systems = self.polished = 0

    # -- Newton's method -----------------------------------------------------------------------

    def newton(self, inner: float, target: float) -> float:
        """Solve the inner problem and return its gap; if that fails, leave weights as they are.

        Parameters
        ----------
        inner, target : float
            Gap of the inner problem at the start; gap to reach.
        """
        v, members = self.used("v"), self.used("members")
        columns = self._centred()
        norm2 = np.where(self.resting, 0.0, self.norm[members] ** 2)
        method = Newton(
            columns.of(members, self.mean), self.y, norm2, self.penalty * self.used("factor"),
            ridge=self.ridge, positive=bool(self.positive), products=columns.products,
            threads=self.partitions["features"].workers,
        )  # fmt: skip
        start = Point(v.copy(), self.r[: self.size["rows"]].copy(), self.score[members])
        try:
            found = method.minimise(
                start, inner, self._gap_at, target, self.max_epochs - self.epochs_used
            )
        except LinAlgError:  # rounding has made a system singular
            found = start
        self.newton_failed = found is start
        v[:] = found.w
        self.newton_systems += method.systems
        self.epochs_used += method.systems
        return inner if self.newton_failed else self._gap_at(found)

    def _gap_at(self, point: Point) -> float:
        return self.inner_gap(point.w, point.z, point.r)

    def empty(self) -> None:
        """Take all members out, with the weights that they have."""
        super().empty()
        self.newton_failed = False
        self.forget_columns()

    # -- polish --------------------------------------------------------------------------------

    def polish(self) -> None:
        """Solve the optimality conditions on the support to rounding, if that costs little.

        The objective does not rise, and the gap of the inner problem does not exceed the tolerance.
        """
        v = self.used("v")
        support = np.flatnonzero(v)
        if not self._worth_polishing(len(support)):
            return
        columns, old = self._columns_of(support), v[support]
        system = self._system(columns, support)
        limits = self.penalty * self.used("factor")[support]
        new = None if system is None else columns.polished(old, limits, system)
        if new is None:
            return
        height, rest = self.objective(v, columns.residual(old)), columns.residual(new)
        there = v.copy()
        there[support] = new
        lower = self.objective(there, rest) <= height * (1.0 + ROUNDING)
        if lower and self._within(support, old, there, rest):
            v[:] = there
            self.polished += 1

    def _within(
        self, support: np.ndarray, old: np.ndarray, there: np.ndarray, rest: np.ndarray
    ) -> bool:
        """Whether the gap of the inner problem is within the tolerance after a step."""
        new = there[support]
        if not (self.in_residual_form or self.by_newton):
            near = self.used("z") - self.G[: self.count, support] @ (new - old)
            if self.inner_gap(there, near, rest) <= self.tol:
                return True
            if not self.sparse:
                return False
            # The products have the errors of single precision: look again.
        return self.inner_gap(there, self._scores(support, new, rest), rest) <= self.tol

    def _worth_polishing(self, k: int) -> bool:
        """Whether a system of k members costs little."""
        # Newton's method has solved larger systems, and several of them.
        solved = self.by_newton and k <= self.size["rows"]
        regular = k <= self.size["rows"] or self.ridge > 0.0
        return k > 0 and regular and (solved or self._costs_little(k**3 / 3.0))

    def _costs_little(self, multiplications: float) -> bool:
        return multiplications <= AFFORDABLE * self.entries

    def _columns_of(self, support: np.ndarray) -> Support:
        """Return the columns of the support."""
        members = self.used("members")
        if self.by_newton:
            copies = self._centred().of(members, self.mean)
            zeros = np.zeros(len(support))
            return Support(copies[:, support], zeros, self.unit, self.y, self.ridge)
        ids = members[support]
        columns = weighted_columns(self.X, ids, self.unit)
        return Support(columns, self.mean[ids], self.unit, self.y, self.ridge)

    def _system(self, columns: Support, support: np.ndarray) -> np.ndarray | None:
        """Return the inner products of the support plus ridge·I; None if they cost too much."""
        if not self.in_residual_form and not self.by_newton:
            known: np.ndarray = self.G[np.ix_(support, support)].astype(np.float64)
            return known
        products = self._products(columns, support)
        if products is not None:
            products.flat[:: len(support) + 1] += self.ridge
        return products

    def _products(self, columns: Support, support: np.ndarray) -> np.ndarray | None:
        """Return the inner products of the support; None if they cost too much."""
        if self.by_newton:
            copies = self._centred().of(self.used("members"), self.mean)
            return self._centred().products.among(copies, support)
        X, n = columns.X, self.size["rows"]
        in_row = np.bincount(X.indices, minlength=n).astype(np.float64)
        if not self._costs_little(SPARSE_PRODUCT * float(in_row @ in_row)):
            return None
        products: np.ndarray = (X.T @ X).toarray() - float(columns.unit @ columns.unit) * np.outer(
            columns.mean, columns.mean
        )
        return products

    def _scores(self, support: np.ndarray, new: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Return the members' scores for weights of the support, whose residual is `rest`."""
        ids = self.used("members")
        if self.by_newton:
            scores: np.ndarray = self._centred().of(ids, self.mean).T @ rest
        else:
            columns = weighted_columns(self.X, ids, self.unit)
            scores = columns.T @ rest - float(rest @ self.unit) * self.mean[ids]
        scores[support] -= self.ridge * new
        return scores
