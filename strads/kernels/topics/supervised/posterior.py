"""A draw of a label's weights from their normal posterior, given all topics."""

from __future__ import annotations

import math

import numba
import numpy as np

from strads.kernels.topics.supervised.normals import normal

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def begin_posterior(precision: np.ndarray, linear: np.ndarray) -> None:
    """Set precision and linear term to those of the prior, the standard normal density."""
    for i in range(len(linear)):
        linear[i] = 0.0
        for j in range(len(linear)):
            precision[i, j] = 0.0
        precision[i, i] = 1.0


@kernel
def add_document(
    counts: np.ndarray, d: int, curvature: float, slope: float, precision: np.ndarray,
    linear: np.ndarray, listed: np.ndarray,
) -> None:  # fmt: skip
    """Add the term of one document to the lower half of the precision, and to the linear term.

    Parameters
    ----------
    counts : ndarray of shape (documents, padded topics)
        n_d is row `d`.
    d : int
    curvature, slope : float
        The log-density gets −½ curvature (ηᵀn_d)² + slope ηᵀn_d.
    precision : ndarray of shape (topics, topics)
    linear : ndarray of shape (topics,)
    listed : ndarray of int64, shape (topics,)
        Work space: the topics of the document.
    """
    found = 0
    for k in range(len(linear)):
        if counts[d, k] > 0:
            listed[found] = k
            found += 1
    for i in range(found):
        k = listed[i]
        n = np.float64(counts[d, k])
        linear[k] += slope * n
        for j in range(i + 1):
            precision[k, listed[j]] += curvature * n * counts[d, listed[j]]


@kernel
def draw_weights(
    precision: np.ndarray, linear: np.ndarray, coef: np.ndarray, y: int, key: int
) -> None:  # fmt: skip
    """Draw row `y` of `coef` from N(P⁻¹v, P⁻¹), with the precision P and the linear term v.

    Both are overwritten: P = LLᵀ by Cholesky's method, Lu = v, then Lᵀη = u + ε with standard
    normal ε. Of P only the lower half is read.
    """
    n = len(linear)
    for j in range(n):
        for i in range(j, n):
            rest = precision[i, j]
            for k in range(j):
                rest -= precision[i, k] * precision[j, k]
            precision[i, j] = math.sqrt(rest) if i == j else rest / precision[j, j]
    for i in range(n):
        for k in range(i):
            linear[i] -= precision[i, k] * linear[k]
        linear[i] /= precision[i, i]
    for i in range(n - 1, -1, -1):
        linear[i] += normal(key, y * n + i)
        for k in range(i + 1, n):
            linear[i] -= precision[k, i] * linear[k]
        linear[i] /= precision[i, i]
        coef[y, i] = linear[i]
