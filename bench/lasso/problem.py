"""The Lasso on one data set at one penalty."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from bench.harness.problem import Problem, Setting
from bench.lasso.data import Dataset, dataset, unit_dataset
from bench.lasso.judge import alpha_max, judge
from bench.lasso.solvers import Answer

#: Tolerance of the solution that weights are compared with.
EXACT = 1e-10


@dataclass(frozen=True)
class Lasso(Problem):
    """α is that of an empty solution, divided by `divisor`; the judge's value is the gap."""

    package: ClassVar[str] = "bench.lasso.solvers"

    data: str
    divisor: float
    intercept: bool
    exact: bool = False  # whether weights are compared with scikit-learn's
    unit: bool = False  # whether columns are scaled to one length

    @cached_property
    def alpha(self) -> float:
        """Penalty."""
        X, y = self.load()
        return alpha_max(X, y, fit_intercept=self.intercept) / self.divisor

    @cached_property
    def reference(self) -> np.ndarray:
        """scikit-learn's weights at a tolerance of `EXACT`."""
        return self.fit("sklearn", {"tol": EXACT})[1].coef

    def load(self) -> Dataset:
        """Read X and y."""
        return unit_dataset(self.data) if self.unit else dataset(self.data)

    def judge(self, answer: Answer, setting: Setting) -> dict[str, Any]:
        """Gap and non-zeros, and how far weights are off, if that is asked for.

        Also the seconds that the solver says workers spent waiting for each other or for the
        scheduler (one worker: scheduling).
        """
        found = judge(*self.load(), answer.coef, answer.intercept, alpha=self.alpha,
                      fit_intercept=self.intercept)  # fmt: skip
        figures = {"value": found.gap, "nonzeros": found.nonzeros, "idle": idle(answer.model)}
        if self.exact:
            off = np.abs(answer.coef - self.reference).max() / np.abs(self.reference).max()
            figures["off"] = float(off)
        return figures


def idle(model: Any) -> float:
    """Seconds of scheduling and synchronisation; NaN of a model that has no statistics."""
    known = getattr(model, "statistics_", None)
    if known is None:
        return float("nan")
    several = known["executor"] == "processes"
    words = ("sync_seconds", "starved_seconds") if several else ("scheduling_seconds",)
    return sum(float(phase[word]) for phase in known["phases"].values() for word in words)
