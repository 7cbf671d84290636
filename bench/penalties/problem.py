"""A concave penalty, counts, or weights of features, on one data set at one penalty."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from bench.harness.problem import Problem, Setting
from bench.lasso.data import Dataset
from bench.lasso.judge import alpha_max, judge
from bench.lasso.problem import idle
from bench.lasso.solvers import Answer
from bench.penalties.data import counted, divided, factors, measured
from bench.penalties.judge import largest_poisson, poisson, stationarity


@dataclass(frozen=True)
class Penalised(Problem):
    """α is that of an empty solution, divided by `divisor`; kinds differ in model and judge."""

    package: ClassVar[str] = "bench.penalties.solvers"
    #: What is fitted, in words.
    model: ClassVar[str]

    data: str
    divisor: float
    intercept: bool
    kind: str = ""

    @cached_property
    def alpha(self) -> float:
        """Penalty."""
        return self.largest() / self.divisor

    def largest(self) -> float:
        """Smallest penalty for which zero weights are a solution."""
        X, y = self.load()
        return alpha_max(X, y, fit_intercept=self.intercept)

    def load(self) -> Dataset:
        """Read X and y."""
        return measured(self.data)


@dataclass(frozen=True)
class Concave(Penalised):
    """Least squares with the MCP: the judge's value is the stationarity residual.

    The problem is not convex, so that solvers may end at different points. The objective says
    which is the better one.
    """

    model: ClassVar[str] = "MCP"
    gamma: ClassVar[float] = 3.0

    kind: str = "concave"

    def judge(self, answer: Answer, setting: Setting) -> dict[str, Any]:
        """Residual, objective and non-zeros; also the seconds that strads' workers waited."""
        found = stationarity(*self.load(), answer.coef, answer.intercept, alpha=self.alpha,
                             gamma=self.gamma, fit_intercept=self.intercept)  # fmt: skip
        return {"value": found.residual, "objective": found.objective,
                "nonzeros": found.nonzeros, "idle": idle(answer.model)}  # fmt: skip


@dataclass(frozen=True)
class Counts(Penalised):
    """Poisson regression with an L1 penalty: the judge's value is the relative duality gap."""

    model: ClassVar[str] = "Poisson"

    kind: str = "counts"

    def load(self) -> Dataset:
        """Read X and generate counts."""
        return counted(self.data)

    def largest(self) -> float:
        """Smallest penalty whose solution is zero."""
        X, y = self.load()
        return largest_poisson(X, y, fit_intercept=self.intercept)

    def judge(self, answer: Answer, setting: Setting) -> dict[str, Any]:
        """Gap and non-zeros; also the seconds that strads says its workers spent waiting."""
        found = poisson(*self.load(), answer.coef, answer.intercept, alpha=self.alpha,
                        fit_intercept=self.intercept)  # fmt: skip
        return {"value": found.gap, "nonzeros": found.nonzeros, "idle": idle(answer.model)}


@dataclass(frozen=True)
class Weighted(Penalised):
    """A Lasso with a factor for the penalty of each feature: the value is the relative gap.

    It is the Lasso of columns divided by their factors, and is judged as such.
    """

    model: ClassVar[str] = "weighted Lasso"

    kind: str = "weights"

    @property
    def factors(self) -> np.ndarray:
        """Factors of the penalties of all features."""
        return factors(self.load().X.shape[1])

    def largest(self) -> float:
        """Smallest penalty whose solution is zero."""
        y = self.load().y
        return alpha_max(divided(self.data), y, fit_intercept=self.intercept)

    def judge(self, answer: Answer, setting: Setting) -> dict[str, Any]:
        """Gap and non-zeros; also the seconds that strads says its workers spent waiting."""
        if not np.isfinite(answer.coef).all():
            return {"value": np.inf, "nonzeros": 0, "idle": idle(answer.model)}
        found = judge(divided(self.data), self.load().y, answer.coef * self.factors,
                      answer.intercept, alpha=self.alpha,
                      fit_intercept=self.intercept)  # fmt: skip
        return {"value": found.gap, "nonzeros": found.nonzeros, "idle": idle(answer.model)}


#: Problems by kind.
KINDS: dict[str, type[Penalised]] = {
    "concave": Concave, "counts": Counts, "weights": Weighted,
}  # fmt: skip
