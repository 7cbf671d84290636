"""Linear support vector machines on topic shares, by coordinate descent on their duals.

With the shares z̄_d = n_d / N_d of a document and t_d = ±1, a label's weights η minimise

    ½‖η‖² + C Σ_d max(0, ℓ − t_d η·z̄_d),

and η = Σ_d a_d t_d z̄_d with dual variables 0 ≤ a_d ≤ C. A visit of a document changes its dual
variable to the best value while all others stay (Hsieh, Chang, Lin, Keerthi and Sundararajan, ICML
2008).
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.lanes import LANES, add, load, madd, mul, splat, store, total
from strads.kernels.topics.lane_counts import load_counts
from strads.kernels.topics.lists import Lists

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def score_counts(doc_counts: np.ndarray, d: int, coef: np.ndarray, y: int) -> float:
    """Return η_y · n_d, with a dense row of counts."""
    found = splat(coef, 0.0)
    for first in range(0, coef.shape[1], LANES):
        found = madd(load_counts(doc_counts, d, first), load(coef, y, first), found)
    return np.float64(total(found))


@kernel
def add_counts(doc_counts: np.ndarray, d: int, step: float, coef: np.ndarray, y: int) -> None:
    """Add `step` · n_d to η_y."""
    times = splat(coef, step)
    for first in range(0, coef.shape[1], LANES):
        changed = madd(times, load_counts(doc_counts, d, first), load(coef, y, first))
        store(coef, y, first, changed)


@kernel
def score_list(lists: Lists, d: int, coef: np.ndarray, y: int) -> float:
    """Return η_y · n_d, with a list of counts."""
    found = 0.0
    for j in range(lists.length[d]):
        row, column = lists.first[d] + j // LANES, j % LANES
        found += coef[y, lists.pairs[row, column]] * np.float64(lists.pairs[row, LANES + column])
    return found


@kernel
def add_list(lists: Lists, d: int, step: float, coef: np.ndarray, y: int) -> None:
    """Add `step` · n_d to η_y, with a list of counts."""
    for j in range(lists.length[d]):
        row, column = lists.first[d] + j // LANES, j % LANES
        coef[y, lists.pairs[row, column]] += np.float32(step * lists.pairs[row, LANES + column])


@kernel
def measure_counts(doc_counts: np.ndarray, d: int) -> tuple[float, float]:
    """Return N_d and ‖n_d‖², of a dense row of counts."""
    one = load_counts(doc_counts, d, 0)
    length, square = one, mul(one, one)
    for first in range(LANES, doc_counts.shape[1], LANES):
        one = load_counts(doc_counts, d, first)
        length, square = add(length, one), madd(one, one, square)
    return np.float64(total(length)), np.float64(total(square))


@kernel
def measure_list(lists: Lists, d: int) -> tuple[float, float]:
    """Return N_d and ‖n_d‖², of a list of counts."""
    length = square = 0.0
    for j in range(lists.length[d]):
        n = np.float64(lists.pairs[lists.first[d] + j // LANES, LANES + j % LANES])
        length += n
        square += n * n
    return length, square


@kernel
def dual_step(
    dual: float, score: float, sign: float, length: float, square: float, cost: float,
    margin: float,
) -> float:  # fmt: skip
    """Return the best value of a dual variable while all others stay.

    Parameters
    ----------
    dual : float
        Its present value.
    score : float
        η · n_d.
    sign : float
        t_d.
    length, square : float
        N_d and ‖n_d‖².
    cost, margin : float
        C and ℓ.
    """
    gain = margin - sign * score / length
    return min(max(dual + gain * length * length / square, 0.0), cost)
