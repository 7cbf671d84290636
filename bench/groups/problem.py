"""Group Lasso or multi-task Lasso on one data set at one penalty."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from bench.groups.judge import alpha_max, judge
from bench.groups.solvers import Answer
from bench.harness.problem import Problem, Setting
from bench.lasso.data import Dataset, dataset
from bench.lasso.problem import idle
from bench.svm.problem import MANY

#: Kind → features of a group: of one task in groups, or of several tasks, each feature a group.
WIDTHS = {"groups": 5, "tasks": 1}


class Design(NamedTuple):
    """Generated data: neighbouring columns are correlated, some groups have normal weights."""

    rows: int
    columns: int
    correlation: float
    active: int  # groups that have weights
    tasks: int


#: What is generated, by name and kind.
DESIGNS = {
    ("ar", "groups"): Design(500, 4000, 0.7, 30, 1),
    ("ar", "tasks"): Design(300, 5000, 0.5, 60, 100),
    ("wide", "groups"): Design(2000, 20_000, 0.7, 100, 1),
    ("wide", "tasks"): Design(1000, 20_000, 0.5, 100, 20),
    ("chain", "groups"): Design(2000, 5000, 0.95, 50, 1),
    ("chain", "tasks"): Design(2000, 5000, 0.95, 50, 20),
    ("tiny", "groups"): Design(60, 100, 0.7, 4, 1),
    ("tiny", "tasks"): Design(60, 100, 0.5, 4, 3),
}


def generated(design: Design, width: int) -> Dataset:
    """Columns of an autoregressive process, and Y with noise of deviation one."""
    n, p, correlation, active, tasks = design
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((n, p)))
    for j in range(1, p):
        X[:, j] = correlation * X[:, j - 1] + np.sqrt(1.0 - correlation**2) * X[:, j]
    W = np.zeros((p // width, width, tasks))
    chosen = rng.choice(len(W), active, replace=False)
    W[chosen] = rng.standard_normal((active, width, tasks))
    return Dataset(X, X @ W.reshape(p, tasks) + rng.standard_normal((n, tasks)))


def stored(name: str, kind: str) -> Dataset:
    """A data set of the Lasso: for tasks, a column of zeros and ones for every class.

    For groups, the target is the number of the class, and the last columns are left out that do
    not fill a group.
    """
    X, y = dataset(name)
    if kind == "groups":
        return Dataset(X[:, : X.shape[1] - X.shape[1] % WIDTHS[kind]], y[:, None])
    labels, y = np.unique(y, return_inverse=True)
    if len(labels) > MANY:
        raise ValueError(f"{name} has numbers, not classes that could be tasks")
    return Dataset(X, np.eye(len(labels))[y])


@lru_cache(maxsize=2)
def grouped(name: str, kind: str) -> Dataset:
    """A data set by name, with Y of a column for every task."""
    design = DESIGNS.get((name, kind))
    return generated(design, WIDTHS[kind]) if design else stored(name, kind)


@dataclass(frozen=True)
class Groups(Problem):
    """α is that of an empty solution, divided by `divisor`; the judge's value is the gap."""

    package: ClassVar[str] = "bench.groups.solvers"

    kind: str
    data: str
    divisor: float

    @property
    def width(self) -> int:
        """Features of a group."""
        return WIDTHS[self.kind]

    @cached_property
    def alpha(self) -> float:
        """Penalty."""
        return alpha_max(*self.load(), self.width) / self.divisor

    def load(self) -> Dataset:
        """Read X and Y."""
        return grouped(self.data, self.kind)

    @cached_property
    def target(self) -> np.ndarray:
        """Y as solvers take it: of one dimension if there is one task, else by columns."""
        Y = self.load().y
        return Y.ravel() if self.kind == "groups" else np.asfortranarray(Y)

    def judge(self, answer: Answer, setting: Setting) -> dict[str, Any]:
        """Gap and groups with a weight; also the seconds that strads says its workers waited."""
        found = judge(*self.load(), answer.coef, answer.intercept, alpha=self.alpha,
                      width=self.width)  # fmt: skip
        return {"value": found.gap, "active": found.active, "idle": idle(answer.model)}
