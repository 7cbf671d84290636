"""What the programs of linear models share: working sets that full passes choose.

A full pass scores all columns that screening has left (phases ``columns`` and ``score``); from the
scores a program computes the gap (its method ``judge``). ``nearest`` then screens columns and
lists those that join the working set. How the weights of the working set are improved is the
program's own.

If implicit centring loses too many digits of a column, the first pass counts it as `UNPREPARED`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from strads.algorithms.linear.solver.duality import Gap
from strads.algorithms.linear.solver.full_pass import (
    ALIVE,
    NEAREST,
    SPREAD_DOUBLE,
    SPREAD_SINGLE,
    VIOLATORS,
    WORDS,
    push_columns,
    push_nearest,
    push_score,
)
from strads.algorithms.linear.solver.gram_form.rounds import GRAM_ROUNDS, insists
from strads.algorithms.linear.solver.inner import LassoInner
from strads.algorithms.linear.solver.members.working_set import DENSE, SPARSE
from strads.algorithms.linear.solver.progress import Progress, Remembering
from strads.algorithms.linear.solver.residual_form.held_columns import SWEEPING
from strads.algorithms.linear.solver.residual_form.support_steps import STEPPING
from strads.algorithms.linear.solver.rounding import Certificate
from strads.engine import Phase, Schedule, control, data, derived

#: Size of the first working set, and the largest growth in a cycle as a multiple of the size.
FIRST, GROWTH = 128, 1
#: Equal columns have scores that agree to this share of them.
SAME = 1e-10
#: Largest working set in Gram form.
MOST = 1 << 17
#: After this many cycles without progress, rounding errors prevent any more.
FUTILE = 4


class WorkingSetProgram(Remembering, LassoInner):
    """Base of the programs of linear models; see the module's docstring.

    Parameters
    ----------
    X : csc or dense matrix over (rows, features)
        As it was given: rows are multiplied by √sample_weight on the fly.
    y : ndarray
        Centred if there is an intercept, times √sample_weight.
    unit : ndarray
        √sample_weight.
    alpha, beta : float
        Weights of ‖w‖₁ and of ½‖w‖².
    tol : float
        Relative duality gap to reach.
    max_epochs : int
        Largest number of epochs of coordinate rounds and sweeps.
    centred : bool
        Whether there is an intercept.
    positive : bool
        Whether the weights are constrained to w ≥ 0.
    schedule : Schedule, optional
        Schedule of the coordinate rounds, over axis ``"chosen"``; if one is given, the Gram form is
        kept.
    form : {"gram", "residual"}, optional
        Form of the inner problems. None: Newton's method for dense columns of few rows; else Gram
        form, until the working set has outgrown it.
    penalty_factor : ndarray, optional
        By which the penalty of each feature is multiplied, at least 0; None: 1 for all.
    importance : ndarray, optional
        By which the priority of each feature is multiplied, above 0; None: 1 for all.
    w : ndarray, optional
        Weights to start from.
    budget : float
        Work after which the run stops, in visits of entries of columns.
    """

    penalty_factor = data("features")
    importance = data("features")
    alive = derived("features", dtype=np.int64, private=True, returned=False)
    nearest = derived("features", dtype=np.int64, private=True, returned=False)
    distance = derived("features", private=True, returned=False)
    tally = derived("words", replicated=True)
    minus_gradient = derived("rows", returned=False)  # u∘r: of the loss, in the predictions
    centred = control(0)
    spread = control(0.0)  # largest ratio of ‖x‖² to the squared norm of the centred column
    everything = control(0)  # whether the next pass scores screened columns, too
    scale = control(0.0)
    radius = control(0.0)
    wanted = control(0)

    phases: Mapping[str, Phase] = {
        "columns": Phase(push=push_columns, frozen=("minus_gradient",)),
        "score": Phase(push=push_score, frozen=("minus_gradient", "norm", "inside")),
        "nearest": Phase(push=push_nearest, frozen=("norm", "inside", "score")),
    }

    remembered: ClassVar[tuple[str, ...]] = (
        "objective_at_start", "epochs_used", "restraints", "built", "held", "resting",
        "in_residual_form", "swept", "work", "newton_systems", "polished", "products_made",
        "step_length",
    )  # fmt: skip

    objective_at_start: float

    def __init__(
        self, *, X: Any, alpha: float, beta: float = 0.0, tol: float, max_epochs: int,
        schedule: Schedule | None = None, w: np.ndarray | None = None, form: str | None = None,
        penalty_factor: np.ndarray | None = None, importance: np.ndarray | None = None,
        budget: float = np.inf, **given: Any,
    ) -> None:  # fmt: skip
        if insists(schedule) and form is None:
            form = "gram"  # only the Gram form has rounds, which the given schedule is to fill
        even = True
        if penalty_factor is not None:
            low, high = float(penalty_factor.min()), float(penalty_factor.max())
            even = 0.0 < low == high < np.inf
            w = None if w is None else np.where(np.isfinite(penalty_factor), w, 0.0)
        if w is not None:
            given["w"] = w
        factors = np.ones(X.shape[1]) if penalty_factor is None else penalty_factor
        single = sp.issparse(X) or X.dtype == np.float32
        spread = SPREAD_SINGLE if single else SPREAD_DOUBLE
        super().__init__(
            X=X, form=form, penalty=X.shape[0] * alpha, ridge=X.shape[0] * beta, spread=spread,
            words=WORDS, penalty_factor=factors,
            importance=np.ones(X.shape[1]) if importance is None else importance, **given,
        )  # fmt: skip
        self.even = even
        self.alpha, self.tol, self.max_epochs = alpha, tol, max_epochs
        if not self.by_newton:  # which needs no more than the full passes
            rounds = GRAM_ROUNDS if schedule is None else replace(GRAM_ROUNDS, schedule=schedule)
            steps = {**SPARSE, **SWEEPING, **STEPPING} if self.sparse else DENSE
            self.phases = {**type(self).phases, "descend": rounds, **steps}
        self.epochs_used = 0
        self.work, self.budget = 0.0, budget
        self.swept = 0  # visits of members by sweeps
        self.restraints = 0  # times that the schedule was told to let fewer ids move together
        self.gap: Gap | None = None
        self.proven = Certificate(np.inf, np.inf)
        self.progressing = Progress(FUTILE)
        self.objective_at_start = np.nan

    def save_state(self) -> dict[str, Any]:
        """Return what a resumed run needs besides the fields and the policy's state."""
        return {**super().save_state(), "products": self.kept_products}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        super().load_state(state)
        self.recall_products(state["products"])

    def join(self, added: np.ndarray) -> None:
        """Take ids into the working set, with the factors of their penalties and priorities."""
        first = self.count
        super().join(added)
        members = self.members[first : self.count]
        self.factor[first : self.count] = self.penalty_factor[members]
        self.rank[first : self.count] = self.importance[members]

    def ranks(self) -> np.ndarray | float:
        """Return by what the priority of each member is multiplied."""
        return self.used("rank")

    def recover(self) -> Sequence[str]:
        """Begin from the weights as they are, without members; nothing has to be run for that."""
        self.empty()
        self.everything, self.gap = 0, None
        self.restart()
        self.setup(np.random.default_rng(0))
        return ()

    def restart(self) -> None:
        """Forget what is known of the progress, because another penalty begins."""
        self.progressing = Progress(FUTILE)

    def first_pass(self) -> str:
        """Return the phase that begins a cycle: it scores the columns."""
        return "score"

    def accepted(self) -> None:
        """Do what is to be done when the gap is within the tolerance: end."""
        self.stop()

    def progress(self) -> dict[str, float]:
        """Return gap, objective and counts at the last full pass."""
        return {
            "certificate": self.proven.gap,
            "rounding": self.proven.rounding,
            "objective": np.nan if self.gap is None else self.gap.primal,
            "nonzeros": float(np.count_nonzero(self.used("v"))),
            "working_set": float(self.count),
            "alive": float(self.tally[:, ALIVE].sum()),
            "epochs": float(self.epochs_used),
            "restraints": float(self.restraints),
            "residual_form": float(self.in_residual_form),
            "swept": float(self.swept),
            "products": float(self.products_made),
            "newton_systems": float(self.newton_systems),
            "polished": float(self.polished),
        }

    def judged_in_full(self) -> Generator[str, None, Gap]:
        """Score the columns that screening has dropped, too, and return the gap of all."""
        if self._screened():
            self.everything = 1
            yield "score"
            self.everything = 0
            return self.judge()
        assert self.gap is not None
        return self.gap

    def judge(self) -> Gap:
        """Return the gap at the last scores; set the controls of the screening that follows."""
        raise NotImplementedError  # abstract

    def _screened(self) -> bool:
        usable = int(np.count_nonzero(self.norm[: self.size["features"]]))
        return int(self.tally[:, ALIVE].sum()) < usable

    def _make_room(self) -> None:
        """Choose how many columns are to join the working set, from how many violate."""
        violators = int(self.tally[:, VIOLATORS].sum())
        most = self.size["features"] if self.in_residual_form else MOST
        room = min(max(FIRST, GROWTH * self.count), most - self.count)
        self.wanted = min(max(violators, FIRST // 2), room) if violators else 0

    def _take_nearest(self) -> None:
        """Merge the candidates of all workers; the nearest ones join the working set."""
        bounds = self.partitions["features"].bounds[:-1]
        found = self.tally[:, NEAREST].astype(np.int64)
        parts = [slice(lo, lo + n) for lo, n in zip(bounds, found, strict=True)]
        ids = np.concatenate([self.nearest[part] for part in parts])
        away = np.concatenate([self.distance[part] for part in parts])
        if len(ids) > self.wanted:
            ids = ids[np.argpartition(away, self.wanted - 1)[: self.wanted]]
        if len(ids):
            self.join(np.sort(ids))

    def first_carries(self) -> bool:
        """Let the first of equal columns carry the weight, if it has not joined the working set.

        Equal columns have equal scores, so only columns with the score of a member need a look.

        Returns
        -------
        bool
            Whether weights have changed; Xw has not.
        """
        if self.ridge > 0.0 or not self.even:  # equal columns share the weight, or are not alike
            return False
        before = self.used("v").copy()
        active = np.sort(np.abs(self.score[self.used("members")[before != 0.0]]))
        score = np.abs(self.score[: self.size["features"]])
        if len(active) == 0:
            return False
        outside = (score >= 0.5 * active[0]) & (self.inside[: len(score)] == 0)
        found = np.flatnonzero(outside)
        self.join(found[near(score[found], active, SAME)])
        v = self.used("v")
        self.w[self.used("members")] = v
        return not np.array_equal(before, v[: len(before)])


def near(values: np.ndarray, others: np.ndarray, share: float) -> np.ndarray:
    """Return which positive values agree with one of the sorted others, to a share of them."""
    above = np.searchsorted(others, values * (1.0 - share))
    found: np.ndarray = np.append(others, np.inf)[above] <= values * (1.0 + share)
    return found
