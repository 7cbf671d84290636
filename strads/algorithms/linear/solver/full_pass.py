"""Full passes over the columns: statistics, scores, screening, the candidates for a working set.

In a pass each worker visits its own columns of X. Rows have weights: with u = √sample_weight (ones
without), column j of the problem is u∘x_j, and its score is x_jᵀ(u∘r); u∘r is stored as
``minus_gradient``. What the leader must sum over the workers is in ``tally``, one row a worker,
with these words:

``ALIVE``
    Number of columns that screening has not dropped; their ids are the first entries of the
    worker's range in ``alive``.
``TOP``
    Largest |x_jᵀr| (x_jᵀr under the constraint w ≥ 0), divided by the factor of the column's
    penalty. Columns without a penalty (factor 0) do not count.
``VIOLATORS``
    Number of columns outside of the working set whose |x_jᵀr| exceeds their penalty.
``NEAREST``
    Number of candidates; their ids are the first entries of the worker's range in ``nearest``.
``LONGEST``
    Largest norm of a column, not centred, divided by the factor like the score: rounding errors of
    scores are proportional to it. Norms, like scores, are those of the columns with the rows that a
    ridge adds (`lasso_program`).
``UNPREPARED``
    Number of columns that lose too many digits in floating point: see below.

Screening (Ndiaye, Fercoq, Gramfort, Salmon 2017, eq. 8–9): the dual solution lies within
R = √(2n·gap) of the dual point ν = scale·r, so a column with |x_jᵀν| + R‖x_j‖ < nα·factor_j has
weight 0 in every solution. Later passes skip such a column; the gap is then that of the problem
without it, which has the same optimum. The last pass scores all columns again.

Centring is implicit: the squared norm of a centred column is ‖x‖² − n·x̄². This formula loses
digits as the mean grows beyond the standard deviation, and squares overflow or underflow long
before the numbers do. A column to which either applies is counted as unprepared; the run then
stops, and the data must be prepared (:mod:`strads.algorithms.linear.certified.problem`). A column
whose entries are all equal is no problem: centred, it is zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.engine import kernel
from strads.kernels.linear.matrices import axpy, column_uniform, dot, weighted_norm2

ALIVE, TOP, VIOLATORS, NEAREST, LONGEST, UNPREPARED = range(6)
#: Number of words in a row of ``tally``.
WORDS = 6
#: Range of the squared norms of columns that a Gram matrix in single precision can represent.
SMALLEST, LARGEST = 1e-30, 1e30
#: Largest ratio of ‖x‖² to the squared norm of the centred column, for products of entries in
#: single precision (as in the Gram matrix of sparse columns) and in double precision.
SPREAD_SINGLE, SPREAD_DOUBLE = 1e3, 1e6


@kernel
def column_moments(X, j, weight, samples, centred, spread):
    """Return a column's mean, its squared norm, that of the centred column, and a fault.

    The third is 0 for a column that is zero, or is not prepared; the latter is the fault.
    """
    mean = dot(X, j, weight) / samples if centred else 0.0
    whole = weighted_norm2(X, j, weight)
    centred2 = whole - samples * mean * mean
    if SMALLEST <= whole <= LARGEST and centred2 * spread >= whole:
        return mean, whole, centred2, 0
    uniform = column_uniform(X, j, weight)
    zero = uniform and (centred or dot(X, j, weight) == 0.0)
    return mean, whole, 0.0, int(not zero)


@kernel
def push_columns(
    features, X, weight, minus_gradient, samples, centred, spread, positive, penalty,
    penalty_factor, ridge, mean, norm, score, alive, tally,
):  # fmt: skip
    """Compute the statistics of my columns and, for the residual r = y, their first scores."""
    n_alive, top, violators, longest, unprepared = 0, 0.0, 0, 0.0, 0
    for j in range(features[0], features[1]):
        mean[j], whole, centred2, fault = column_moments(X, j, weight, samples, centred, spread)
        unprepared += fault
        if centred2 == 0.0:
            norm[j] = score[j] = 0.0
            continue
        norm[j] = np.sqrt(centred2 + ridge)
        score[j] = dot(X, j, minus_gradient)
        alive[features[0] + n_alive] = j
        n_alive += 1
        factor = penalty_factor[j]
        if factor > 0.0:
            size = score[j] if positive else abs(score[j])
            top = max(top, size / factor)
            longest = max(longest, np.sqrt(whole + ridge) / factor)
            violators += size > penalty * factor
    tally[ALIVE], tally[TOP], tally[VIOLATORS] = n_alive, top, violators
    tally[LONGEST], tally[UNPREPARED] = longest, unprepared


@kernel
def list_usable(features: Any, norm: Any, alive: Any) -> int:
    """List all of my columns that are not zero as alive; return how many."""
    n_alive = 0
    for j in range(features[0], features[1]):
        if norm[j] > 0.0:
            alive[features[0] + n_alive] = j
            n_alive += 1
    return n_alive


@kernel
def push_score(
    features, X, minus_gradient, w, positive, penalty, penalty_factor, ridge, everything, norm,
    inside, score, alive, tally
):  # fmt: skip
    """Score my columns that screening has left; if ``everything`` is set, all of my columns."""
    lo = features[0]
    if everything:
        tally[ALIVE] = list_usable(features, norm, alive)
    top, violators = 0.0, 0
    for k in range(lo, lo + int(tally[ALIVE])):
        j = alive[k]
        score[j] = dot(X, j, minus_gradient) - ridge * w[j]
        factor = penalty_factor[j]
        if factor > 0.0:
            size = score[j] if positive else abs(score[j])
            top = max(top, size / factor)
            violators += size > penalty * factor and not inside[j]
    tally[TOP], tally[VIOLATORS] = top, violators


@kernel
def push_renew(
    features, positive, penalty, penalty_factor, norm, inside, score, alive, tally
):  # fmt: skip
    """Compare the scores of all of my columns, which are known, with another penalty."""
    lo, top, violators = features[0], 0.0, 0
    n_alive = list_usable(features, norm, alive)
    for k in range(lo, lo + n_alive):
        j = alive[k]
        factor = penalty_factor[j]
        if factor > 0.0:
            size = score[j] if positive else abs(score[j])
            top = max(top, size / factor)
            violators += size > penalty * factor and not inside[j]
    tally[ALIVE], tally[TOP], tally[VIOLATORS] = n_alive, top, violators


@kernel
def push_nearest(
    features, positive, penalty, penalty_factor, importance, scale, radius, wanted, norm, inside,
    score, alive, nearest, distance, tally,
):  # fmt: skip
    """Drop columns that screening excludes; list the ``wanted`` nearest to their constraints.

    The distance of a column is divided by its importance; beyond its constraint, how far it is
    beyond is multiplied.
    """
    lo = features[0]
    n_alive, found, limit = 0, 0, np.inf
    for k in range(lo, lo + int(tally[ALIVE])):
        j = alive[k]
        slack = penalty * penalty_factor[j] - scale * (score[j] if positive else abs(score[j]))
        if slack > radius * norm[j] and not inside[j]:
            continue
        alive[lo + n_alive] = j
        n_alive += 1
        unit = norm[j] * importance[j] if slack >= 0.0 else norm[j] / importance[j]
        if slack < limit * unit and not inside[j] and wanted > 0:
            nearest[lo + found] = j
            distance[lo + found] = slack / unit
            found += 1
            if found >= 2 * wanted + 64:  # shorten the list in time, so that it stays short
                limit = smallest(nearest[lo : lo + found], distance[lo : lo + found], wanted)
                found = wanted
    if found > wanted:
        smallest(nearest[lo : lo + found], distance[lo : lo + found], wanted)
        found = wanted
    tally[ALIVE], tally[NEAREST] = n_alive, found


@kernel
def kth_smallest(keys: Any, k: int) -> float:
    """Return the key that `k` others precede in sorted order (quickselect, Hoare 1961).

    It replaces ``np.partition``, which takes seven seconds to compile.
    """
    a = keys.copy()
    lo, hi = 0, len(a) - 1
    while lo < hi:
        pivot, i, j = a[(lo + hi) >> 1], lo, hi
        while i <= j:
            while a[i] < pivot:
                i += 1
            while a[j] > pivot:
                j -= 1
            if i <= j:
                a[i], a[j] = a[j], a[i]
                i, j = i + 1, j - 1
        if k <= j:
            hi = j
        elif k >= i:
            lo = i
        else:
            break
    return a[k]


@kernel
def smallest(ids: Any, keys: Any, count: int) -> float:
    """Move the ids with the `count` smallest keys to the front, in order; return the largest."""
    limit = kth_smallest(keys, count - 1)
    ties, n = count, 0
    for key in keys:
        ties -= key < limit
    for i in range(len(ids)):
        tie = keys[i] == limit
        if keys[i] < limit or (tie and ties > 0):
            ties -= tie
            ids[n], keys[n] = ids[i], keys[i]
            n += 1
    return limit


@kernel
def push_residual(rows, X, y, unit, mean, count, members, v, r, minus_gradient):
    """Compute the residual of my rows, r = y − (Xw − x̄ᵀw)∘u; w is zero outside the working set."""
    shift = 0.0
    for a in range(count):
        shift += mean[members[a]] * v[a]
    for i in range(rows[0], rows[1]):
        r[i] = shift
    for a in range(count):
        if v[a] != 0.0:
            axpy(-v[a], X, members[a], r, rows)
    for i in range(rows[0], rows[1]):
        r[i] = y[i] + unit[i] * r[i]
        minus_gradient[i] = unit[i] * r[i]
