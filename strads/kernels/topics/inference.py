"""Infer the topics of a document that was not fitted, while the topics φ stay fixed.

The tokens of word w are shared out among the topics k in proportion to (n_k^{¬w} + α_k) φ_wk, where
n_k^{¬w} is the document's expected count of topic k without the tokens of word w. This is the
zero-order collapsed variational update (CVB0: Asuncion, Welling, Smyth and Teh, UAI 2009).
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, add, load, madd, mul, splat, store, total

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def infer_document(
    indices: np.ndarray, counts: np.ndarray, lo: int, hi: int, phi: np.ndarray, alpha: np.ndarray,
    expected: np.ndarray, d: int, shares: np.ndarray, steps: int, tol: float,
) -> int:  # fmt: skip
    """Find the expected topic counts of one document.

    Parameters
    ----------
    indices, counts : ndarray
        The words of the document, and the number of tokens of each, at positions lo…hi−1.
    lo, hi : int
    phi : ndarray of float32, shape (words, padded topics)
        Zero behind the last topic.
    alpha : ndarray of float32, shape (1, padded topics)
    expected : ndarray of float32, shape (documents, padded topics)
        Row `d` is written in place: the expected counts n_k, whose sum is the number of tokens.
    d : int
    shares : ndarray of float32, shape (≥ hi − lo, padded topics)
        Work space: how many tokens of each word belong to each topic.
    steps : int
        Largest number of passes over the words.
    tol : float
        Stop after a pass in which the Euclidean lengths of all words' changes add up to at most
        `tol` times the number of tokens.

    Returns
    -------
    int
        Number of passes made.
    """
    vectors = range(0, phi.shape[1], LANES)
    tokens = np.float32(0.0)
    for first in vectors:
        store(expected, d, first, splat(alpha, 0.0))
    for e in range(lo, hi):
        tokens += counts[e]
        for first in vectors:
            store(shares, e - lo, first, splat(alpha, 0.0))
    for step in range(steps):
        moved = np.float32(0.0)
        for e in range(lo, hi):
            moved += _share_out(
                indices[e], np.float32(counts[e]), e - lo, phi, alpha, expected, d, shares
            )
        if moved <= tol * tokens:
            return step + 1
    return steps


@kernel
def _share_out(
    w: int, count: float, row: int, phi: np.ndarray, alpha: np.ndarray, expected: np.ndarray,
    d: int, shares: np.ndarray,
) -> float:  # fmt: skip
    """Share the tokens of word `w` out anew; return the Euclidean length of the change."""
    less = splat(alpha, -1.0)
    mass = splat(alpha, 0.0)
    for first in range(0, phi.shape[1], LANES):
        others = madd(less, load(shares, row, first), load(expected, d, first))
        weight = mul(add(others, load(alpha, 0, first)), load(phi, w, first))
        mass = add(mass, weight)
    whole = total(mass)
    if not whole > 0.0:
        return np.float32(0.0)
    scale = splat(alpha, count / whole)
    squares = splat(alpha, 0.0)
    for first in range(0, phi.shape[1], LANES):
        old = load(shares, row, first)
        others = madd(less, old, load(expected, d, first))
        new = mul(mul(add(others, load(alpha, 0, first)), load(phi, w, first)), scale)
        change = madd(less, old, new)
        squares = madd(change, change, squares)
        store(shares, row, first, new)
        store(expected, d, first, add(others, new))
    return np.sqrt(total(squares))
