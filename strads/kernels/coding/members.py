"""The problem of one signal's code on the few atoms that are active: sweeps and Newton's steps.

    min ½cᵀHc − qᵀc + α‖c‖₁,   optionally with c ≥ 0

over the *members*, the active atoms; H is their part of the Gram matrix, stored row by row without
gaps, and g = q − Hc is kept up to date. All numbers are in double precision. Coordinate descent
finds the signs. With known signs the minimum is the solution of a linear system (Lee, Battle, Raina
and Ng: Efficient sparse coding algorithms, 2006); the step towards it ends where the first weight
would change its sign, so it never raises the objective. If atoms with a weight depend on each other
there is no such minimum: then the weights move along the dependence, which changes hardly more than
‖c‖₁, until one of them is zero. Sweeps alone would need very many moves for this.
"""

from __future__ import annotations

import numba
import numpy as np

kernel = numba.njit(nogil=True, error_model="numpy")

#: Sweeps before each of Newton's steps.
SWEEPS = 2
#: A pivot below this share of its diagonal entry counts as zero.
PIVOT = 1e-10
#: Share of α by which ``|g|`` of a member without weight may exceed α.
SLACK = 1e-9


@kernel
def minimise(
    c: np.ndarray, g: np.ndarray, H: np.ndarray, count: int, alpha: float, positive: bool,
    turns: int, largest: int, L: np.ndarray, d: np.ndarray, support: np.ndarray,
) -> None:  # fmt: skip
    """Lower the objective by turns of sweeps and Newton's steps, until nothing is left to gain.

    Parameters
    ----------
    c, g : ndarray of shape (≥ count,)
        Weights of the members and g; changed in place.
    H : ndarray of shape (≥ count²,)
    count : int
        Number of members.
    alpha : float
    positive : bool
        Whether c ≥ 0.
    turns : int
        Largest number of turns.
    largest : int
        Largest number of members with a weight for which Newton's steps are taken.
    L : ndarray of shape (≥ min(count, largest)²,)
        Work space.
    d : ndarray of shape (≥ count,)
        Work space.
    support : ndarray of int32, shape (≥ count,)
        Work space.
    """
    for _ in range(turns):
        moves = 0
        for _ in range(SWEEPS):
            moves = _sweep(c, g, H, count, alpha, positive)
            if moves == 0:
                return
        if _newton(c, g, H, count, alpha, largest, L, d, support) and not _pushed(
            c, g, count, alpha, positive
        ):
            return


@kernel
def _sweep(
    c: np.ndarray, g: np.ndarray, H: np.ndarray, count: int, alpha: float, positive: bool
) -> int:
    """Minimise along each member once; return the number of moves."""
    moves = 0
    for a in range(count):
        size = H[a * count + a]
        if not size > 0.0:
            continue
        push = size * c[a] + g[a]
        new = 0.0
        if push > alpha:
            new = (push - alpha) / size
        elif push < -alpha and not positive:
            new = (push + alpha) / size
        move = new - c[a]
        if move != 0.0:
            moves += 1
            c[a] = new
            for b in range(count):
                g[b] -= move * H[a * count + b]
    return moves


@kernel
def _pushed(c: np.ndarray, g: np.ndarray, count: int, alpha: float, positive: bool) -> bool:
    """Return whether a member without weight would get one."""
    for a in range(count):
        if c[a] == 0.0:
            push = g[a] if positive else abs(g[a])
            if push > alpha * (1.0 + SLACK):
                return True
    return False


@kernel
def _newton(
    c: np.ndarray, g: np.ndarray, H: np.ndarray, count: int, alpha: float, largest: int,
    L: np.ndarray, d: np.ndarray, support: np.ndarray,
) -> bool:  # fmt: skip
    """Step towards the minimum for the present signs; return whether it was reached."""
    size = 0
    for a in range(count):
        if c[a] != 0.0:
            support[size] = a
            size += 1
    if size == 0:
        return True
    if size > largest:
        return False
    good = _factored(H, count, support, size, L)
    if good < size:
        _along_dependence(c, g, H, count, alpha, L, d, support, good, size)
        return False
    for m in range(size):
        a = support[m]
        d[m] = g[a] - alpha if c[a] > 0.0 else g[a] + alpha
    _solve(L, size, size, d)
    return _move(c, g, H, count, d, support, size, 1.0)


@kernel
def _along_dependence(
    c: np.ndarray, g: np.ndarray, H: np.ndarray, count: int, alpha: float, L: np.ndarray,
    d: np.ndarray, support: np.ndarray, good: int, size: int,
) -> None:  # fmt: skip
    """Minimise along the direction in which member number `good` of the support is made of others.

    Parameters
    ----------
    c, g, H, count, alpha, d, support
        See :func:`minimise`.
    L : ndarray
        Factors of the first `good` members of the support.
    good, size : int
        Number of members of the support before that one, and of all.
    """
    row = support[good] * count
    for m in range(good):
        d[m] = -H[row + support[m]]
    _solve(L, size, good, d)
    d[good] = 1.0
    slope = curve = 0.0
    for m in range(good + 1):
        a = support[m]
        slope += d[m] * ((alpha if c[a] > 0.0 else -alpha) - g[a])
        curve += d[m] * H[row + a]  # the others are at right angles to d
    if slope == 0.0:
        return
    longest, ends = abs(slope) / curve if curve > 0.0 else np.inf, False
    for m in range(good + 1):
        if slope > 0.0:
            d[m] = -d[m]
        ends = ends or (d[m] != 0.0 and (d[m] > 0.0) != (c[support[m]] > 0.0))
    if ends or longest < np.inf:
        _move(c, g, H, count, d, support, good + 1, longest)


@kernel
def _move(
    c: np.ndarray, g: np.ndarray, H: np.ndarray, count: int, d: np.ndarray, support: np.ndarray,
    size: int, longest: float,
) -> bool:  # fmt: skip
    """Move by `longest` times d, or until a weight is zero; return whether none became zero."""
    length, ends = longest, -1
    for m in range(size):
        a = support[m]
        if d[m] != 0.0 and (d[m] > 0.0) != (c[a] > 0.0):
            to_zero = -c[a] / d[m]
            if to_zero <= length:
                length, ends = to_zero, m
    for m in range(size):
        a = support[m]
        move = length * d[m]
        if m == ends:
            move = -c[a]
        c[a] += move
        for b in range(count):
            g[b] -= move * H[a * count + b]
    return ends < 0


@kernel
def _factored(H: np.ndarray, count: int, support: np.ndarray, size: int, L: np.ndarray) -> int:
    """Factor H of the support as LDLᵀ, with D on the diagonal; return how many members it is of.

    They are fewer than `size` if the next one nearly is a combination of those before it.
    """
    for m in range(size):
        row = support[m] * count
        for n in range(m):
            value = H[row + support[n]]
            for k in range(n):  # row m holds LD so far, row n is finished
                value -= L[m * size + k] * L[n * size + k]
            L[m * size + n] = value
        pivot = H[row + support[m]]
        for k in range(m):
            scaled = L[m * size + k] / L[k * size + k]
            pivot -= scaled * L[m * size + k]
            L[m * size + k] = scaled
        L[m * size + m] = pivot
        if not pivot > PIVOT * H[row + support[m]]:
            return m
    return size


@kernel
def _solve(L: np.ndarray, size: int, good: int, d: np.ndarray) -> None:
    """Replace d by the solution of LDLᵀ x = d of the first `good` members; rows have `size`."""
    for m in range(good):
        for k in range(m):
            d[m] -= L[m * size + k] * d[k]
    for m in range(good):
        d[m] /= L[m * size + m]
    for m in range(good - 1, -1, -1):
        for k in range(m):
            d[k] -= L[m * size + k] * d[m]
