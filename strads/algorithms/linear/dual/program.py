"""Linear support vector machines as a program: teams of models, each on one worker.

The models of a fit (one, or one a class) are divided into teams, whose models lie in the lanes of
its arrays. A cycle descends on the models of every team for some epochs (phase ``together``, or
``alone`` for one after the other), makes Newton's steps for those that descent is too slow for
(``newton``), and judges all (``judge``). Which it is for a model follows from its gaps (`course`);
where a Hessian is cheap, Newton's method takes all models at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.linear.dual.certificate import certified, objective
from strads.algorithms.linear.dual.course import Course, leave_to_newton
from strads.algorithms.linear.dual.judge import WORDS, push_judge
from strads.algorithms.linear.dual.newton.steps import push_newton
from strads.algorithms.linear.dual.sweep import push_alone, push_together
from strads.algorithms.linear.solver.rounding import Certificate
from strads.engine import Phase, Program, control, data, derived, scratch, variable
from strads.kernels.linear.matrices import column_norms2

#: Largest number of epochs between two judgements, side by side and alone.
TOGETHER, ALONE = 20, 50
#: Newton's steps between two judgements.
STEPS = 10
#: Descent ends once the estimated gap is as many times the tolerance as estimates were of gaps at
#: the last judgement, within these bounds: an epoch lowers the gap that it estimates.
MARGINS = 0.5, 4.0
#: Before the first judgement the objective is taken for this share of that at zero.
AT_FIRST = 0.3
#: Newton's method knows the gap, but for rounding, and ends at this share of the tolerance.
SHARE = 0.9
#: A Hessian is factorised if there are at most so many features, and not more than samples unless
#: they are very few, ...
DIRECT, TINY = 1024, 100
#: ... and Newton's method is the first choice if samples have at most so many entries on average.
SHORT = 64
#: Arrays of the size of the weights, and of the samples, that Newton's method needs.
OF_WEIGHTS, OF_SAMPLES = 7, 4
#: The first τ is this share of the mean ‖x_i‖², but at most so much divided by the mean weight of
#: the loss.
HALF, SLACK = 0.5, 5.0


class LinearSVM(Program):
    """Linear support vector machines; see the module's docstring.

    Parameters
    ----------
    XT : csc matrix or ndarray of shape (n_features, n_samples)
    y : ndarray of shape (n_samples,)
        Number of the class, or the target.
    cost : ndarray of shape (n_samples,)
        Weight of the loss of each sample.
    label : ndarray of shape (teams, lanes)
        Class of each model; −1 where a lane has none. Zeros for a target.
    epsilon, scaling : float
        Half the width of the tube, and the feature of the intercept.
    squared, classes : bool
        Whether the loss is squared, and whether `y` holds classes.
    gap : float
        Relative duality gap to reach.
    max_epochs : int
        Largest number of epochs of a team, Newton's steps included.
    beta : ndarray of shape (teams, n_samples, lanes), optional
        Dual variables to start from.
    """

    XT = data("features", "samples", layout="csc")
    y = data("samples")
    cost = data("samples")
    norm2 = data("samples")  # filled by setup
    label = data("teams", "lanes", dtype=np.int64)
    epsilon = control(0.0)
    scaling = control(1.0)
    squared = control(0)
    classes = control(0)
    most = control(0)
    share = control(0.0)
    beta = variable("teams", "samples", "lanes", private=True)
    w = variable("teams", "weights", "lanes", private=True)
    tau = variable("teams", "lanes")
    v = derived("teams", "weights", "lanes", private=True, returned=False)
    open_ = derived("teams", "lanes", dtype=np.int64)
    together = derived("teams", "lanes", dtype=np.int64)
    alone = derived("teams", "lanes", dtype=np.int64)
    by_newton = derived("teams", "lanes", dtype=np.int64)
    goal = derived("teams", "lanes")
    bar = derived("teams", "lanes")
    top = derived("teams", "lanes")
    estimate = derived("teams", "lanes")
    busy = derived("teams", "lanes", dtype=np.int64)
    epochs = derived("teams", "lanes", dtype=np.int64)
    visits = derived("teams", "lanes")
    steps = derived("teams", "lanes", dtype=np.int64)
    products = derived("teams", "lanes", dtype=np.int64)
    figures = derived("teams", "lanes", "words")
    rounded = derived("teams", "singles", "lanes", dtype=np.float32, private=True, returned=False)
    order = scratch("samples", dtype=np.int64)
    free = scratch("samples", dtype=np.int64)
    scores = scratch("one", "lanes")
    moves = scratch("one", "lanes")
    lane_scores = scratch("one", "lanes", dtype=np.float32)
    lane_moves = scratch("one", "lanes", dtype=np.float32)
    score = scratch("one", "one")
    move = scratch("one", "one")
    weights_work = scratch("of_weights", "weights")
    samples_work = scratch("of_samples", "samples")
    system = scratch("unknowns", "unknowns")

    phases: Mapping[str, Phase] = {
        "together": Phase(push=push_together, frozen=("together", "goal")),
        "alone": Phase(
            push=push_alone,
            frozen=("alone", "goal"),
            where={"scores": "score", "moves": "move"},
        ),
        "newton": Phase(push=push_newton, frozen=("by_newton", "figures")),
        "judge": Phase(push=push_judge, frozen=("open_", "by_newton", "beta")),
    }

    def __init__(
        self, *, XT: Any, label: np.ndarray, gap: float, max_epochs: int,
        beta: np.ndarray | None = None, **given: Any,
    ) -> None:  # fmt: skip
        self.started = beta is not None
        if beta is not None:
            given["beta"] = beta
        weights, n = XT.shape[0] + 1, XT.shape[1]
        self.longest = _longest(XT) + 1
        entries = XT.nnz if sp.issparse(XT) else XT.size
        direct = weights <= min(DIRECT, max(n, TINY))
        self.newton_first = direct and entries <= SHORT * n
        super().__init__(
            XT=XT, label=label, weights=weights, singles=weights if label.shape[1] > 1 else 1,
            words=WORDS, one=1, of_weights=OF_WEIGHTS, of_samples=OF_SAMPLES,
            unknowns=weights if direct else 1, **given,
        )  # fmt: skip
        self.gap, self.max_epochs = gap, max_epochs
        self.certificates = [[Certificate(np.inf, np.inf)] * label.shape[1] for _ in label]
        self.first, self.course = True, Course(label.shape)

    def setup(self, rng: np.random.Generator) -> None:
        """Compute the norms of the samples."""
        self.state["norm2"][:] = column_norms2(self.XT) + self.scaling**2

    @property
    def gaps(self) -> np.ndarray:
        """Bounds on the relative gaps of all lanes; zero where a lane has no model."""
        gaps = np.array([[each.gap for each in team] for team in self.certificates])
        return np.where(self.label >= 0, gaps, 0.0)

    @property
    def epochs_used(self) -> int:
        """The largest number of epochs and Newton's steps of a model."""
        return int((self.state["epochs"] + self.state["steps"]).max())

    def cycle(self) -> Iterator[str]:
        """Improve all models that are not solved, and judge them."""
        state = self.state
        if self.first:
            self._begin()
            if self.started:
                yield "judge"
                self._judged()
            if self.newton_first:
                leave_to_newton(state, state["open_"] > 0)
        left = self.max_epochs - self.epochs_used
        for phase, most in (
            ("together", TOGETHER), ("alone", ALONE), ("by_newton", STEPS),
        ):  # fmt: skip
            if state[phase].any():
                self.most, self.share = min(most, left), SHARE * self.gap
                yield "newton" if phase == "by_newton" else phase
        yield "judge"
        self.first = False
        self._judged()
        self._decide()

    def recover(self) -> Sequence[str]:
        """Begin from the dual variables as they are, from which the judge computes the weights."""
        for name in ("open_", "together", "alone", "by_newton"):
            self.state[name][:] = 0
        self.first = self.started = True
        self.course = Course(self.label.shape)
        return ()

    def progress(self) -> dict[str, float]:
        """Return the largest gap, the sum of the objectives, and counts."""
        state, known = self.state, self.label >= 0
        return {
            "certificate": float(self.gaps.max()),
            "objective": float(sum(objective(row) for row in state["figures"][known])),
            "unsolved": float(state["open_"].sum()),
            "together": float(state["together"].sum()),
            "by_newton": float(state["by_newton"].sum()),
            "epochs": float(state["epochs"].max()),
            "visits": float(state["visits"].sum()),
            "newton_systems": float(state["steps"].sum()),
            "products": float(state["products"].sum()),
        }

    def save_state(self) -> dict[str, Any]:
        """Return what a resumed run needs besides the fields."""
        known = [[(each.gap, each.rounding) for each in team] for team in self.certificates]
        return {
            "first": self.first, "course": self.course.save_state(), "certificates": np.array(known)
        }  # fmt: skip

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`save_state`."""
        self.first = state["first"]
        known = np.asarray(state["certificates"]).tolist()
        self.certificates = [[Certificate(*each) for each in team] for team in known]
        self.course.load_state(state["course"])

    def _begin(self) -> None:
        state = self.state
        several = self.label.shape[1] > 1
        state["open_"][:] = state["together" if several else "alone"][:] = self.label >= 0
        state["bar"][:] = np.inf
        missing = 1.0 if self.classes else np.maximum(np.abs(state["y"]) - self.epsilon, 0.0)
        at_zero = float((state["cost"] * (missing**2 if self.squared else missing)).sum())
        state["goal"][:] = AT_FIRST * self.gap * at_zero
        if not self.squared:
            slack = SLACK / max(float(state["cost"].mean()), 1e-300)
            state["tau"][:] = min(HALF * float(state["norm2"].mean()) or slack, slack)

    def _judged(self) -> None:
        """Compute the certificates of the models that were judged, and close those solved."""
        state = self.state
        squares = float(state["cost"] @ state["norm2"]) if self.squared else 0.0
        for t, lane in np.argwhere(state["open_"]):
            figures = state["figures"][t, lane]
            self.certificates[t][lane] = certified(
                figures, n=len(state["y"]), longest=self.longest, squares=squares
            )
            size = self.certificates[t][lane].gap * objective(figures)
            ratio = state["estimate"][t, lane] / size if size > 0.0 else 1.0
            margin = min(max(0.7 * ratio, MARGINS[0]), MARGINS[1])
            state["goal"][t, lane] = margin * self.gap * objective(figures)
        state["open_"][:] = self.gaps > self.gap
        for way in ("together", "alone", "by_newton"):
            state[way][:] &= state["open_"]

    def _decide(self) -> None:
        """End the run, or say how each model is to go on."""
        gaps = self.gaps
        if not self.state["open_"].any():
            self.stop()
        elif self.epochs_used >= self.max_epochs:
            self.stop("epochs")
        elif self.course.stuck(self.state, gaps):
            self.stop("precision")
        self.course.decide(self.state, gaps, self.gap, direct=self.size["unknowns"] > 1)


def _longest(XT: Any) -> int:
    """Return the largest number of entries of a sample."""
    return int(np.diff(XT.indptr).max(initial=0)) if sp.issparse(XT) else int(XT.shape[0])
