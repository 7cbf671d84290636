"""Counts of topics over all words: each worker's copy, what it misses, what all counts amount to.

Arrays that every worker has a copy of may be wider than the topics; loops run over the others.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.topics.gamma_rises import log_rise, slope_rise
from strads.kernels.topics.words import NONE

kernel = numba.njit(nogil=True, error_model="numpy")


@kernel
def begin_round(
    totals: np.ndarray, moved: np.ndarray, worker: int, behind: np.ndarray, wrong: np.ndarray
) -> None:  # fmt: skip
    """Note how far the totals were behind in the last round, and where they stand now."""
    for k in range(moved.shape[1]):
        wrong[0] += abs(behind[k])
        behind[k] = 0
        moved[worker, k] = -totals[k]


@kernel
def end_round(totals: np.ndarray, moved: np.ndarray, worker: int) -> None:
    """Note what a worker has moved in this round."""
    for k in range(moved.shape[1]):
        moved[worker, k] += totals[k]


@kernel
def still_wrong(behind: np.ndarray, wrong: np.ndarray) -> float:
    """Σ |copy − truth| over rounds, with the last one, which no push has noted yet."""
    found = wrong[0]
    for k in range(len(behind)):
        found += abs(behind[k])
    return found


@kernel
def count_words(
    words: tuple[int, int], first: np.ndarray, z: np.ndarray, continued: int, base: np.ndarray,
    word_counts: np.ndarray,
) -> None:  # fmt: skip
    """Count the topics of a range of words, on top of `base` if there is any."""
    for w in range(words[0], words[1]):
        for k in range(word_counts.shape[1]):
            word_counts[w, k] = base[w, k] if continued else 0
        for p in range(first.shape[0]):
            for t in range(first[p, w], first[p, w + 1]):
                if z[t] != NONE:
                    word_counts[w, z[t]] += 1


@kernel
def count_all(
    z: np.ndarray, base_totals: np.ndarray, totals: np.ndarray, behind: np.ndarray,
    wrong: np.ndarray,
) -> None:  # fmt: skip
    """Count the topics of all tokens."""
    wrong[0] = 0.0
    for k in range(len(base_totals)):
        totals[k] = base_totals[k]
        behind[k] = 0
    for t in range(len(z)):
        if z[t] != NONE:
            totals[z[t]] += 1


@kernel
def words_part(
    words: tuple[int, int], worker: int, word_counts: np.ndarray, totals: np.ndarray, topics: int,
    beta: float, mass: float,
) -> float:  # fmt: skip
    """Part of a range of words in the joint log-likelihood; worker 0 adds that of the totals."""
    found = 0.0
    for w in range(words[0], words[1]):
        for k in range(topics):
            if word_counts[w, k] > 0:
                found += log_rise(word_counts[w, k], beta)
    if worker == 0:
        for k in range(topics):
            found -= log_rise(totals[k], mass)
    return found


@kernel
def words_slope(
    words: tuple[int, int], word_counts: np.ndarray, topics: int, beta: float
) -> float:  # fmt: skip
    """Σ ψ(n_wk + β) − ψ(β) over a range of words."""
    found = 0.0
    for w in range(words[0], words[1]):
        for k in range(topics):
            if word_counts[w, k] > 0:
                found += slope_rise(word_counts[w, k], beta)
    return found


@kernel
def alpha_mass(alpha: np.ndarray, topics: int) -> float:
    """A = Σ α_k."""
    mass = 0.0
    for k in range(topics):
        mass += alpha[0, k]
    return mass
