"""Multinomial logistic regression on one data set at one penalty."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize

from bench.harness.problem import Problem, Setting
from bench.lasso.data import Dataset, dataset
from bench.lasso.problem import idle
from bench.multinomial.judge import alpha_max, judge
from bench.multinomial.solvers import Answer
from bench.svm.problem import MANY

#: Numbers are cut into classes at these quantiles.
CUTS = (0.25, 0.5, 0.75)


@lru_cache(maxsize=1)
def labelled(name: str, unit: bool) -> Dataset:
    """A data set by name, with classes numbered from 0.

    With `unit`, rows of sparse X have length one. Dense columns are standardised. Labels of which
    there are too many are numbers, whose quarters are the classes.
    """
    X, y = dataset(name)
    if unit and sp.issparse(X):
        X = sp.csc_matrix(normalize(sp.csr_matrix(X)))
        X.sort_indices()
    if len(np.unique(y)) > MANY:
        y = np.searchsorted(np.quantile(y, CUTS), y)
    labels, y = np.unique(y, return_inverse=True)
    if len(labels) < 3:
        raise ValueError(f"{name} has {len(labels)} classes: see bench.logistic")
    return Dataset(X, y)


@dataclass(frozen=True)
class Multinomial(Problem):
    """α is that of an empty solution, divided by `divisor`; the judge's value is the gap."""

    package: ClassVar[str] = "bench.multinomial.solvers"

    data: str
    divisor: float
    intercept: bool
    unit: bool

    @cached_property
    def alpha(self) -> float:
        """Penalty."""
        return alpha_max(*self.load(), fit_intercept=self.intercept) / self.divisor

    def load(self) -> Dataset:
        """Read X and y."""
        return labelled(self.data, self.unit)

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
