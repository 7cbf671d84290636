"""Counts of topics over all words: every worker's copy of them, its error, and likelihood terms.

Arrays of which every worker has a copy may be padded to more than the number of topics. So loops
over topics take their length from an array that is not padded.
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
    """Add up how far the totals were behind in the last round, and note their present values.

    Parameters
    ----------
    totals : ndarray of int32, shape (≥ topics,)
        The worker's copy of the counts of all topics.
    moved : ndarray of shape (workers, topics)
        Row `worker` is set to minus the totals.
    worker : int
    behind : ndarray of shape (topics,)
        What the copy missed in the last round; set to zero.
    wrong : ndarray of shape (1,)
        Added to: ``Σ |behind|``.
    """
    for k in range(moved.shape[1]):
        wrong[0] += abs(behind[k])
        behind[k] = 0
        moved[worker, k] = -totals[k]


@kernel
def end_round(totals: np.ndarray, moved: np.ndarray, worker: int) -> None:
    """Set ``moved[worker]`` to how many tokens it has moved into each topic in this round."""
    for k in range(moved.shape[1]):
        moved[worker, k] += totals[k]


@kernel
def still_wrong(behind: np.ndarray, wrong: np.ndarray) -> float:
    """Return ``Σ |copy − truth|`` over all rounds; `wrong` does not have the last one yet."""
    found = wrong[0]
    for k in range(len(behind)):
        found += abs(behind[k])
    return found


@kernel
def count_words(
    words: tuple[int, int], first: np.ndarray, z: np.ndarray, continued: int, base: np.ndarray,
    word_counts: np.ndarray,
) -> None:  # fmt: skip
    """Count the tokens of every topic for a range of words.

    Parameters
    ----------
    words : (int, int)
        A half-open range of words.
    first : ndarray of int64, shape (workers, ≥ words + 1)
        Where the tokens of each word begin, for every worker.
    z : ndarray of uint16, shape (tokens,)
    continued : int
        Whether counts start from `base` rather than from zero.
    base : ndarray of shape (words, topics)
    word_counts : ndarray of shape (words, topics)
        Rows of the range are written in place.
    """
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
    """Set `totals` to `base_totals` plus the counts of all tokens; zero `behind` and `wrong`."""
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
    """Return the terms of a range of words in the joint log-likelihood ln p(words, z).

    These are Σ ln Γ(n_wk + β) − ln Γ(β) over words and topics; worker 0 also subtracts
    Σ ln Γ(n_k + Vβ) − ln Γ(Vβ) over topics. `mass` is Vβ.
    """
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
    """Return Σ ψ(n_wk + β) − ψ(β) over a range of words and all topics."""
    found = 0.0
    for w in range(words[0], words[1]):
        for k in range(topics):
            if word_counts[w, k] > 0:
                found += slope_rise(word_counts[w, k], beta)
    return found


@kernel
def alpha_mass(alpha: np.ndarray, topics: int) -> float:
    """Return Σ α_k."""
    mass = 0.0
    for k in range(topics):
        mass += alpha[0, k]
    return mass
