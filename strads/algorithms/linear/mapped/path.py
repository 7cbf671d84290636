"""Paths of penalties on a matrix in a file: each fit goes on from the one before.

The first pass over the file serves all penalties. The columns of the last support, and those that
come nearest to their constraints, are copied to memory; the problems of the next penalties are
solved on them, and one pass certifies all of their weights. The path goes on behind the last one
that is certified. If there is none, its first penalty is solved alone.

Source: the batches of BASIL (Qian, Tanigawa, Du, Aguirre, Chang, Tibshirani, Rivas, Hastie. A fast
and scalable framework for large-scale and ultrahigh-dimensional sparse regression. PLOS Genetics
16(10), 2020).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.linear.certified.certified_data import CertifiedData
from strads.algorithms.linear.certified.certified_path import OWN, CertifiedPath, PathPoint
from strads.algorithms.linear.choices import ENTRIES
from strads.algorithms.linear.mapped.columns import Asked, nbytes_of
from strads.algorithms.linear.mapped.fit import SHARE, MappedFit
from strads.algorithms.linear.mapped.judging import squared_errors
from strads.algorithms.linear.penalty import Penalty
from strads.datasets import MappedMatrix
from strads.engine import InsufficientMemory

#: Most penalties that are certified by one pass; their vectors take no more than this part of the
#: limit on memory.
TOGETHER, PART = 16, 0.1
#: What a path takes from an estimator.
OPTIONS = (
    "n_workers", "max_memory", "tol", "max_iter", "fit_intercept", "positive", "random_state",
    "callbacks",
)  # fmt: skip


class MappedPath:
    """The models of a sequence of penalties; see :class:`CertifiedPath` for its attributes.

    Parameters
    ----------
    model : estimator, or another object
        Has the attributes of `OPTIONS`.
    X : MappedMatrix
    y : ndarray of shape (n_samples,)
    weights : ndarray or None
        Weights of the samples.
    start : ndarray, optional
        Weights to start from.
    enough : callable, optional
        Called with every :class:`PathPoint`; the path ends once it returns a true value.

    Attributes
    ----------
    largest : float
        The least α of a Lasso that leaves no weight.
    together : int
        Most penalties that are certified by one pass.
    """

    def __init__(
        self, model: Any, X: MappedMatrix, y: np.ndarray, weights: np.ndarray | None, *,
        start: np.ndarray | None = None, enough: Callable[[PathPoint], bool] | None = None,
    ) -> None:  # fmt: skip
        self.model = SimpleNamespace(**{name: getattr(model, name) for name in OPTIONS})
        self.tol, self.enough = float(model.tol), enough
        self.points: list[PathPoint] = []
        self.stopped = False
        self._y, self._weights = y, weights
        penalty = Penalty.mixed(1.0, 1.0)
        self._fit = MappedFit(
            self.model, X, weights, None, penalty, self._judging(penalty), start
        )  # fmt: skip
        self._columns, self._sizes = self._fit.first()
        self._ended = False
        numbers = sum(X.shape) * (1 if X.by_columns else self._fit.workers)
        self.together = int(max(1, min(TOGETHER, PART * self._fit.limit // (8 * numbers))))
        self.largest = float(self._sizes.max(initial=0.0)) / math.fsum(self._fit.weight)

    def _judging(self, penalty: Penalty) -> Any:
        model = self.model
        return squared_errors(
            self._y, self._weights, penalty, centred=bool(model.fit_intercept),
            positive=bool(model.positive), factors=None,
        )  # fmt: skip

    def solve(self, penalties: Sequence[Penalty]) -> list[PathPoint]:
        """Return the models, the largest penalty first; fewer if `enough` ended the path.

        Warns
        -----
        UserWarning
            If the support of the next model does not fit below the limit on memory; the path ends.

        Raises
        ------
        DataError
            If a file is not what it was.
        InsufficientMemory
            If there is no room for the first model.
        """
        self._ended, alone = False, False
        while len(self.points) < len(penalties) and not self._ended:
            at = len(self.points)
            try:
                if alone or self.together < 2:
                    self._solve_alone(penalties[at])
                    alone = False
                else:
                    self._solve_together(penalties[at : at + self.together])
                    alone = len(self.points) == at
            except InsufficientMemory as error:
                if not self.points:
                    raise
                warnings.warn(
                    f"the path ends after {len(self.points)} of {len(penalties)} penalties: "
                    f"{error}", stacklevel=3,
                )  # fmt: skip
                self._ended = True
        return self.points

    def _slopes(self, penalty: Penalty) -> np.ndarray:
        """Return the sizes of the last products, divided by the limits of a penalty."""
        self._fit.penalty, self._fit.judging = penalty, self._judging(penalty)
        return self._fit.slopes_of(self._sizes)

    def _solve_alone(self, penalty: Penalty) -> None:
        """Solve for one penalty, in as many passes as it takes."""
        fit = self._fit
        fit.epochs, fit.history = 0, []
        found = fit.solved_from(self._columns, self._slopes(penalty), None)
        self.stopped = self._ended = found.status not in OWN
        if self._ended:
            return
        assert fit.last is not None
        self._columns, slopes = fit.last
        self._note(slopes, penalty)
        self._take(found.coef, found.certificate.gap, float(found.intercept), found.epochs)

    def _solve_together(self, penalties: Sequence[Penalty]) -> None:
        """Solve for several penalties on one working set, and certify them by one pass.

        Those that are certified are kept, up to the first that is not.
        """
        fit, model = self._fit, self.model
        ids = fit.chosen(self._slopes(penalties[-1]), self._columns.norm)
        X = fit.X.columns(ids)
        columns = self._columns = self._columns.with_copies(ids, X)
        with CertifiedData(
            X, self._y, self._weights, centred=bool(model.fit_intercept),
            positive=bool(model.positive),
        ) as data:  # fmt: skip
            path = CertifiedPath(
                data, penalties, tol=SHARE * self.tol, max_iter=int(model.max_iter),
                workers=fit.workers if nbytes_of(X) >= ENTRIES * X.dtype.itemsize else 1,
                seed=seed_of(model.random_state), start=fit.coef[ids], instruments=model.callbacks,
            )  # fmt: skip
            points = path.solve()
        self.stopped = self._ended = path.stopped
        if path.stopped or not points:
            return
        coefs = [self._spread(ids, point) for point in points]
        vectors = []
        for coef, penalty in zip(coefs, penalties, strict=False):
            try:
                self._judging(penalty).certificate(columns.asking(), coef)
            except Asked as asked:
                vectors.append(asked.weighted)
        columns.noted["vectors"] = np.array(vectors)
        columns.noted["products"] = columns.products_of(columns.noted["vectors"])
        for coef, penalty, point in zip(coefs, penalties, points, strict=False):
            certificate, intercept = self._judging(penalty).certificate(columns, coef)
            self._note(columns.noted["slopes"], penalty)
            if not certificate.gap <= self.tol:
                break
            fit.coef = coef
            self._take(coef, certificate.gap, intercept, point.epochs)
            if self._ended:
                break
        del columns.noted["vectors"], columns.noted["products"]

    def _spread(self, ids: np.ndarray, point: PathPoint) -> np.ndarray:
        coef = np.zeros(self._fit.X.shape[1], self._fit.X.dtype)
        coef[ids[point.ids]] = point.values
        return coef

    def _note(self, slopes: np.ndarray, penalty: Penalty) -> None:
        """Keep the sizes of the last products, from which the next working set is chosen."""
        self._sizes = slopes * (math.fsum(self._fit.weight) * penalty.alpha)

    def _take(self, coef: np.ndarray, gap: float, intercept: float, epochs: int) -> None:
        ids = np.flatnonzero(coef)
        point = PathPoint(ids, coef[ids].copy(), intercept, gap, epochs)
        self.points.append(point)
        self._ended = self.enough is not None and self.enough(point)
