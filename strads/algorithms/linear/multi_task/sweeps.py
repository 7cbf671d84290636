"""Sweeps in residual form, for working sets that have outgrown a Gram matrix.

Of dense X, workers share the tasks of a move instead
(:mod:`strads.algorithms.linear.multi_task.by_tasks`).

An id is a member j of the working set, of feature f. Its score is computed from its column and the
residuals R of all rows; the pull subtracts its move from R. Each worker moves one member at a time,
and they move without a look at their couplings. If that raises the objective, the moves are taken
back, and from then on each is made as if its curvature were P times larger, for P workers. Then the
objective cannot rise, since the square of a sum of P vectors is at most P times the sum of their
squares.

Centring is implicit: with means x̄, R has the part u sᵀ with s = Σ x̄_f δ, which is kept apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from strads.algorithms.linear.multi_task.rows import move_row
from strads.algorithms.linear.solver.extrapolation import Extrapolation
from strads.algorithms.linear.solver.members.parallel_columns import column_lengths
from strads.algorithms.linear.solver.members.working_set import WorkingSet
from strads.engine import Phase, RoundRobin, control, derived, kernel, outbox, variable
from strads.kernels.linear.entries import column_range, entry, part_range

#: Sweeps between two full passes.
SWEEPS: Final = 10
#: A Gram matrix is left once there are so many members, and this multiple of the mean number of
#: entries of their columns: a move in Gram form visits all members, one in residual form twice its
#: entries.
FEW, RATIO = 128, 2.0
#: Moves are left out below this share of the gap, times the penalty.
SMALL: Final = 0.03


@kernel
def score_of(X, f, unit, mean, samples, weights, r, shift, ridge, out):
    """Compute the score of a feature from the residuals and its weights."""
    tasks = r.shape[1]
    first, end = column_range(X, f)
    if tasks == 1:  # a loop of its own, as the compiler would not vectorise the other one
        rest, total = r.reshape(r.size), 0.0
        for e in range(first, end):
            row, x = entry(X, f, e)
            total += x * unit[row] * rest[row]
        out[0] = total + samples * mean[f] * shift[0] - ridge * weights[0]
        return
    for k in range(tasks):
        out[k] = samples * mean[f] * shift[k] - ridge * weights[k]
    for e in range(first, end):
        row, x = entry(X, f, e)
        x *= unit[row]
        for k in range(tasks):
            out[k] += x * r[row, k]


@kernel
def subtract_column(X, f, unit, mean, rows, move, r, shift):
    """Subtract a feature times a move of its weights from my rows of the residuals."""
    tasks, moved = r.shape[1], 0.0
    for k in range(tasks):
        moved = max(moved, abs(move[k]))
        shift[k] += mean[f] * move[k]
    if moved == 0.0:
        return
    first, end = part_range(X, f, rows)
    if tasks == 1:
        rest, d = r.reshape(r.size), move[0]
        for e in range(first, end):
            row, x = entry(X, f, e)
            rest[row] -= x * unit[row] * d
        return
    for e in range(first, end):
        row, x = entry(X, f, e)
        x *= unit[row]
        for k in range(tasks):
            r[row, k] -= x * move[k]


@kernel
def push_sweep(
    block, X, unit, mean, samples, members, norm, caution, v, r, shift, penalty, ridge, least,
    delta, change,
):  # fmt: skip
    """Minimise over each row of the block in turn."""
    for i, j in enumerate(block):
        f = members[j]
        score_of(X, f, unit, mean, samples, v[j], r, shift, ridge, delta[i])
        curve = caution * norm[f] * norm[f]
        change[i], _ = move_row(v, j, curve, penalty, least, delta[i])


@kernel
def pull_sweep(block, delta, rows, X, unit, mean, members, r, shift):
    """Subtract the moves of all workers from my rows of the residuals."""
    for i, j in enumerate(block):
        subtract_column(X, members[j], unit, mean, rows, delta[i], r, shift)


SWEEPING: Mapping[str, Phase] = {
    "sweep": Phase(
        push=push_sweep, pull=pull_sweep, schedule=RoundRobin("chosen", lease=512, micro=512),
        frozen=("mean", "members", "norm"),
    )
}  # fmt: skip


class TaskSweeps(WorkingSet):
    """Base of the program: the arrays of several tasks, and sweeps.

    Parameters
    ----------
    **given
        See :class:`~strads.algorithms.linear.solver.members.working_set.WorkingSet`.
    """

    v = variable("chosen", "tasks", private=True)
    z = derived("chosen", "tasks", private=True)
    delta = outbox("block", width="tasks")
    r = derived("rows", "tasks", returned=False)
    norm = derived("features", returned=False)
    shift = derived("tasks", replicated=True, returned=False)  # s
    caution = control(1.0)

    @property
    def outgrown(self) -> bool:
        """Whether sweeps are cheaper than coordinate rounds in Gram form."""
        if self.count < max(FEW, 1):
            return False
        entries = float(self.size["rows"])
        if self.sparse:
            entries = float(column_lengths(self.X, self.used("members")).mean())
        return self.count > RATIO * entries

    def sweep(self, inner: float) -> Iterator[tuple[str, int]]:
        """Make some sweeps; each fifth iterate is replaced by a better combination of the last.

        Parameters
        ----------
        inner : float
            Gap of the weights; smaller moves than it asks for are not made.
        """
        self.least = SMALL * inner * self.penalty
        past = Extrapolation(self.used("v").reshape(-1), self.residuals_of_sweeps())
        for _ in range(min(SWEEPS, self.max_epochs - self.epochs_used)):
            yield from self.sweep_once()
            self.epochs_used += 1
            past.step(self._height)

    def residuals_of_sweeps(self) -> np.ndarray:
        """Return the residuals that the sweeps change, flattened."""
        residuals: np.ndarray = self.r[: self.size["rows"]].reshape(-1)
        return residuals

    def sweep_once(self) -> Iterator[tuple[str, int]]:
        """Visit all members."""
        self.shift[:] = 0.0
        yield "sweep", 1
        self.r[: self.size["rows"]] += self.unit[:, None] * self.shift[0]

    def _height(self, v: np.ndarray, r: np.ndarray) -> float:
        """Return the objective times n."""
        return self.penalised(v, float(r @ r) + self.ridge * float(v @ v))

    def be_cautious(self) -> None:
        """Shorten moves, because those that were made together raised the objective."""
        self.caution = float(self.partitions["features"].workers)
