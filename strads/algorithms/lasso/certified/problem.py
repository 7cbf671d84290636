"""From the data of a Lasso to the problem that its program solves, and back.

Ordinary data go as they are: rows weighed, y centred, columns centred implicitly by the program.
Two things are beyond implicit centring and squares in floating point: columns whose mean is far
above their standard deviation, and numbers near the ends of the range. The program notices both in
its first pass (`UNPREPARED`); the data are then copied, once, in double precision, with

* columns shifted by a number near their mean, which a model with an intercept does not notice; a
  sparse column that needs it has hardly any zeros and is stored whole;
* one power of two taken out of all columns and one out of y, which is exact. Columns so small
  beside the largest that the program could not hold both are left to the certificate: in sensible
  problems the penalty keeps them at zero, and where it does not, the certificate says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.common.threads import in_threads
from strads.algorithms.lasso.certified.centring import (
    Columns,
    centred_twice,
    moderate,
    moderate_weights,
    scaled,
    shifted_entries,
)
from strads.algorithms.lasso.solver.full_pass import LARGEST, SMALLEST
from strads.engine import kernel

#: Exponents of y (and of weights) that need no care.
MODERATE = 100
#: y whose mean is so many times its deviation is centred twice.
FAR_TARGET = 1e3
#: Where the norm of the largest column goes if the columns need a common exponent.
TOP = 40


@dataclass(frozen=True)
class Problem:
    """What the program is given, and how to read its answer.

    Attributes
    ----------
    X, y, unit : matrix and ndarrays
        Rows times √weight, y centred; `unit` is √weight.
    alpha : float
    x_exponent, y_exponent : int
        Powers of two taken out of X and y.
    y_mean : float
        Of y as it was given.
    exact : bool
        The program's X and y are the user's: what it says of its weights holds for them.
    """

    X: Any
    y: np.ndarray
    unit: np.ndarray
    alpha: float
    x_exponent: int
    y_exponent: int
    y_mean: float
    exact: bool

    def weights(self, w: np.ndarray, dtype: Any) -> np.ndarray:
        """Weights for the data as they were given, within the range of their type."""
        most = np.finfo(dtype).max
        with np.errstate(over="ignore", under="ignore"):
            back = np.ldexp(w, self.y_exponent - self.x_exponent)
            found: np.ndarray = np.clip(back, -most, most).astype(dtype, copy=False)
        return found

    def figures(self, found: dict[str, float]) -> dict[str, float]:
        """Figures of the program, the objective in the units of y as it was given."""
        if self.y_exponent == 0:
            return found
        with np.errstate(over="ignore", under="ignore"):
            objective = float(np.ldexp(found["objective"], 2 * self.y_exponent))
        return {**found, "objective": objective}

    def start(self, coef: np.ndarray | None) -> np.ndarray | None:
        """Where the program starts: weights that were found before, or None."""
        if coef is None:
            return None
        with np.errstate(over="ignore", under="ignore"):
            w = np.ldexp(np.asarray(coef, np.float64), self.x_exponent - self.y_exponent)
        return np.where(np.abs(w) < 2.0**500, w, 0.0)


def row_weights(sample_weight: np.ndarray | None, n: int) -> np.ndarray:
    """Weights of the rows for the certificate."""
    return np.ones(n) if sample_weight is None else moderate_weights(sample_weight)


def plain(X: Any, y: np.ndarray, sample_weight: Any, alpha: float, *, centred: bool) -> Problem:
    """Return the problem for ordinary data; X is not copied unless the rows are weighed."""
    n = X.shape[0]
    unit = np.ones(n)
    if sample_weight is not None:
        unit = _unit(sample_weight)
        X = _rows_scaled(X, unit)
    y, y_mean, exponent = _target(y, unit, centred)
    exact = sample_weight is None and X.dtype == np.float64
    return Problem(X, unit * y, unit, _times(alpha, -exponent), 0, exponent, y_mean, exact)


def careful(
    X: Any, columns: Columns, y: np.ndarray, sample_weight: Any, alpha: float, *, centred: bool
) -> Problem:
    """Return the problem for columns that need shifts or exponents."""
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
    X = _copied(X, columns, kept, x_exponent, unit)
    alpha = _times(alpha, -x_exponent - y_exponent)
    return Problem(X, unit * y, unit, alpha, x_exponent, y_exponent, y_mean, False)


def _target(y: np.ndarray, unit: np.ndarray, centred: bool) -> tuple[np.ndarray, float, int]:
    """Return y centred and without its exponent, its mean, and the exponent."""
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
    """Square roots of the weights, scaled so that their squares sum to the number of samples."""
    if abs(int(np.frexp(sample_weight.max())[1])) > MODERATE:
        sample_weight = moderate_weights(sample_weight)
    unit: np.ndarray = np.sqrt(sample_weight * (len(sample_weight) / sample_weight.sum()))
    return unit


def _times(alpha: float, exponent: int) -> float:
    """Return α · 2^exponent, positive and finite: 0 stands for a penalty without any effect."""
    with np.errstate(over="ignore", under="ignore"):
        return float(np.clip(np.ldexp(alpha, exponent), 1e-300, 1e300))


def _rows_scaled(X: Any, unit: np.ndarray) -> Any:
    """Multiply row i by ``unit[i]``, keeping layout and precision."""
    with np.errstate(over="ignore", under="ignore"):  # the program's first pass looks at sizes
        if not sp.issparse(X):
            return np.asfortranarray(X * unit[:, None].astype(X.dtype))
        X = X.copy()
        X.data *= unit[X.indices].astype(X.dtype)
    return X


def _copied(X: Any, columns: Columns, kept: np.ndarray, exponent: int, unit: np.ndarray) -> Any:
    """Return the shifted columns without the common exponent, rows times `unit`."""
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
             exponent, unit, starts, int(sp.issparse(X)), indices, data)
            for cut in columns.ranges()
        ],
    )  # fmt: skip
    if not sp.issparse(X):
        return data.reshape((n, p), order="F")
    return sp.csc_array((data, indices, starts.astype(index)), shape=(n, p))


@kernel
def copy_columns(
    matrix, first, last, weight, exponents, reference, kept, exponent, unit, starts, sparse,
    indices, data,
):  # fmt: skip
    """Write a range of columns."""
    rows, values = np.empty(len(weight), np.int64), np.empty(len(weight))
    for j in range(first, last):
        if not kept[j]:
            continue
        count = shifted_entries(matrix, j, exponents[j], reference[j], weight, rows, values)
        for k in range(count):
            at = starts[j] + k
            data[at] = scaled(values[k], exponent - exponents[j]) * unit[rows[k]]
            if sparse:
                indices[at] = rows[k]
