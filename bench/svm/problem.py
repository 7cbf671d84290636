"""A linear support vector machine on one data set."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize

from bench.harness.problem import Problem, Setting
from bench.lasso.data import Dataset, dataset
from bench.svm.judge import Objective, judge
from bench.svm.solvers import Answer

#: The reference is this much more accurate than what fits are judged by.
REFERENCE = 0.02
#: More labels than this are numbers, not classes.
MANY = 100


@lru_cache(maxsize=1)
def by_rows(name: str, unit: bool, two: bool, classes: bool) -> Dataset:
    """X by rows, and labels or targets.

    With `unit`, rows of sparse X have length one. With `two`, or if there are too many, the labels
    above the median are one class. Dense columns and targets are standardised.
    """
    X, y = dataset(name)
    X = sp.csr_matrix(X) if sp.issparse(X) else np.ascontiguousarray(X)
    if unit and sp.issparse(X):
        X = normalize(X)
    if not classes:
        return Dataset(X, (y - y.mean()) / y.std())
    if len(np.unique(y)) > (2 if two else MANY):
        y = (y > np.median(y)).astype(np.float64)
    return Dataset(X, y)


@dataclass(frozen=True)
class Machines(Problem):
    """One model, or one for each of several classes."""

    package: ClassVar[str] = "bench.svm.solvers"

    data: str
    C: float
    loss: str
    intercept: bool
    unit: bool
    two: bool
    epsilon: float
    gap: float

    @property
    def objective(self) -> Objective:
        """What is minimised."""
        return Objective(self.C, self.loss, 0.0 if self.loss.endswith("hinge") else self.epsilon)

    def load(self) -> Dataset:
        """Read X and y."""
        return by_rows(self.data, self.unit, self.two, self.objective.classes)

    @cached_property
    def targets(self) -> list[np.ndarray]:
        """The t of every model."""
        y = self.load().y
        if not self.objective.classes:
            return [y]
        labels = np.unique(y)
        chosen = labels[1:] if len(labels) == 2 else labels
        return [np.where(y == label, 1.0, -1.0) for label in chosen]

    @cached_property
    def bounds(self) -> list[float]:
        """Lower bounds of the optimum of every model, from dual variables of high accuracy."""
        from bench.svm.solvers.strads import machine

        X, y = self.load()
        model = machine(self, {"tol": REFERENCE * self.gap, "workers": 0}).fit(X, y)
        betas = np.atleast_2d(model.dual_coef_)
        return [self.objective.dual(X, t, beta, fit_intercept=self.intercept)
                for t, beta in zip(self.targets, betas, strict=True)]  # fmt: skip

    def judge(self, answer: Answer, setting: Setting) -> dict[str, Any]:
        """How far the worst model is above the optimum."""
        X = self.load().X
        if not self.intercept and np.any(answer.intercept):
            raise ValueError("an intercept was returned for a problem without one")
        primals = [
            self.objective.primal(X, t, coef, float(intercept))
            for t, coef, intercept in zip(self.targets, answer.coef, answer.intercept, strict=True)
        ]
        return {"value": judge(primals, self.bounds), "models": len(primals)}
