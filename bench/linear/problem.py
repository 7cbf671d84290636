"""A path or a cross-validation on one data set, for one grid of penalties."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from bench.harness.problem import Problem, Setting
from bench.lasso.data import Dataset, unit_dataset
from bench.lasso.judge import alpha_max, judge

#: Tolerance of the errors of folds that other solvers' are compared with.
EXACT = 1e-9


@dataclass(frozen=True)
class Grid(Problem):
    """Penalties from the least without weights down to `eps` times that, in equal ratios.

    Columns have one length, and y is centred. Models of a path have no intercept, since the path
    functions of other packages have none. With one point there is only the smallest penalty.
    """

    package: ClassVar[str] = "bench.linear.solvers"

    data: str
    eps: float
    points: int
    l1_ratio: float = 1.0

    def load(self) -> Dataset:
        """Read X and y."""
        X, y = unit_dataset(self.data)
        return Dataset(X, y - y.mean())

    @cached_property
    def alphas(self) -> np.ndarray:
        """The penalties."""
        largest = alpha_max(*self.load(), fit_intercept=self.centred) / self.l1_ratio
        return largest * np.geomspace(1.0, self.eps, self.points + 1)[1:]

    @property
    def centred(self) -> bool:
        """Whether models have an intercept."""
        return False


@dataclass(frozen=True)
class Path(Grid):
    """The judge's value is the largest relative duality gap of all models of a path."""

    def judge(self, answer: np.ndarray, setting: Setting) -> dict[str, Any]:
        """Largest gap, and the number of weights of the last model."""
        gaps = [self._gap(answer[:, k], alpha) for k, alpha in enumerate(self.alphas)]
        return {"value": max(gaps), "nonzeros": int(np.count_nonzero(answer[:, -1]))}

    def _gap(self, coef: np.ndarray, alpha: float) -> float:
        """Gap of the Lasso that the elastic net is: of more rows of data, for one penalty."""
        X, y = self.load()
        n, p = X.shape
        if self.l1_ratio == 1.0:
            return judge(X, y, coef, alpha=alpha, fit_intercept=False).gap
        root = np.sqrt(n * alpha * (1.0 - self.l1_ratio))
        rows = root * (sp.eye_array(p, format="csc") if sp.issparse(X) else np.eye(p))
        longer = sp.vstack([X, rows], format="csc") if sp.issparse(X) else np.vstack([X, rows])
        scaled = alpha * self.l1_ratio * n / (n + p)
        targets = np.append(y, np.zeros(p))
        return judge(longer, targets, coef, alpha=scaled, fit_intercept=False).gap


@dataclass(frozen=True)
class CrossValidation(Grid):
    """The judge's value is the largest deviation of a held-out error, relative to the error."""

    folds: int = 5

    @property
    def centred(self) -> bool:
        """Models have an intercept."""
        return True

    def judge(self, answer: np.ndarray, setting: Setting) -> dict[str, Any]:
        """Compare errors with those of a fit at a tolerance of `EXACT`."""
        return {"value": float(np.abs(answer / self._exact - 1.0).max())}

    @cached_property
    def _exact(self) -> np.ndarray:
        return self.fit("strads-1", {"tol": EXACT})[1]
