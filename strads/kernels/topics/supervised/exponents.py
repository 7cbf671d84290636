"""The logarithms of the factors by which labels multiply the weights of a document's topics.

For label y of document d let t = ±1 say whether the document has the label, and let η_y be the
label's weights, n_d the topic counts of the document, and N its length. The loss of the label is
C · max(0, ℓ − t η_yᵀn_d / N). Polson and Scott (Bayesian Analysis 2011) write exp(−loss) as a
mixture of normal densities: with c = C / 2 and an auxiliary variable A > 0,

    exp(−C max(0, ζ)) ∝ E_A[exp(−cζ − ½Aζ²)],    A | ζ ~ InverseGaussian(mean c / |ζ|, shape c²).

Given A, the logarithm of the factor of topic k, for a token that the document lacks so far, is

    Σ_y η_yk (t (Aℓ + c) / N − A / N² · η_yᵀn_d) − ½ A / N² · η_yk²

(Zhu, Chen, Perkins and Zhang, JMLR 2014). It changes by −A / N² · η_yj η_yk when a token of topic j
enters the document.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from strads.kernels.lanes import LANES, load, madd, splat, store

kernel = numba.njit(nogil=True, error_model="numpy")

#: A factor is at least exp(−DEEPEST) times the largest one of its document, so that no topic is
#: out of reach and no product of weights is zero.
DEEPEST = 40.0


class Exponents(NamedTuple):
    """The logarithms of all factors, and how they change with a token.

    Attributes
    ----------
    values : ndarray of float32, shape (documents, padded topics)
        Of the factors, given all tokens of the document.
    pulls : ndarray of float32, shape (documents, labels)
        A / N² of each document and label.
    coef : ndarray of float32, shape (labels, padded topics)
        η.
    """

    values: np.ndarray
    pulls: np.ndarray
    coef: np.ndarray


@kernel
def move_token(exponents: Exponents, d: int, j: int, by: int) -> None:
    """Change the exponents of document `d`: a token of topic `j` enters (1) or leaves (−1) it."""
    values, coef = exponents.values, exponents.coef
    for y in range(coef.shape[0]):
        slope = splat(coef, -by * exponents.pulls[d, y] * coef[y, j])
        for first in range(0, values.shape[1], LANES):
            store(values, d, first, madd(slope, load(coef, y, first), load(values, d, first)))


@kernel
def raise_factors(
    values: np.ndarray, d: int, factors: np.ndarray, row: int, topics: int
) -> None:  # fmt: skip
    """Set row `row` of the factors to exp(values[d]), divided by its largest entry."""
    most = values[d, 0]
    for k in range(1, topics):
        most = max(most, values[d, k])
    for k in range(topics):
        depth = max(values[d, k] - most, np.float32(-DEEPEST))
        factors[row, k] = math.exp(depth)


@kernel
def expect_label(
    exponents: Exponents, d: int, y: int, sign: float, pull: float, score: float, length: float,
    cost: float, margin: float, topics: int,
) -> None:  # fmt: skip
    """Add the terms of label `y` to the exponents of document `d`, and keep its A / N².

    Parameters
    ----------
    exponents : Exponents
        Changed in place.
    d, y : int
    sign : float
        Whether the document has the label: 1 or −1.
    pull : float
        A.
    score : float
        η_yᵀn_d, over all tokens of the document.
    length : float
        N.
    cost, margin : float
        C and ℓ.
    topics : int
    """
    curvature = pull / (length * length)
    linear = sign * (pull * margin + 0.5 * cost) / length - curvature * score
    exponents.pulls[d, y] = curvature
    for k in range(topics):
        eta = np.float64(exponents.coef[y, k])
        exponents.values[d, k] += np.float32(eta * (linear - 0.5 * curvature * eta))
