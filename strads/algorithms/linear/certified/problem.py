"""The problem that the solver is given, made from the user's data, and the way back to weights.

Ordinary data need little: y is centred, and the program multiplies rows by √sample_weight and
centres the columns implicitly. Two kinds of data are beyond implicit centring and squares in
floating point: columns whose mean is far above their standard deviation, and numbers near the ends
of the floating-point range. The program detects both in its first pass (`UNPREPARED`). The data are
then copied once, in double precision:

* A column with a far mean is shifted by a number near its mean, which the intercept of the model
  absorbs. Such a sparse column has hardly any zeros and is stored dense.
* All columns are divided by one power of two and y by another, which is exact. A column may be so
  small beside the largest that the program cannot represent both; it is left out. In sensible
  problems the penalty keeps its weight at zero; if not, the certificate, which checks all columns,
  shows a large gap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.common.threads import in_threads
from strads.algorithms.linear.certified.centring import (
    Columns,
    centred_twice,
    moderate,
    moderate_weights,
    scaled,
    shifted_entries,
)
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solver.full_pass import LARGEST, SMALLEST
from strads.engine import kernel

#: Exponents of y (and of sample weights) up to this size need no scaling.
MODERATE = 100
#: y is centred twice if its mean is more than this many times its standard deviation.
FAR_TARGET = 1e3
#: Exponent of the norm of the largest column after scaling, if the columns need scaling.
TOP = 40


@dataclass(frozen=True)
class Problem:
    """Data of the program, and the conversion of its weights to those of the user's data.

    Attributes
    ----------
    X, y, unit : matrix and ndarrays
        X; y centred, times √weight; √weight itself, by which the program multiplies rows of X.
    x_exponent, y_exponent : int
        X and y were divided by 2 to these powers.
    y_mean : float
        Mean of y as it was given.
    exact : bool
        Whether the program's X is the user's, unrounded: its certificate then holds for the user's
        data.
    """

    X: Any
    y: np.ndarray
    unit: np.ndarray
    x_exponent: int
    y_exponent: int
    y_mean: float
    exact: bool

    def penalty(self, given: Penalty) -> Penalty:
        """Return the penalty for the scaled X and y.

        It is clipped to be positive and finite: the program divides by ``alpha``.
        """
        beta = _times(given.beta, -2 * self.x_exponent) if given.beta > 0.0 else 0.0
        return Penalty(_times(given.alpha, -self.x_exponent - self.y_exponent), beta)

    def weights(self, w: np.ndarray, dtype: Any) -> np.ndarray:
        """Return the weights for the user's data, clipped to the range of `dtype`."""
        most = np.finfo(dtype).max
        with np.errstate(over="ignore", under="ignore"):
            back = np.ldexp(w, self.y_exponent - self.x_exponent)
            found: np.ndarray = np.clip(back, -most, most).astype(dtype, copy=False)
        return found

    def figures(self, found: dict[str, float]) -> dict[str, float]:
        """Return the program's figures with the objective in the units of the user's y."""
        if self.y_exponent == 0:
            return found
        with np.errstate(over="ignore", under="ignore"):
            objective = float(np.ldexp(found["objective"], 2 * self.y_exponent))
        return {**found, "objective": objective}

    def start(self, coef: np.ndarray | None) -> np.ndarray | None:
        """Return the program's starting weights for weights of the user's data; None stays None."""
        if coef is None:
            return None
        with np.errstate(over="ignore", under="ignore"):
            w = np.ldexp(np.asarray(coef, np.float64), self.x_exponent - self.y_exponent)
        return np.where(np.abs(w) < 2.0**500, w, 0.0)


def row_weights(sample_weight: np.ndarray | None, n: int) -> np.ndarray:
    """Return the weights of the rows for the certificate."""
    return np.ones(n) if sample_weight is None else moderate_weights(sample_weight)


def plain(X: Any, y: np.ndarray, sample_weight: Any, *, centred: bool) -> Problem:
    """Return the problem for ordinary data; X is not copied."""
    n = X.shape[0]
    unit = np.ones(n) if sample_weight is None else _unit(sample_weight)
    y, y_mean, exponent = _target(y, unit, centred)
    exact = sample_weight is None and X.dtype == np.float64
    return Problem(X, unit * y, unit, 0, exponent, y_mean, exact)


def careful(
    X: Any, columns: Columns, y: np.ndarray, sample_weight: Any, *, centred: bool
) -> Problem:
    """Return the problem for data whose columns must be shifted or scaled."""
    n = X.shape[0]
    unit = np.ones(n) if sample_weight is None else _unit(sample_weight)
    y, y_mean, y_exponent = _target(y, unit, centred)
    with np.errstate(divide="ignore"):
        sizes = np.log2(columns.norm) + columns.exponent
    sizes += 0.5 * math.log2(n / math.fsum(columns.weight))
    used = sizes[np.isfinite(sizes)]
    low, high = 0.5 * math.log2(SMALLEST) + 2.0, 0.5 * math.log2(LARGEST) - 2.0
    x_exponent = 0
    if len(used) and (used.max() > high or used.min() < low):
        x_exponent = math.ceil(float(used.max())) - TOP
    kept = sizes - x_exponent >= low
    X = _copied(X, columns, kept, x_exponent)
    return Problem(X, unit * y, unit, x_exponent, y_exponent, y_mean, False)


def _target(y: np.ndarray, unit: np.ndarray, centred: bool) -> tuple[np.ndarray, float, int]:
    """Return y, centred and divided by 2^exponent; the mean of the given y; and the exponent."""
    weight = unit**2
    y = np.where(weight > 0.0, y, y[np.argmax(weight)])
    power = int(np.frexp(np.abs(y).max())[1])
    exponent = power if abs(power) > MODERATE else 0
    y = np.ldexp(y, -exponent)
    mean = 0.0
    if centred:
        mean = float(np.average(y, weights=weight))
        left = y - mean
        if abs(mean) > FAR_TARGET * float(np.sqrt(np.average(left**2, weights=weight))):
            left, mean, rest = centred_twice(y, weight)
            mean += rest
            left, more = moderate(left) if np.abs(left).max() < 2.0**-MODERATE else (left, 0)
            return left, math.ldexp(mean, exponent), exponent + more
        y = left
    return y, math.ldexp(mean, exponent), exponent


def _unit(sample_weight: np.ndarray) -> np.ndarray:
    """Return the roots of the weights, scaled so that the sum of their squares is n_samples."""
    if abs(int(np.frexp(sample_weight.max())[1])) > MODERATE:
        sample_weight = moderate_weights(sample_weight)
    unit: np.ndarray = np.sqrt(sample_weight * (len(sample_weight) / sample_weight.sum()))
    return unit


def _times(alpha: float, exponent: int) -> float:
    """Return α · 2^exponent, clipped to be positive and finite."""
    with np.errstate(over="ignore", under="ignore"):
        return float(np.clip(np.ldexp(alpha, exponent), 1e-300, 1e300))


def _copied(X: Any, columns: Columns, kept: np.ndarray, exponent: int) -> Any:
    """Return the shifted columns, divided by 2^exponent."""
    n, p = X.shape
    shifted = columns.reference != 0.0
    if sp.issparse(X):
        lengths = np.where(shifted, n, np.diff(X.indptr)) * kept
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    else:
        starts = n * np.arange(p + 1, dtype=np.int64)
    index = np.int32 if max(int(starts[-1]), n) < 2**31 else np.int64
    indices = np.zeros(starts[-1] if sp.issparse(X) else 1, index)
    data = np.zeros(starts[-1])
    in_threads(
        copy_columns,
        [
            (columns.matrix, *cut, columns.weight, columns.exponent, columns.reference, kept,
             exponent, starts, int(sp.issparse(X)), indices, data)
            for cut in columns.ranges()
        ],
    )  # fmt: skip
    if not sp.issparse(X):
        return data.reshape((n, p), order="F")
    return sp.csc_array((data, indices, starts.astype(index)), shape=(n, p))


@kernel
def copy_columns(
    matrix, first, last, weight, exponents, reference, kept, exponent, starts, sparse, indices,
    data,
):  # fmt: skip
    """Write a range of shifted and scaled columns."""
    rows, values = np.empty(len(weight), np.int64), np.empty(len(weight))
    for j in range(first, last):
        if not kept[j]:
            continue
        count = shifted_entries(matrix, j, exponents[j], reference[j], weight, rows, values)
        for k in range(count):
            at = starts[j] + k
            data[at] = scaled(values[k], exponent - exponents[j])
            if sparse:
                indices[at] = rows[k]
