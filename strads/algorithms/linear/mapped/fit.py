"""Fits of sparse linear models to a matrix in a file: a working set in memory, and passes.

The first pass computes the statistics of all columns, and their products with the residual of the
model without features. Then these steps are repeated:

1. The columns of the support, and those nearest to their constraints, are copied to memory: as many
   as the limit on memory leaves room for.
2. The problem on these columns is solved in memory, as any other
   (:mod:`strads.algorithms.linear.certified`).
3. A pass over the file certifies the weights for all columns, or shows which ones to copy.

Source: the batches of BASIL (Qian, Tanigawa, Du, Aguirre, Chang, Tibshirani, Rivas, Hastie. A fast
and scalable framework for large-scale and ultrahigh-dimensional sparse regression. PLOS Genetics
16(10), 2020), for one penalty.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from strads.algorithms.common.priorities import priorities_of
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.linear.certified.certified_fit import CertifiedFit, solve
from strads.algorithms.linear.certified.problem import row_weights
from strads.algorithms.linear.choices import ENTRIES
from strads.algorithms.linear.fitted import Fitted
from strads.algorithms.linear.mapped.budget import (
    FEWEST,
    as_many,
    bytes_of,
    demand_room,
    room_below,
)
from strads.algorithms.linear.mapped.columns import FileColumns, Reading, nbytes_of, statistics
from strads.algorithms.linear.mapped.judging import Judging
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solver.rounding import Certificate
from strads.datasets import MappedMatrix
from strads.engine import InsufficientMemory, Schedule

#: The problem in memory is solved to this share of the tolerance, and to this share of that where
#: a pass finds no column to add.
SHARE, TIGHTER = 0.3, 0.2
#: So often is the problem in memory solved more exactly.
MORE = 2
#: Numbers of float64 a feature, a sample, and a sample and worker that a fit needs beside copies.
OF_FEATURES, OF_SAMPLES, OF_WORKERS = 14, 16, 6
#: Columns of which copies are made: so many for each that violates its constraint, and at least.
FOR_EACH, AT_LEAST = 3, 256
#: What working on a copy takes beside it, as a multiple: sparse columns are copied once more, and
#: so are all if there are several processes; losses other than squares copy the working set, too.
BESIDE = 2.6


class MappedFit:
    """State of a fit to a matrix in a file.

    Parameters
    ----------
    model : estimator
        As :func:`~strads.algorithms.linear.fitting.fit_loss` takes it, with `max_memory`.
    X : MappedMatrix
    weights : ndarray or None
        Weights of the samples.
    factors : ndarray or None
        By which the penalty of each feature is multiplied.
    penalty : Penalty
    judging : Judging
    start : ndarray or None
        Weights to start from.
    """

    def __init__(
        self, model: Any, X: MappedMatrix, weights: np.ndarray | None, factors: np.ndarray | None,
        penalty: Penalty, judging: Judging, start: np.ndarray | None,
    ) -> None:  # fmt: skip
        self.model, self.penalty, self.judging = model, penalty, judging
        self.factors, (n, p) = factors, X.shape
        self.workers = workers_for(model.n_workers, X.nbytes // X.dtype.itemsize, ENTRIES)
        self.limit = bytes_of(getattr(model, "max_memory", None))
        room = room_below(self.limit // self.workers)
        self.X = X = X.with_room(room)
        fixed = 8 * (OF_FEATURES * p + OF_SAMPLES * n + OF_WORKERS * n * self.workers)
        if not X.by_columns:
            fixed += 8 * 3 * p * self.workers
        fixed += X.window_nbytes * self.workers
        self.each = X.part_nbytes(columns=True)
        least = int(FEWEST * BESIDE * float(np.max(self.each)))
        self.room = demand_room(self.limit, fixed, least, "columns") / (
            2 if self.workers > 1 else 1
        )
        self.reading = Reading(X, self.workers, room)
        self.priorities = priorities_of(getattr(model, "priorities", None), p)
        self.weight = row_weights(weights, n)
        self.coef = np.zeros(p, X.dtype) if start is None else np.array(start, X.dtype)
        if factors is not None:
            self.coef[np.isinf(factors)] = 0.0
        self.epochs, self.history = 0, list[dict[str, float]]()
        self.last: tuple[FileColumns, np.ndarray] | None = None

    def run(self, schedule: Schedule | None) -> Fitted:
        """Make the fit.

        Raises
        ------
        DataError
            If a file is not what it was.
        InsufficientMemory
            If the columns of the support do not fit below the limit.
        """
        columns, sizes = self.first()
        return self.solved_from(columns, self.slopes_of(sizes), schedule)

    def solved_from(
        self, columns: FileColumns, slopes: np.ndarray, schedule: Schedule | None
    ) -> Fitted:
        """Make the fit after a first pass.

        Parameters
        ----------
        columns : FileColumns
        slopes : ndarray of shape (n_features,)
            Sizes of the last products, divided by their limits.
        schedule : Schedule or None
        """
        model, tol = self.model, float(self.model.tol)
        share, left, had = SHARE, MORE, np.zeros(0, np.int64)
        while True:
            ids = self.chosen(slopes, columns.norm)
            if np.isin(ids, had).all():
                share, left = share * TIGHTER, left - 1
            X = self.X.columns(ids)
            columns = columns.with_copies(ids, X)
            fit = self._solved(X, ids, share * tol, schedule)
            certificate, intercept = self.judging.certificate(columns, self.coef)
            del X
            slopes, had = columns.noted["slopes"], ids
            self._note(fit, certificate, columns, slopes)
            ended = fit.status not in ("converged", "precision") or self.epochs >= model.max_iter
            if certificate.gap <= tol or left < 0 or ended:
                break
        if certificate.gap > tol and not ended:
            self._demand_no_others(ids, slopes)
        self.last = columns, slopes
        status = "epochs" if fit.status == "converged" and self.epochs >= model.max_iter else (
            fit.status
        )  # fmt: skip
        statistics = {
            **fit.statistics, "passes": self.reading.passes, "file_nbytes": self.X.nbytes,
            "max_memory": self.limit,
        }  # fmt: skip
        return Fitted(
            coef=self.coef, intercept=np.asarray(intercept), certificate=certificate,
            status=status, tol=tol, epochs=self.epochs, history=self.history,
            statistics=statistics,
        )  # fmt: skip

    def first(self) -> tuple[FileColumns, np.ndarray]:
        """Make the first pass; return the statistics and the sizes of the products."""
        columns, score = statistics(
            self.reading, self.weight, self.judging.residual, centred=bool(self.model.fit_intercept)
        )
        return columns, score if getattr(self.model, "positive", False) else np.abs(score)

    def slopes_of(self, sizes: np.ndarray) -> np.ndarray:
        """Return sizes of products, divided by their limits."""
        limits = np.full(len(sizes), math.fsum(self.weight) * self.penalty.alpha)
        if self.factors is not None:
            limits = limits * self.factors
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes = np.where(sizes > 0.0, sizes / limits, 0.0)
        return np.where(np.isfinite(slopes), slopes, 0.0)

    def chosen(self, slopes: np.ndarray, norm: np.ndarray) -> np.ndarray:
        """Return the columns to copy: the support, and those nearest to their constraints."""
        needed = self.coef != 0.0
        if self.factors is not None:
            needed |= self.factors == 0.0
        usable = norm > 0.0
        if self.factors is not None:
            usable &= np.isfinite(self.factors)
        wanted = max(AT_LEAST, FOR_EACH * int(np.count_nonzero(slopes > 1.0)))
        scaled = slopes / max(float(slopes.max(initial=0.0)), 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            away = np.where(usable, (1.0 - scaled) / norm, np.inf)
        if self.priorities is not None:
            away = away / self.priorities
        order = np.argsort(away, kind="stable")
        order = order[usable[order] & ~needed[order]][:wanted]
        first = np.flatnonzero(needed & usable)
        order = np.concatenate([first, order])
        most = as_many(order, self.each, self.room, BESIDE)
        if most < len(first) or most == 0:
            sizes = self.each if isinstance(self.each, int) else self.each[first].mean()
            raise InsufficientMemory(
                needed=int(self.limit + (len(first) - most) * BESIDE * float(sizes)),
                available=self.limit, largest=[],
                where=f"below max_memory: copies of {len(first):,} columns are needed, and there "
                f"is room for {most:,}. Raise max_memory, or the penalty",
            )  # fmt: skip
        ids: np.ndarray = np.sort(order[:most])
        return ids if len(ids) else np.zeros(1, np.int64)

    def _demand_no_others(self, ids: np.ndarray, slopes: np.ndarray) -> None:
        """Refuse a fit that needs columns for which there is no room beside its support."""
        others = np.delete(slopes, ids)
        if np.all(self.coef[ids] != 0.0) and np.any(others > 1.0):
            missing = int(np.count_nonzero(others > 1.0))
            raise InsufficientMemory(
                needed=self.limit + int(missing * BESIDE * float(np.mean(self.each))),
                available=self.limit, largest=[],
                where=f"below max_memory: all {len(ids):,} columns that fit are in the support, "
                f"and {missing:,} others are needed. Raise max_memory, or the penalty",
            )  # fmt: skip

    def _solved(
        self, X: Any, ids: np.ndarray, tol: float, schedule: Schedule | None
    ) -> CertifiedFit:
        """Solve the problem on some columns; its weights become those of the fit."""
        model = self.model
        factors = None if self.factors is None else self.factors[ids]
        workers = self.workers if nbytes_of(X) >= ENTRIES * X.dtype.itemsize else 1
        with self.judging.data(X, factors) as data:
            data.importance = None if self.priorities is None else self.priorities[ids]
            fit = CertifiedFit(
                data, self.penalty, self.coef[ids], tol=tol,
                max_iter=max(1, int(model.max_iter) - self.epochs),
            )  # fmt: skip
            solve(
                fit, schedule, workers=workers, seed=seed_of(model.random_state),
                instruments=model.callbacks,
            )  # fmt: skip
        self.coef[:] = 0.0
        self.coef[ids] = fit.coef
        self.epochs += fit.epochs
        return fit

    def _note(
        self, fit: CertifiedFit, certificate: Certificate, columns: FileColumns, slopes: np.ndarray
    ) -> None:
        last = fit.history[-1] if fit.history else {}
        self.history.append(
            {
                "certificate": certificate.gap,
                "rounding": certificate.rounding,
                "objective": last.get("objective", math.nan),
                "nonzeros": float(np.count_nonzero(self.coef)),
                "working_set": float(len(columns.ids)),
                "violators": float(np.count_nonzero(slopes > 1.0)),
                "epochs": float(self.epochs),
                "passes": float(self.reading.passes),
            }
        )
