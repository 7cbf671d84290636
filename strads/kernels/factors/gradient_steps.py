"""Stochastic gradient steps of a matrix factorisation, rating by rating.

They decrease the objective, whose sums are over the ratings v of users u and items i:

    Σ (v − b_u − c_i − w_uᵀh_i)² + λ Σ (‖w_u‖² + ‖h_i‖²) + λ_b Σ (b_u² + c_i²)

The step for a rating moves w_u, h_i and both biases against the gradient of its terms. Every row
has step sizes of its own: the rate divided by the square root of the sum of squared gradients so
far (AdaGrad: Duchi, Hazan, Singer, JMLR 2011). A row keeps one such sum for its factors, to which
each step adds the mean of their squared gradients, and one sum for its bias, as in Chin, Zhuang,
Juan and Lin (PAKDD 2015).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.kernels.lanes import LANES, load, madd, mul, splat, store, total

kernel = numba.njit(nogil=True, error_model="numpy")

#: Columns of a row's state: its bias, sum of squared gradients of its factors, of its bias; number
#: of columns.
BIAS, FACTORS, OWN, STATE = 0, 1, 2, 4
#: Entries of `hyper`: rate of the factors, rate of the biases, λ, λ_b, 1 / number of components.
RATE, BIAS_RATE, PENALTY, BIAS_PENALTY, SHARE = 0, 1, 2, 3, 4


@kernel
def gradient_steps(
    user: np.ndarray, item: np.ndarray, value: np.ndarray, first: int, last: int,
    W: np.ndarray, H: np.ndarray, w_state: np.ndarray, h_state: np.ndarray, hyper: np.ndarray,
) -> float:  # fmt: skip
    """Take one step for each of the ratings first..last−1.

    Parameters
    ----------
    user, item : ndarray of int, shape (ratings,)
        Rows of W and H.
    value : ndarray of shape (ratings,)
        Centred and scaled ratings.
    first, last : int
    W, H : ndarray of shape (users, padded rank) and (items, padded rank)
        Changed in place. The padding is zero and stays so.
    w_state, h_state : ndarray of shape (users, STATE) and (items, STATE)
        Changed in place: bias and sums of squared gradients of every row. All sums are positive.
    hyper : ndarray of shape (5,)
        See the constants of this module.

    Returns
    -------
    float
        Sum of the squared errors of the ratings, each before its own step.
    """
    rate, bias_rate = hyper[RATE], hyper[BIAS_RATE]
    bias_penalty, share = hyper[BIAS_PENALTY], hyper[SHARE]
    zero, shrink = splat(W, 0.0), splat(W, -hyper[PENALTY])
    loss = 0.0
    for t in range(first, last):
        u, i = np.uint64(user[t]), np.uint64(item[t])
        dot = zero
        for f in range(0, W.shape[1], LANES):
            dot = madd(load(W, u, f), load(H, i, f), dot)
        b, c = w_state[u, BIAS], h_state[i, BIAS]
        error = value[t] - b - c - total(dot)
        loss += error * error
        w_rate = splat(W, rate / np.sqrt(w_state[u, FACTORS]))
        h_rate = splat(W, rate / np.sqrt(h_state[i, FACTORS]))
        e, w_square, h_square = splat(W, error), zero, zero
        for f in range(0, W.shape[1], LANES):
            w, h = load(W, u, f), load(H, i, f)
            w_step, h_step = madd(e, h, mul(shrink, w)), madd(e, w, mul(shrink, h))
            w_square, h_square = madd(w_step, w_step, w_square), madd(h_step, h_step, h_square)
            store(W, u, f, madd(w_rate, w_step, w))
            store(H, i, f, madd(h_rate, h_step, h))
        w_state[u, FACTORS] += total(w_square) * share
        h_state[i, FACTORS] += total(h_square) * share
        _move_bias(w_state, u, b, error - bias_penalty * b, bias_rate)
        _move_bias(h_state, i, c, error - bias_penalty * c, bias_rate)
    return loss


@kernel
def _move_bias(state: np.ndarray, row: Any, bias: Any, slope: Any, rate: Any) -> None:
    state[row, BIAS] = bias + rate * slope / np.sqrt(state[row, OWN])
    state[row, OWN] += slope * slope
