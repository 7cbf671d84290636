"""A regularization path as one run: the penalties of a grid, one after the other.

When the gap of a penalty is within the tolerance, its weights are noted and the next penalty takes
over with everything that is known: the working set and its products, the residual, the scores of
all columns. Of the latter only their comparison with the new penalty is made anew (``renew``), so
the first full pass of a penalty multiplies nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solver.full_pass import LONGEST, push_renew
from strads.algorithms.linear.solver.lasso_program import WorkingSetLasso
from strads.algorithms.linear.solver.rounding import Certificate
from strads.algorithms.linear.solver.working_set_program import WorkingSetProgram
from strads.engine import Phase

#: The phase that begins the first cycle of a penalty.
RENEW: Mapping[str, Phase] = {"renew": Phase(push=push_renew, frozen=("norm", "inside", "score"))}

#: Attributes that change from one penalty to the next.
CHANGING = ("alpha", "max_epochs", "_begun", "_renewed", "_bare")


@dataclass(frozen=True)
class Solved:
    """The weights of one penalty.

    Attributes
    ----------
    ids, values : ndarray
        Numbers of the features whose weights are not zero, ascending, and these weights.
    proven : Certificate
        Bound on the relative gap.
    intercept : float
        That of a program that has one, else zero.
    epochs : int
        Epochs, or systems of Newton's method, that this penalty took.
    """

    ids: np.ndarray
    values: np.ndarray
    proven: Certificate
    intercept: float
    epochs: int


class PathSteps(WorkingSetProgram):
    """Base of programs that solve one penalty after another; the other base solves one.

    Parameters
    ----------
    penalties : sequence of Penalty
        One after the other; the ``beta`` of all of them is zero, or of none.
    max_epochs : int
        Largest number of epochs for each penalty.
    enough : callable, optional
        Called with every :class:`Solved`; the run ends once it returns a true value.
    **given
        Parameters of the other base.

    Attributes
    ----------
    solved : list of Solved
        One for each penalty, as far as the run has come.
    """

    def __init__(
        self, *, penalties: Sequence[Penalty], max_epochs: int,
        enough: Callable[[Solved], bool] | None = None, **given: Any,
    ) -> None:  # fmt: skip
        first = penalties[0]
        super().__init__(alpha=first.alpha, beta=first.beta, max_epochs=max_epochs, **given)
        self.penalties, self.enough = penalties, enough
        self.most_epochs = max_epochs
        self.solved: list[Solved] = []
        self._begun = 0  # epochs before the current penalty
        self._renewed = False
        self._bare: np.ndarray | None = None  # squared norms of the columns without the ridge

    def save_state(self) -> dict[str, Any]:
        """Return what a resumed run needs besides the fields, with what has been solved."""
        solved = [
            [one.ids, one.values, one.proven.gap, one.proven.rounding, one.intercept, one.epochs]
            for one in self.solved
        ]
        own = {name: getattr(self, name) for name in CHANGING}
        return {**super().save_state(), **own, "solved": solved}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`; tell of the penalties that are solved."""
        super().load_state(state)
        for name in CHANGING:
            setattr(self, name, state[name])
        for ids, values, gap, rounding, intercept, epochs in state["solved"]:
            one = Solved(ids, values, Certificate(gap, rounding), intercept, epochs)
            self.solved.append(one)
            if self.enough is not None:
                self.enough(one)

    def recover(self) -> Sequence[str]:
        """Begin from the weights as they are, with the present penalty."""
        self._renewed, self._bare = False, None
        return super().recover()

    def first_pass(self) -> str:
        """Return the phase that begins a cycle."""
        renewed, self._renewed = self._renewed, False
        return "renew" if renewed else "score"

    def accepted(self) -> None:
        """Note the weights of this penalty and go on with the next one."""
        solved = self._solved()
        self.solved.append(solved)
        done = len(self.solved) == len(self.penalties)
        if (self.enough is not None and self.enough(solved)) or done:
            self.stop()
            return
        self._take(self.penalties[len(self.solved)])

    def _solved(self) -> Solved:
        v = self.used("v")
        ids, values = self.used("members")[v != 0.0], v[v != 0.0]
        order = self.partitions["features"].order
        ids = ids.copy() if order is None else order[ids]
        sort = np.argsort(ids)
        epochs = self.epochs_used - self._begun
        intercept = float(getattr(self, "intercept", 0.0))
        return Solved(ids[sort], values[sort], self.proven, intercept, epochs)

    def _take(self, penalty: Penalty) -> None:
        """Replace the penalty by another one."""
        n = self.size["rows"]
        self.alpha, self.penalty = penalty.alpha, n * penalty.alpha
        if self.ridge > 0.0:
            self._change_ridge(n * penalty.beta)
        self._begun = self.epochs_used
        self.max_epochs = self.epochs_used + self.most_epochs
        self.restart()
        self._renewed = True

    def _bare_norms(self, ridge: float) -> np.ndarray:
        """Return the squared norms of the columns without the ridge, which they have added now."""
        if self._bare is None:  # at the largest ridge, from which few digits are lost
            bare = np.maximum(self.norm**2 - ridge, 0.0)
            self._bare = np.where(self.norm > 0.0, bare, 0.0)
        return self._bare

    def _change_norms(self, before: float, after: float) -> None:
        """Replace the ridge that norms have added."""
        used, bare = self.norm > 0.0, self._bare_norms(before)
        self.norm[used] = np.sqrt(bare[used] + after)
        longest = np.maximum(self.tally[:, LONGEST] ** 2 - before, 0.0)
        self.tally[:, LONGEST] = np.sqrt(longest + after)

    def _change_ridge(self, ridge: float) -> None:
        """Replace the ridge in all that has it added."""
        raise NotImplementedError  # abstract


class PathProgram(PathSteps, WorkingSetLasso):
    """Lasso or elastic net for a sequence of penalties.

    Parameters
    ----------
    **given
        See :class:`PathSteps` and
        :class:`~strads.algorithms.linear.solver.lasso_program.WorkingSetLasso`.
    """

    phases: Mapping[str, Phase] = {**WorkingSetLasso.phases, **RENEW}

    def _change_ridge(self, ridge: float) -> None:
        """Replace the ridge in norms, scores and products, which have it added."""
        members, v = self.used("members"), self.used("v")
        bare = self._bare_norms(self.ridge)
        self._change_norms(self.ridge, ridge)
        self.score[members] += (self.ridge - ridge) * v
        diagonal = np.arange(self.built)
        self.G[diagonal, diagonal] = bare[members[: self.built]] + ridge
        self.curvature[: self.built] = self.G[diagonal, diagonal]
        self.held_norm2[: self.held] = bare[members[: self.held]] + ridge
        self.ridge = ridge
