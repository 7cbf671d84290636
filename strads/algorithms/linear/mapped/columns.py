"""Statistics of the columns of a file, and the columns that have been copied to memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from strads.algorithms.linear.certified.centring import Columns
from strads.algorithms.linear.certified.stored import stored
from strads.algorithms.linear.mapped.passes import ColumnPass, RowPass
from strads.datasets import MappedMatrix
from strads.engine import default_engine

#: Statistics of a file by rows are computed again if a shift misses the mean of its column by more
#: than this share of the norm.
MISSED = 0.7
#: So many rows give the first guess of the means of a file by rows.
GUESSING = 256


@dataclass
class Reading:
    """How a file is read, and how often it has been.

    Attributes
    ----------
    matrix : MappedMatrix
    workers : int
    room : int
        Bytes that each worker reads together.
    passes : int
        Passes over the whole file so far; every second one goes backwards.
    """

    matrix: MappedMatrix
    workers: int
    room: int
    passes: int = 0

    def run(self, phase: str, **given: Any) -> Any:
        """Make a pass; return the result of the run.

        Raises
        ------
        DataError
            If a file is not what it was.
        """
        self.matrix.check()
        kind = ColumnPass if self.matrix.by_columns else RowPass
        program = kind(
            matrix=self.matrix, room=self.room, phase=phase, backwards=self.passes % 2 == 1,
            **given,
        )  # fmt: skip
        self.passes += 1
        found = default_engine().run(program, workers=self.workers, epochs=1, align=False)
        self.matrix.check()  # a file that was written to during the pass
        return found


@dataclass(frozen=True)
class FileColumns(Columns):
    """Statistics of the columns of a file; see :class:`Columns`.

    Attributes
    ----------
    reading : Reading
    ids : ndarray of int64
        Columns of which there are copies in memory, in ascending order.
    held : Columns
        The copies.
    noted : dict
        ``"slopes"``: sizes of the last products, divided by their limits. ``"vectors"`` and
        ``"products"``: vectors whose products are known, and these.
    """

    refined: ClassVar[bool] = False

    reading: Reading
    ids: np.ndarray
    held: Columns
    noted: dict[str, np.ndarray] = field(default_factory=dict)

    def local(self, ids: np.ndarray) -> tuple[Columns, np.ndarray]:
        """Return the copies, and where columns are among them."""
        return self.held, np.searchsorted(self.ids, ids)

    def products(self, weighted: np.ndarray) -> np.ndarray:
        """Return the products of all shifted columns with a vector: a pass over the file."""
        for k, known in enumerate(self.noted.get("vectors", ())):
            if np.array_equal(known, weighted):
                return np.ascontiguousarray(self.noted["products"][:, k])
        return self.products_of(weighted[None])[:, 0]

    def products_of(self, vectors: np.ndarray) -> np.ndarray:
        """Return the products of all shifted columns with several vectors, in one pass.

        Parameters
        ----------
        vectors : ndarray of shape (several, n_samples)

        Returns
        -------
        ndarray of shape (n_features, several)
        """
        given: dict[str, Any] = {"weight": self.weight, "weighted": vectors}
        result = self.reading.run("products", reference=self.reference, **given)
        name = "score" if self.reading.matrix.by_columns else "found_score"
        found: np.ndarray = result.state[name]
        return found

    def asking(self) -> Asking:
        """Return the same statistics, without products; see :class:`Asking`."""
        return Asking(**{each.name: getattr(self, each.name) for each in fields(self)})

    def seen(self, slopes: np.ndarray) -> None:
        """Keep what the next working set is chosen by."""
        self.noted["slopes"] = slopes

    def summands(self, n: int) -> float:
        """Return how many terms are added in a row: all rows, of a file by rows."""
        return super().summands(n) if self.reading.matrix.by_columns else n + 16.0

    def with_copies(self, ids: np.ndarray, X: Any) -> FileColumns:
        """Return the same statistics with other copies in memory.

        Parameters
        ----------
        ids : ndarray of int64, in ascending order
        X : csc_array or ndarray in Fortran order
            These columns.
        """
        held = Columns(
            stored(X), self.weight, self.exponent[ids], self.reference[ids], self.rest[ids],
            self.norm[ids],
        )  # fmt: skip
        return FileColumns(
            self.matrix, self.weight, self.exponent, self.reference, self.rest, self.norm,
            self.reading, ids, held, self.noted,
        )  # fmt: skip


class Asked(Exception):
    """Holds the vector with which :class:`Asking` was to be multiplied."""

    def __init__(self, weighted: np.ndarray) -> None:
        self.weighted = weighted


class Asking(FileColumns):
    """Statistics that have no products: whoever needs them is interrupted by :class:`Asked`."""

    def products(self, weighted: np.ndarray) -> np.ndarray:
        """Raise :class:`Asked`."""
        raise Asked(weighted)


def statistics(
    reading: Reading, weight: np.ndarray, residual: np.ndarray, *, centred: bool
) -> tuple[FileColumns, np.ndarray]:
    """Compute the statistics of all columns, and their products with a first residual.

    Parameters
    ----------
    reading : Reading
    weight : ndarray of shape (n_samples,)
        Weights of the rows.
    residual : ndarray of shape (n_samples,)
    centred : bool
        Whether columns are shifted.

    Returns
    -------
    columns : FileColumns
        Without copies of columns but the first one.
    score : ndarray of shape (n_features,)

    Raises
    ------
    ValueError
        If X has NaN or infinite entries, or entries whose squares leave the range of numbers.
    """
    matrix, total = reading.matrix, math.fsum(weight)
    given: dict[str, Any] = {"weight": weight, "weighted": (weight * residual)[None]}
    if matrix.by_columns:
        state = reading.run("statistics", centred=int(centred), total=total, **given).state
        reference, rest, norm = (state[name] for name in ("reference", "rest", "norm"))
    else:
        state, reference = _by_rows(reading, given, total, centred)
        squares = state["found_squares"]
        norm = np.where(squares < 0.0, -1.0, np.sqrt(np.maximum(squares, 0.0)))
        rest = state["found_sums"] / total if centred else np.zeros(matrix.shape[1])
    _demand_finite(norm)
    first = np.zeros(1, np.int64)
    X = matrix.columns(first)
    p = matrix.shape[1]
    found = FileColumns(
        stored(X), weight, np.zeros(p, np.int64), reference, rest, norm, reading, first,
        Columns(stored(X), weight, np.zeros(1, np.int64), reference[:1], rest[:1], norm[:1]),
    )  # fmt: skip
    return found, state["score" if matrix.by_columns else "found_score"][:, 0]


def _by_rows(
    reading: Reading, given: dict[str, Any], total: float, centred: bool
) -> tuple[Any, np.ndarray]:
    """Return the sums of a file by rows, and the numbers by which its columns are shifted."""
    matrix = reading.matrix
    reference = np.zeros(matrix.shape[1])
    if centred and not matrix.sparse:
        some = np.unique(np.linspace(0, matrix.shape[0] - 1, GUESSING).astype(np.int64))
        with np.errstate(over="ignore", invalid="ignore"):
            reference = np.asarray(matrix.rows(some), np.float64).mean(axis=0)
        reference = np.where(np.isfinite(reference), reference, 0.0)
    state = reading.run("statistics", reference=reference, **given).state
    if centred and not matrix.sparse:
        with np.errstate(over="ignore", invalid="ignore"):
            missed = state["found_sums"] / total
            far = missed * missed * total > MISSED**2 * state["found_squares"]
        if np.any(far & (state["found_squares"] > 0.0)):
            reference = reference + missed
            state = reading.run("statistics", reference=reference, **given).state
    return state, reference


def _demand_finite(norm: np.ndarray) -> None:
    if np.any(norm < 0.0):
        column = int(np.argmax(norm < 0.0))
        raise ValueError(f"Input X contains NaN or infinity, first in column {column}; impute them")
    sizes = norm[norm > 0.0]
    if len(sizes) and not 1e-100 < sizes.min() <= sizes.max() < 1e100:
        raise ValueError(
            f"the norms of columns of X lie between {sizes.min():.1e} and {sizes.max():.1e}; scale "
            "the features to ordinary sizes"
        )


def nbytes_of(X: Any) -> int:
    """Return the size of a matrix in memory."""
    if sp.issparse(X):
        return int(X.data.nbytes + X.indices.nbytes + X.indptr.nbytes)
    return int(X.nbytes)
