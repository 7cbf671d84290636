"""Draws by the lists of documents with factors of document and topic: for many topics.

The topic of a token is drawn from

    p(z = k | all else) ∝ (n_dk + α_k) q_k ω_dk,    ω_dk = exp(e_dk − r_d),    e_d = Σ_y s_dy η_y,

with q_k of :mod:`strads.kernels.topics.words`, labels' weights η and slopes s, which stay fixed in
a sweep. Of the factors only those of a few topics are kept: those of the topics in the list of the
document, and of the *peaks*, the sixteen largest. The reference r_d is the largest exponent e_dk
of all other topics, so that their factors are at most 1. The distribution has three parts:

    n_dk ω_dk q_k    +    α_k (ω_dk − 1) q_k, of peaks    +    α_k min(ω_dk, 1) q_k.

The first needs the list, and the second the peaks. For the third, a topic is drawn from α_k q_k, as
in the plain model, and kept with probability min(ω_dk, 1), for which its exponent is computed. A
topic that is not kept is set aside: from then on it has its own weight α_k ω_dk q_k and is no
longer part of what is drawn from, and all parts are drawn from once more. So a word of a topic that
the labels rule out costs one more draw. After sixteen such topics all factors are computed. The
distribution is exact.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np

from strads.kernels.lanes import LANES, add, load, madd, mul, splat, store, total
from strads.kernels.random import uniform
from strads.kernels.topics.groups import draw_any, sum_group
from strads.kernels.topics.lane_counts import at_most, cumulate, gather, lane, load_counts
from strads.kernels.topics.lane_draws import draw_position
from strads.kernels.topics.lists import Lists, add_topic, drop_topic, rows_of
from strads.kernels.topics.supervised.exponents import DEEPEST

kernel = numba.njit(nogil=True, error_model="numpy")

#: A factor is at most exp(HIGHEST): products with it fit into float32.
HIGHEST = 60.0


class Tilt(NamedTuple):
    """Factors of documents and topics.

    Attributes
    ----------
    factors : ndarray of float32, shape (rows of lists, LANES)
        ω of the topics in the lists.
    peaks : ndarray of uint16, shape (documents, LANES)
        The peaks of each document.
    excess : ndarray of float32, shape (documents, LANES)
        α_k (ω_dk − 1) of the peaks; zero where there are fewer.
    reference : ndarray of float32, shape (documents,)
        r.
    slopes : ndarray of float32, shape (documents, labels)
        The s of each document that are not zero.
    supports : ndarray of uint16, shape (documents, labels)
        The labels that these belong to.
    supported : ndarray of int32, shape (documents,)
        The number of them.
    coef : ndarray of float32, shape (labels, padded topics)
        η.
    sums : ndarray of float32, shape (padded topics / LANES + 1, LANES)
        Work space.
    aside : ndarray of float64, shape (3, LANES)
        Work space: the topics that were set aside, their weights q, and α ω q.
    """

    factors: np.ndarray
    peaks: np.ndarray
    excess: np.ndarray
    reference: np.ndarray
    slopes: np.ndarray
    supports: np.ndarray
    supported: np.ndarray
    coef: np.ndarray
    sums: np.ndarray
    aside: np.ndarray


@kernel
def factor_of(tilt: Tilt, d: int, k: int) -> float:
    """Return ω_dk."""
    exponent = -np.float64(tilt.reference[d])
    for i in range(tilt.supported[d]):
        exponent += np.float64(tilt.slopes[d, i]) * tilt.coef[tilt.supports[d, i], k]
    return math.exp(min(max(exponent, -DEEPEST), HIGHEST))


@kernel
def tilt_document(
    lists: Lists, tilt: Tilt, d: int, alpha: np.ndarray, exponents: np.ndarray, topics: int
) -> None:  # fmt: skip
    """Set what `tilt` keeps of document `d`, from its slopes.

    Parameters
    ----------
    lists : Lists
    tilt : Tilt
        Changed in place.
    d : int
    alpha : ndarray of float32, shape (1, padded topics)
    exponents : ndarray of float32, shape (1, padded topics)
        Work space.
    topics : int
    """
    for first in range(0, exponents.shape[1], LANES):
        store(exponents, 0, first, splat(exponents, 0.0))
    for i in range(tilt.supported[d]):
        slope, y = splat(exponents, tilt.slopes[d, i]), tilt.supports[d, i]
        for first in range(0, exponents.shape[1], LANES):
            raised = madd(slope, load(tilt.coef, y, first), load(exponents, 0, first))
            store(exponents, 0, first, raised)
    size = find_peaks(exponents, tilt.peaks, d, topics)
    tilt.reference[d] = rest_of(exponents, tilt.peaks, d, size, topics)
    for i in range(LANES):
        k = tilt.peaks[d, i]
        above = factor_of(tilt, d, k) - 1.0 if i < size else 0.0
        tilt.excess[d, i] = alpha[0, k] * max(above, 0.0)
    for j in range(lists.length[d]):
        row, column = lists.first[d] + j // LANES, j % LANES
        tilt.factors[row, column] = factor_of(tilt, d, lists.pairs[row, column])


@kernel
def find_peaks(exponents: np.ndarray, peaks: np.ndarray, d: int, topics: int) -> int:
    """Set the peaks of document `d`, the largest first; return their number.

    At least one topic is no peak.
    """
    size = min(LANES, topics - 1)
    for i in range(LANES):
        peaks[d, i] = 0
    found = 0
    for k in range(topics):
        if found == size and (size == 0 or exponents[0, k] <= exponents[0, peaks[d, size - 1]]):
            continue
        found = min(found + 1, size)
        i = found - 1
        while i > 0 and exponents[0, peaks[d, i - 1]] < exponents[0, k]:
            peaks[d, i] = peaks[d, i - 1]
            i -= 1
        peaks[d, i] = k
    return size


@kernel
def rest_of(exponents: np.ndarray, peaks: np.ndarray, d: int, size: int, topics: int) -> float:
    """Return the largest exponent of a topic that is no peak."""
    most = np.float32(-np.inf)
    for k in range(topics):
        if exponents[0, k] > most:
            peak = False
            for i in range(size):
                peak |= peaks[d, i] == k
            if not peak:
                most = exponents[0, k]
    return most


@kernel
def drop_tilted(lists: Lists, tilt: Tilt, d: int, k: int) -> None:
    """Do the same as :func:`drop_topic`, and let factors move with their topics."""
    before, at = lists.length[d], lists.first[d]
    place = drop_topic(lists, d, k)
    last = lists.length[d]
    if last < before:
        moved = tilt.factors[at + last // LANES, last % LANES]
        tilt.factors[at + place // LANES, place % LANES] = moved


@kernel
def add_tilted(lists: Lists, tilt: Tilt, d: int, k: int) -> None:
    """Do the same as :func:`add_topic`, and set the factor of a topic that is new."""
    before, at = lists.length[d], lists.first[d]
    add_topic(lists, d, k)
    if lists.length[d] > before:
        tilt.factors[at + before // LANES, before % LANES] = factor_of(tilt, d, k)


@kernel
def draw_tilted(
    weights: np.ndarray, lists: Lists, tilt: Tilt, d: int, alpha: np.ndarray, groups: np.ndarray,
    smooth: float, sums: np.ndarray, key: int, t: int, topics: int,
) -> int:  # fmt: skip
    """Draw a topic from the distribution of token `t`, and put it into its document's list.

    Draws 0, 1 and 2 of the token make the first topic, and three more each later one. The weights
    and sums are the same afterwards.
    """
    at, n = lists.first[d], lists.length[d]
    running = splat(alpha, 0.0)
    for b in range(rows_of(n)):
        tilted = mul(gather(weights, lists.pairs, at + b), load(tilt.factors, at + b, 0))
        running = madd(load_counts(lists.pairs, at + b, LANES), tilted, running)
        store(sums, b, 0, running)
    ends = cumulate(running)
    own = np.float64(lane(ends, LANES - 1))
    tops = cumulate(mul(gather(weights, tilt.peaks, d), load(tilt.excess, d, 0)))
    peak = np.float64(lane(tops, LANES - 1))
    known, found, k, place = 0.0, 0, -1, -1
    while k < 0 and place < 0 and found < LANES:
        rest = uniform(key, t, 3 * found) * (own + peak + known + smooth)
        if rest < own:
            place = draw_position(sums, ends, rows_of(n), rest / own, n)
        elif rest < own + peak:
            k = draw_peak(tilt.peaks, d, tops, rest - own)
        elif rest < own + peak + known:
            k = draw_aside(tilt.aside, found, rest - own - peak)
        elif smooth > 0.0:
            u = (rest - own - peak - known) / smooth
            k = draw_any(weights, alpha, groups, tilt.sums, u, key, t, topics, 3 * found + 1)
            factor = factor_of(tilt, d, k)
            if uniform(key, t, 3 * found + 2) >= factor:
                tilt.aside[2, found] = alpha[0, k] * factor * weights[0, k]
                known += tilt.aside[2, found]
                smooth = set_aside(weights, alpha, groups, tilt.aside, found, k)
                found, k = found + 1, -1
        else:  # only rounding leads here
            break
    put_back(weights, alpha, groups, tilt.aside, found)
    if k < 0 and place < 0:
        k = draw_among_all(weights, tilt, d, alpha, own, uniform(key, t, 3 * LANES), topics)
        if k < 0:
            u = uniform(key, t, 3 * LANES + 1)
            place = draw_position(sums, ends, rows_of(n), u, n)
    if place >= 0:
        return take_listed(lists, d, place)
    add_tilted(lists, tilt, d, k)
    return k


@kernel
def set_aside(
    weights: np.ndarray, alpha: np.ndarray, groups: np.ndarray, aside: np.ndarray, found: int,
    k: int,
) -> float:  # fmt: skip
    """Take topic `k` out of the weights and the sums of groups; return the sum over all groups."""
    aside[0, found], aside[1, found] = k, weights[0, k]
    weights[0, k] = 0.0
    sum_group(weights, alpha, groups, k // LANES)
    running = splat(alpha, 0.0)
    for first in range(0, groups.shape[1], LANES):
        running = add(running, load(groups, 0, first))
    return np.float64(total(running))


@kernel
def put_back(
    weights: np.ndarray, alpha: np.ndarray, groups: np.ndarray, aside: np.ndarray, found: int
) -> None:  # fmt: skip
    """Put the topics that were set aside into the weights and the sums of groups again."""
    for i in range(found):
        k = int(aside[0, i])
        weights[0, k] = aside[1, i]
        sum_group(weights, alpha, groups, k // LANES)


@kernel
def draw_aside(aside: np.ndarray, found: int, rest: float) -> int:
    """Return the topic set aside where the running sum of weights exceeds `rest`."""
    for i in range(found - 1):
        rest -= aside[2, i]
        if rest < 0.0:
            return int(aside[0, i])
    return int(aside[0, found - 1])


@kernel
def take_listed(lists: Lists, d: int, place: int) -> int:
    """Add one token to the topic at a place of a list; return the topic."""
    row, column = lists.first[d] + place // LANES, place % LANES
    lists.pairs[row, LANES + column] += 1
    return np.int64(lists.pairs[row, column])


@kernel
def draw_peak(peaks: np.ndarray, d: int, ends: Any, rest: float) -> int:
    """Return the peak where the running sum of weights exceeds `rest`."""
    return np.int64(peaks[d, min(at_most(ends, np.float32(rest)), LANES - 1)])


@kernel
def draw_among_all(
    weights: np.ndarray, tilt: Tilt, d: int, alpha: np.ndarray, own: float, u: float, topics: int
) -> int:  # fmt: skip
    """Draw a topic from α_k ω_dk q_k, or −1 for the list, whose weight is `own`."""
    whole = own
    for k in range(topics):
        whole += alpha[0, k] * factor_of(tilt, d, k) * weights[0, k]
    rest = u * whole - own
    if rest < 0.0:
        return -1
    for k in range(topics - 1):
        rest -= alpha[0, k] * factor_of(tilt, d, k) * weights[0, k]
        if rest < 0.0:
            return k
    return topics - 1
