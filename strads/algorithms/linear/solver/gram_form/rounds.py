"""A quadratic with an L1 penalty in Gram form, minimised by coordinate rounds.

    min_v ½ vᵀGv − cᵀv + penalty·Σ_j factor_j |v_j|,    z = c − Gv

v has an entry for each member of a working set; the factors are 1, unless the features have
penalties of their own. The phase ``descend`` is repeated: coordinate
rounds dispatched by the schedule, which keep z up to date. They end when the gap of this problem is
small enough. Moves that are too small to matter to that gap are skipped.

The quadratic is half the squared norm of a residual, ½‖r‖², whose square at the start is ``r2``.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from strads.algorithms.linear.solver.duality import lasso_gap
from strads.algorithms.linear.solver.extrapolation import Extrapolation
from strads.algorithms.linear.solver.gram_form.descent import pull_descend, push_descend
from strads.algorithms.linear.solver.progress import Progress
from strads.engine import (
    Auto,
    Gram,
    Phase,
    Priority,
    Program,
    Schedule,
    control,
    derived,
    outbox,
    variable,
)

#: Largest number of epochs of coordinate rounds between two checks of the inner gap; such a run of
#: epochs is a burst (docs/design.md).
BURST = 8
#: A burst is harmful if the objective rises by more than this share of ‖y‖²; less may be rounding.
HARM = 1e-9
#: After this many harmful bursts, each of which is undone, the inner solve ends.
PATIENCE = 8
#: After this many bursts without progress, rounding errors prevent any more.
FUTILE = 64
#: Work of an update: of drawing an id, and for each entry of its row of G. A unit is the visit of
#: an entry of a column, some three nanoseconds with all that belongs to it.
DRAW, ROW = 100.0, 0.03
#: A coordinate is not moved if it violates its optimality condition by less than this share of the
#: inner gap.
LEFT_OUT = 0.3

#: Measured on text, genotypes, gene expressions and others (docs/evidence.md): with so few ids in a
#: micro-round, ρ hardly matters on two workers; on eight, a filter of 0.3 saves up to half of the
#: updates.
DEFAULT = Priority(
    "chosen", rho=0.3, coupling=Gram("G", "curvature"), lease=256, micro=32, sweeps=4
)
#: Chosen and corrected by counts, in leases of the same size.
AUTOMATIC = Auto("chosen", coupling=Gram("G", "curvature"), lease=256, micro=32)
GRAM_ROUNDS = Phase(
    push=push_descend, pull=pull_descend, schedule=DEFAULT, frozen=("G", "curvature"),
    sequential=True,
)  # fmt: skip


def insists(schedule: Schedule | None) -> bool:
    """Whether a user's schedule asks for the rounds that it fills, wherever others would be faster.

    An automatic one does not: where the rounds are a detour, it has nothing to decide.
    """
    return schedule is not None and not isinstance(schedule, Auto)


class GramRounds(Program):
    """Base of programs with a phase ``"descend"``, such as `GRAM_ROUNDS`.

    Parameters
    ----------
    **given
        See :class:`strads.Program`.
    """

    v = variable("chosen", private=True)  # weights of the members
    z = derived("chosen", private=True)
    # Axis "known": members whose row of G is known. In residual form there are none.
    G = derived("known", "known", dtype=np.float32, returned=False)
    curvature = derived("known", returned=False)  # diagonal of G
    factor = derived("chosen", returned=False)  # of the members' penalties
    rank = derived("chosen", returned=False)  # by which the members' priorities are multiplied
    count = control(0)  # number of members
    penalty = control(0.0)  # nα
    ridge = control(0.0)  # weight of ½‖w‖²; the diagonal of G has it added
    positive = control(0)  # whether weights are constrained to be ≥ 0
    samples = control(1.0)
    least = control(0.0)  # smaller changes of a coordinate are skipped
    delta = outbox("block")

    alpha: float
    max_epochs: int
    epochs_used: int
    restraints: int
    y2: float
    r2: float
    work: float  # entries of columns that have been visited, and what takes as long
    budget: float  # of work; then the run stops

    def used(self, name: str) -> np.ndarray:
        """Return the part of an array over ``"chosen"`` that belongs to members."""
        used: np.ndarray = self.state[name][: self.count]
        return used

    @property
    def may_go_on(self) -> bool:
        """Whether there are epochs left, and work within the budget."""
        return self.epochs_used < self.max_epochs and self.work < self.budget

    def norm_of(self, v: np.ndarray) -> float:
        """Return the norm of weights that the penalty weighs."""
        return float(self.used("factor") @ np.abs(v))

    def dual_norm_of(self, z: np.ndarray) -> float:
        """Return the dual norm of scores: how large the penalty must be to hold them."""
        sizes, factor = z if self.positive else np.abs(z), self.used("factor")
        held = np.divide(sizes, factor, out=np.zeros(len(z)), where=factor > 0.0)
        return float(held.max(initial=0.0))

    def curvatures(self) -> np.ndarray:
        """Return the curvature of each id of the rounds."""
        curvatures: np.ndarray = self.curvature[: self.count]
        return curvatures

    def ranks(self) -> np.ndarray | float:
        """Return by what the priority of each id of the rounds is multiplied."""
        return 1.0

    def slope(self, v: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return by how much each id violates its optimality condition."""
        limits = self.penalty * self.used("factor")
        excess = np.sign(z) * np.maximum(np.abs(z) - limits, 0.0)
        slope = np.where(v != 0.0, z - np.sign(v) * limits, excess)
        if self.positive:
            slope = np.where((v == 0.0) & (z < 0.0), 0.0, slope)
        return slope

    def penalised(self, v: np.ndarray, r2: float) -> float:
        """Return the objective times n, from v and ‖r‖²; infinite if v violates v ≥ 0."""
        if self.positive and v.min(initial=0.0) < 0.0:
            return np.inf
        return 0.5 * r2 + self.penalty * self.norm_of(v)

    def gap_at(self, v: np.ndarray, z: np.ndarray, r2: float, ry: float) -> float:
        """Return the relative gap of this problem.

        Parameters
        ----------
        v, z : ndarray
            Weights of the members, and their scores.
        r2, ry : float
            Squared norm of the residual, and its product with y.
        """
        n, norm, largest = self.size["rows"], self.norm_of(v), self.dual_norm_of(z)
        return lasso_gap(r2, ry, self.y2, norm, largest, self.alpha, n).relative

    def descend(
        self, score: np.ndarray, inner: float, target: float
    ) -> Generator[tuple[str, int], None, float]:
        """Run coordinate rounds until the gap is small enough, and return it.

        Parameters
        ----------
        score : ndarray
            z at the start.
        inner, target : float
            The gap at the start, and the gap to reach.
        """
        v, z = self.used("v").reshape(-1), self.used("z").reshape(-1)
        self._enter(v, z, score)
        share, burst, harmed = LEFT_OUT, 1, 0
        past, height = Extrapolation(v, z), self._gram_objective(v, z)
        progress = Progress(FUTILE)
        while inner > target and self.may_go_on and harmed <= PATIENCE:
            # The gap that a violation of the optimality conditions causes is first-order in it.
            self.least = share * inner * self.penalty
            before = v.copy(), z.copy()
            yield "descend", burst
            self.epochs_used += burst
            self.work += burst * self.count * (DRAW + ROW * len(v))
            burst = min(2 * burst, BURST, max(self.max_epochs - self.epochs_used, 1))
            if np.array_equal(before[0], v):
                share *= 0.3
            reached = self._gram_objective(v, z)
            if not reached <= height + HARM * self.y2:
                # Too many dependent coordinates moved at once: undo the burst.
                v[:], z[:], burst = *before, 1
                self.tell("descend", "restrain", 0.3)
                past = Extrapolation(v, z)
                self.restraints, harmed = self.restraints + 1, harmed + 1
            else:
                height = reached
                past.step(self._gram_objective)
            r2 = self._gram_r2(v, z)
            inner = self.gap_at(v, z, r2, r2 + float(v @ z))
            if progress.stuck(height, inner, self.y2):
                break
        return inner

    def _enter(self, v: np.ndarray, z: np.ndarray, score: np.ndarray) -> None:
        """Begin with known scores, and compute the priorities from them."""
        z[:] = score.reshape(-1)
        self.v0, self.z0 = v.copy(), z.copy()
        curvature = self.curvatures()
        moves, weights = curvature > 0.0, np.zeros(len(curvature))
        weights[moves] = np.abs(self.slope(v, z)[moves]) / np.sqrt(curvature[moves])
        weights = (weights + 1e-3 * weights.max(initial=1e-30)) * self.ranks()
        self.tell("descend", "activate", None, weights)

    def _gram_r2(self, v: np.ndarray, z: np.ndarray) -> float:
        """Return ‖r‖² at v, from its value at v0 and the scores at both."""
        return self.r2 - float((v - self.v0) @ (self.z0 + z))

    def _gram_objective(self, v: np.ndarray, z: np.ndarray) -> float:
        """Return the objective times n, from v and z alone."""
        return self.penalised(v, self._gram_r2(v, z))
