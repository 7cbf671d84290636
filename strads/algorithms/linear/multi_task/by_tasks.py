"""Sweeps in residual form in which workers share the tasks of each move, for dense X.

A worker has the residuals of its own tasks, each task in a run of memory of its own. An epoch moves
one member of the working set for all tasks:

* In the push every worker subtracts the move of the member before from the residuals of its own
  tasks and, while they are in its cache, scores this member for these tasks.
* The length of the move depends on the scores of all tasks. In the pull each worker adds up their
  squares, in the same order, and moves the member's weights for its own tasks.

So workers exchange two numbers for each task, not residuals. Members move one after another: a
sweep has the same bits for any number of workers, and the objective never rises. An epoch more
than there are members only subtracts the last move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numba
import numpy as np
import scipy.sparse as sp

from strads.algorithms.linear.multi_task.sweeps import TaskSweeps
from strads.engine import Phase, derived, kernel
from strads.kernels.linear.several_vectors import prefetch_column

#: Columns of ``told``: a member's weight for a task, and what the weight would be times the
#: curvature if there were no penalty.
OLD, TARGET = range(2)
reordered = numba.njit(nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})


@reordered
def subtract_and_multiply(residual: Any, d: float, before: Any, now: Any) -> float:
    """Subtract `d` times a column from a residual; return the product of this with another one."""
    total = 0.0
    for i in range(len(residual)):
        rest = residual[i] - d * before[i]
        residual[i] = rest
        total += rest * now[i]
    return total


@reordered
def multiply(residual: Any, now: Any) -> float:
    """Return the product of a residual with a column."""
    total = 0.0
    for i in range(len(residual)):
        total += residual[i] * now[i]
    return total


@kernel
def push_member(
    tasks, X, unit, mean, ridge, count, members, norm, v, turn, move, turned, columns, told
):  # fmt: skip
    """Subtract the move of the member before, and score the next one, for my tasks."""
    j = turn[0]
    now, before = columns[j % 2], columns[(j + 1) % 2]  # that of the last push is kept
    f = members[min(j, count - 1)]
    for i in range(X.shape[0]):
        now[i] = unit[i] * (X[i, f] - mean[f])
    if j + 1 < count:
        prefetch_column(X, members[j + 1])
    curve = norm[f] * norm[f]
    for k in range(tasks[0], tasks[1]):
        if j > 0 and move[k] != 0.0:
            score = subtract_and_multiply(turned[k], move[k], before, now)
        else:
            score = multiply(turned[k], now)
        if j < count:
            told[k, OLD] = v[j, k]
            told[k, TARGET] = score + (curve - ridge) * v[j, k]


@kernel
def pull_member(
    source, worker, tasks, count, members, norm, penalty, least, told, turn, move, v
):  # fmt: skip
    """Move the member for my tasks, unless the move of all tasks is too small to matter."""
    if source != worker or turn[0] == count:
        return
    j = turn[0]
    turn[0] = j + 1
    curve, length = norm[members[j]] ** 2, 0.0
    for k in range(told.shape[0]):
        length += told[k, TARGET] * told[k, TARGET]
    length = np.sqrt(length)
    shrink = (1.0 - penalty / length) / curve if curve > 0.0 and length > penalty else 0.0
    moved = 0.0
    for k in range(told.shape[0]):
        d = shrink * told[k, TARGET] - told[k, OLD]
        moved += d * d
    moves = np.sqrt(moved) * curve > least
    for k in range(tasks[0], tasks[1]):
        move[k] = 0.0
        if moves:
            v[j, k] = shrink * told[k, TARGET]
            move[k] = v[j, k] - told[k, OLD]


SHARED: Mapping[str, Phase] = {
    "sweep": Phase(push=push_member, pull=pull_member, frozen=("mean", "members", "norm"))
}


class SweepsByTasks(TaskSweeps):
    """Base of the program: sweeps of which workers share the tasks.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
    **given
        See :class:`~strads.algorithms.linear.multi_task.sweeps.TaskSweeps`.
    """

    shares_tasks: ClassVar[bool] = True  # whether a program for dense X makes such sweeps

    turned = derived("tasks", "seen", returned=False)  # residuals, task by task
    told = derived("tasks", "pair", returned=False)
    move = derived("tasks", returned=False)
    turn = derived("one", dtype=np.int64, replicated=True, returned=False)  # the next member
    # Of this member and of the one before, centred.
    columns = derived("pair", "seen", replicated=True, returned=False)

    def __init__(self, *, X: Any, **given: Any) -> None:
        self.by_tasks = self.shares_tasks and not sp.issparse(X)
        seen = X.shape[0] if self.by_tasks else 0
        super().__init__(X=X, seen=seen, pair=2, one=1, **given)

    def residuals_of_sweeps(self) -> np.ndarray:
        """Return the residuals that the sweeps change, flattened."""
        if not self.by_tasks:
            return super().residuals_of_sweeps()
        self.turned[:] = self.r[: self.size["rows"]].T
        residuals: np.ndarray = self.turned.reshape(-1)
        return residuals

    def sweep_once(self) -> Iterator[tuple[str, int]]:
        """Visit all members."""
        if not self.by_tasks:
            yield from super().sweep_once()
            return
        self.turn[:] = 0
        yield "sweep", self.count + 1
