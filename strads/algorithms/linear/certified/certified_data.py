"""The data of certified fits: as they were given, as the solver takes them, and their statistics.

Fits with several penalties, such as those of a path, share one object: what is prepared or computed
for one of them serves all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from strads.algorithms.linear.certified.centring import Columns, columns_of
from strads.algorithms.linear.certified.certificate import certify
from strads.algorithms.linear.certified.problem import Problem, careful, plain, row_weights
from strads.algorithms.linear.certified.products import compiled_ahead
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solver.lasso_program import WorkingSetLasso
from strads.algorithms.linear.solver.path_program import PathProgram
from strads.algorithms.linear.solver.rounding import Certificate
from strads.engine import CompileTogether


class CertifiedData:
    """X, y and weights of samples, with all that does not depend on the penalty.

    Where the solver's own certificate does not hold for these data, helpers compile that of the
    returned weights from the beginning; as a context manager the object ends these helpers.

    Parameters
    ----------
    X : csc matrix or ndarray in Fortran order
    y : ndarray of float64
    sample_weight : ndarray or None
    centred : bool
        Whether the model has an intercept.
    positive : bool
        Whether weights are constrained to w ≥ 0.
    factors : ndarray or None
        By which the penalty of each feature is multiplied; None: 1.
    proven : bool
        Whether gaps are certified for the weights as they are returned. Else they are those that
        the solver computed, whose bound on rounding errors disregards that rows are weighted and
        weights rounded to the type of X.

    Attributes
    ----------
    problem : Problem
        The data as the solver takes them.
    own_gaps : bool
        Whether the gaps that the solver computes are those to return.
    one_penalty, several_penalties : type
        The programs.
    """

    one_penalty: ClassVar[Any] = WorkingSetLasso
    several_penalties: ClassVar[Any] = PathProgram

    def __init__(
        self, X: Any, y: np.ndarray, sample_weight: Any, *, centred: bool, positive: bool,
        factors: np.ndarray | None = None, proven: bool = True,
    ) -> None:  # fmt: skip
        self.factors = factors
        self.importance: np.ndarray | None = None  # of features; see WorkingSetProgram
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.centred, self.positive = centred, positive
        self.problem: Problem = self.as_they_are()
        self._columns: Columns | None = None
        self.own_gaps = self.exact() or not proven
        self._ahead = None if self.own_gaps else self._compiled_ahead()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ahead is not None:
            self._ahead.close()

    def as_they_are(self) -> Problem:
        """Return the data for the solver, with X as it was given."""
        return plain(self.X, self.y, self.sample_weight, centred=self.centred)

    def exact(self) -> bool:
        """Whether the solver's certificate holds for the user's data and the returned weights."""
        return self.problem.exact

    def program(self, penalty: Penalty, start: np.ndarray | None, **options: Any) -> Any:
        """Return a program that solves the problem.

        Parameters
        ----------
        penalty : Penalty
            For the data as they were given.
        start : ndarray or None
            Weights to start from, for the data as they were given.
        **options
            Other parameters of the program.
        """
        given = self.problem.penalty(penalty)._asdict()
        return self.one_penalty(**self.arguments(start), **given, **options)

    def path_program(
        self, penalties: Sequence[Penalty], start: np.ndarray | None, **options: Any
    ) -> Any:
        """Return a program that solves the problem for several penalties; see :meth:`program`."""
        own = [self.problem.penalty(each) for each in penalties]
        return self.several_penalties(**self.arguments(start), penalties=own, **options)

    def judged(
        self, coef: np.ndarray, penalty: Penalty, own: Certificate | None, program: Any,
        mean: np.ndarray,
    ) -> tuple[Certificate, float]:  # fmt: skip
        """Return a certificate of weights that a program has found, and their intercept.

        Parameters
        ----------
        coef : ndarray
            The weights, as they are returned.
        penalty : Penalty
        own : Certificate or None
            That of the program, if it holds for these weights.
        program : Program
        mean : ndarray
            Means of the columns that the program has computed.
        """
        return own or self.certificate(coef, penalty), self.intercept(coef, mean)

    def arguments(self, start: np.ndarray | None) -> dict[str, Any]:
        """Return what every program on these data is given.

        Parameters
        ----------
        start : ndarray or None
            Weights to start from, for the data as they were given.
        """
        problem = self.problem
        return {
            "X": problem.X, "y": problem.y, "unit": problem.unit, "w": problem.start(start),
            "centred": int(self.centred), "positive": int(self.positive),
            "penalty_factor": self.factors, "importance": self.importance,
        }  # fmt: skip

    @property
    def prepared(self) -> bool:
        """Whether the statistics of the columns are known, of which prepared data are made."""
        return self._columns is not None

    def prepare(self) -> None:
        """Shift and scale columns that lose too many digits as they are."""
        columns = self.columns
        self.problem = self.with_care(columns)
        self.own_gaps = False

    def with_care(self, columns: Columns) -> Problem:
        """Return the data for the solver, with columns that have been shifted and scaled."""
        return careful(self.X, columns, self.y, self.sample_weight, centred=self.centred)

    @property
    def columns(self) -> Columns:
        """Statistics of the columns of X, computed at the first access."""
        if self._columns is None:
            self.X = canonical(self.X)
            if self._ahead is None:
                self._ahead = self._compiled_ahead()
            self._ahead.finish()
            self._columns = columns_of(self.X, self._weights, centred=self.centred)
        return self._columns

    def certificate(self, coef: np.ndarray, penalty: Penalty) -> Certificate:
        """Return the certificate of weights, in the precision in which they are returned."""
        return certify(
            self.columns, self.y, coef, *penalty, centred=self.centred, positive=self.positive,
            factors=self.factors,
        )  # fmt: skip

    def intercept(self, coef: np.ndarray, mean: np.ndarray) -> float:
        """Return the best intercept for weights.

        Parameters
        ----------
        coef : ndarray
            The weights that are returned.
        mean : ndarray
            Means of the columns that the solver has computed; they serve unless columns have been
            shifted or scaled.
        """
        if not self.centred:
            return 0.0
        coef = coef.astype(np.float64, copy=False)
        used = np.flatnonzero(coef)
        if not self.prepared:
            return float(self.problem.y_mean - mean[used] @ coef[used])
        products = self.columns.means()[used] * coef[used]
        with np.errstate(over="ignore", invalid="ignore"):
            whole = np.append(products, -self.problem.y_mean)
        most = np.finfo(np.float64).max
        return -math.fsum(whole) if np.all(np.abs(whole) < most / len(whole)) else 0.0

    @cached_property
    def _weights(self) -> np.ndarray:
        """Weights of the rows for the certificate."""
        return row_weights(self.sample_weight, self.X.shape[0])

    def _compiled_ahead(self) -> CompileTogether:
        return compiled_ahead(self.X, self._weights)


def canonical(X: Any) -> Any:
    """Return X, if sparse with sorted, unique indices; the user's matrix is not changed."""
    if sp.issparse(X) and not (X.has_sorted_indices and X.has_canonical_format):
        X = X.copy()
        X.sum_duplicates()
    return X
