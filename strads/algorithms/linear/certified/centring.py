"""Columns centred and scaled so that nothing cancels, overflows or vanishes.

The textbook formula ‖x‖² − n·x̄² loses all digits of a column whose mean is far above its standard
deviation, and squares of numbers above 1e154 overflow. Here every entry is replaced by

    d_i = x_i · 2^−exponent − reference,

where the exponent brings the largest entry of the column to between ½ and 1 (exactly, since the
factor is a power of two), and the reference is a number near the mean. A model with an intercept
allows this shift, since the intercept absorbs it; without an intercept the reference is 0. The
subtraction comes before any product: it is exact for x_i within a factor of two of the reference
(Sterbenz 1974), and else has a relative error of 2⁻⁵³.

The reference is also 0 for columns whose mean is not much above their standard deviation, so that
sparse columns stay sparse. In a column whose mean is `FAR` times its standard deviation, at most a
share of 1/(1 + FAR²) of the entries is zero, so a loop over all its rows costs little more.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from strads.algorithms.common.threads import in_threads
from strads.algorithms.linear.certified.stored import Stored, fetch_column, stored
from strads.engine import available_cores, kernel

#: A column is shifted if its mean is at least this many times its standard deviation.
FAR = 8.0
#: One thread is used for every so many entries.
ENTRIES_PER_THREAD = 200_000
#: Long sums are taken in chunks of this many summands, so that rounding errors grow with
#: n / CHUNK + CHUNK and not with n (Higham 2002, section 4.2).
CHUNK = 256


@dataclass(frozen=True)
class Columns:
    """Statistics of the columns of a matrix: arrays with one number a column.

    Attributes
    ----------
    matrix : Stored
        Arrays of the matrix as given.
    weight : ndarray
        Weights of the rows.
    exponent, reference : ndarray
        Scale and shift of the columns; see the module's docstring.
    rest : ndarray
        Weighted mean of the shifted column.
    norm : ndarray
        Weighted norm of the shifted column: √Σ weight·d².
    """

    matrix: Stored
    weight: np.ndarray
    exponent: np.ndarray
    reference: np.ndarray
    rest: np.ndarray
    norm: np.ndarray

    #: Whether products of single columns can be computed again, in twice the precision.
    refined: ClassVar[bool] = True

    @property
    def count(self) -> int:
        """Number of columns."""
        return len(self.exponent)

    def local(self, ids: np.ndarray) -> tuple[Columns, np.ndarray]:
        """Return columns in memory, and the ids there of some columns; see `FileColumns`."""
        return self, ids

    def products(self, weighted: np.ndarray) -> np.ndarray | None:
        """Return the products of all shifted columns with a vector, if that needs another way."""
        return None

    def seen(self, slopes: np.ndarray) -> None:
        """Take note of the sizes of all products, divided by their limits."""

    def summands(self, n: int) -> float:
        """Return to how many additions in a row the error of a product corresponds."""
        return CHUNK + n / CHUNK + 16.0

    def ranges(self) -> list[tuple[int, int]]:
        """Return ranges of columns for the threads, with about equally many entries each."""
        ends = self.matrix.indptr
        entries = int(ends[-1]) + self.count
        threads = max(1, min(available_cores(), entries // ENTRIES_PER_THREAD))
        cuts = np.searchsorted(ends, np.linspace(0, int(ends[-1]), threads + 1)[1:-1])
        bounds = [0, *(int(cut) for cut in cuts), self.count]
        return list(itertools.pairwise(bounds))

    def means(self) -> np.ndarray:
        """Return the means of the columns as they were given (not scaled, not shifted)."""
        with np.errstate(over="ignore", under="ignore"):
            means: np.ndarray = np.ldexp(self.reference + self.rest, self.exponent)
        return means


def columns_of(X: Any, weight: np.ndarray, *, centred: bool) -> Columns:
    """Compute the statistics of every column of X.

    Parameters
    ----------
    X : csc matrix with sorted, unique indices, or ndarray in Fortran order
    weight : ndarray
        Weights of the rows, neither tiny nor huge; see :func:`moderate_weights`.
    centred : bool
        Whether columns may be shifted.

    Returns
    -------
    Columns
    """
    p = X.shape[1]
    found = Columns(stored(X), weight, np.zeros(p, np.int64), np.zeros(p), np.zeros(p), np.zeros(p))
    arrays = (found.exponent, found.reference, found.rest, found.norm)
    counted, total = int(np.count_nonzero(weight)), math.fsum(weight)
    in_threads(
        fill_statistics,
        [
            (found.matrix, *cut, weight, counted, total, int(centred), *arrays)
            for cut in found.ranges()
        ],
    )
    return found


def moderate_weights(sample_weight: np.ndarray) -> np.ndarray:
    """Multiply weights by the power of two that brings the largest to between ½ and 1."""
    exponent = int(np.frexp(sample_weight.max())[1])
    scaled: np.ndarray = np.ldexp(sample_weight, -exponent)
    return scaled


def moderate(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Return values · 2^−exponent, the largest between ½ and 1 in size, and the exponent."""
    exponent = int(np.frexp(np.abs(values).max(initial=0.0))[1])
    return np.ldexp(values, -exponent), exponent


def centred_twice(values: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Subtract the mean, then the mean of the result; return the result and both means.

    If the values in all rows of positive weight are equal, the result is exactly zero there.
    """
    counted = values[weight > 0.0]
    low, high = float(counted.min()), float(counted.max())
    mean = min(max(float(np.average(values, weights=weight)), low), high)
    left = values - mean
    if low == high:
        return np.where(weight > 0.0, 0.0, left), mean, 0.0
    rest = float(np.average(left, weights=weight))
    return left - rest, mean, rest


@kernel
def scaled(value, exponent):
    """Return value · 2^−exponent, in two steps: 2^−exponent alone may be out of range."""
    half = exponent // 2
    return value * math.ldexp(1.0, int(-half)) * math.ldexp(1.0, int(half - exponent))


@kernel
def scale_entries(rows, values, count, exponent, weight):
    """Multiply entries by 2^−exponent; entries in rows of weight 0 become 0."""
    half = exponent // 2
    first, second = math.ldexp(1.0, int(-half)), math.ldexp(1.0, int(half - exponent))
    for k in range(count):
        values[k] = values[k] * first * second if weight[rows[k]] > 0.0 else 0.0


@kernel
def shifted_entries(matrix, j, exponent, reference, weight, rows, values):
    """Fetch the entries d of a column (all rows if the reference is not 0); return their count."""
    count = fetch_column(matrix, j, rows, values)
    scale_entries(rows, values, count, exponent, weight)
    return shift_entries(rows, values, count, reference, len(weight))


@kernel
def shift_entries(rows, values, count, reference, n):
    """Subtract a reference from all `n` rows of a column, those without an entry included."""
    if reference == 0.0:
        return count
    if count < n:  # from the end, so that nothing is overwritten before it is read
        at = count - 1
        for i in range(n - 1, -1, -1):
            if at >= 0 and rows[at] == i:
                value = values[at]
                at -= 1
            else:
                value = 0.0
            rows[i], values[i] = i, value
    for i in range(n):
        values[i] -= reference
    return n


@kernel
def bounds_of(rows, values, count, weight, counted):
    """Return the smallest and largest entry of a column in the `counted` rows of weight > 0."""
    low, high, seen = np.inf, -np.inf, 0
    for k in range(count):
        if weight[rows[k]] > 0.0:
            low, high = min(low, values[k]), max(high, values[k])
            seen += 1
    if seen < counted:
        low, high = min(low, 0.0), max(high, 0.0)
    return low, high


@kernel
def mean_and_deviation(rows, values, count, weight, total):
    """Return the weighted mean and sum of squared deviations, rows without an entry included."""
    mean, held = 0.0, 0.0
    for k in range(count):
        mean += weight[rows[k]] * values[k]
        held += weight[rows[k]]
    mean /= total
    squares = max(total - held, 0.0) * mean * mean if count < len(weight) else 0.0
    for k in range(count):
        away = values[k] - mean
        squares += weight[rows[k]] * away * away
    return mean, squares


@kernel
def fill_statistics(
    matrix, first, last, weight, counted, total, centred, exponent, reference, rest, norm
):
    """Compute the statistics of a range of columns."""
    n = len(weight)
    rows, values = np.empty(n, np.int64), np.empty(n)
    for j in range(first, last):
        count = fetch_column(matrix, j, rows, values)
        low, high = bounds_of(rows, values, count, weight, counted)
        e = math.frexp(max(abs(low), abs(high)))[1]
        exponent[j], reference[j] = e, 0.0
        if centred:
            scale_entries(rows, values, count, e, weight)
            mean, squares = mean_and_deviation(rows, values, count, weight, total)
            if low == high:
                reference[j] = scaled(low, e)
            elif mean * mean * total >= FAR * FAR * squares:
                reference[j] = mean
        count = shifted_entries(matrix, j, e, reference[j], weight, rows, values)
        mean, squares = 0.0, 0.0
        for k in range(count):
            mean += weight[rows[k]] * values[k]
            squares += weight[rows[k]] * values[k] * values[k]
        rest[j] = mean / total if centred else 0.0
        norm[j] = np.sqrt(squares)
