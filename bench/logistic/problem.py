"""Logistic regression on one data set at one penalty."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from bench.harness.problem import Problem, Setting
from bench.lasso.data import Dataset, dataset
from bench.lasso.problem import idle
from bench.lasso.solvers import Answer
from bench.logistic.judge import alpha_max, judge


@lru_cache(maxsize=1)
def labelled(name: str) -> Dataset:
    """A data set by name with labels of −1 and 1.

    Of more than two classes, or of numbers, those above the median are one class. Dense columns
    are standardised, sparse ones are as they are.
    """
    X, y = dataset(name)
    two = len(np.unique(y)) == 2
    return Dataset(X, np.where(y == y.max() if two else y > np.median(y), 1.0, -1.0))


@dataclass(frozen=True)
class Logistic(Problem):
    """α is that of an empty solution, divided by `divisor`; the judge's value is the gap."""

    package: ClassVar[str] = "bench.logistic.solvers"

    data: str
    divisor: float
    intercept: bool

    @cached_property
    def alpha(self) -> float:
        """Penalty."""
        return alpha_max(*self.load(), fit_intercept=self.intercept) / self.divisor

    def load(self) -> Dataset:
        """Read X and y."""
        return labelled(self.data)

    @cached_property
    def by_rows(self) -> Any:
        """X as solvers take it that read it by rows."""
        X = self.load().X
        return sp.csr_matrix(X) if sp.issparse(X) else np.ascontiguousarray(X)

    def judge(self, answer: Answer, setting: Setting) -> dict[str, Any]:
        """Gap and non-zeros; also the seconds that strads says its workers spent waiting."""
        found = judge(*self.load(), answer.coef, answer.intercept, alpha=self.alpha,
                      fit_intercept=self.intercept)  # fmt: skip
        return {"value": found.gap, "nonzeros": found.nonzeros, "idle": idle(answer.model)}
