"""The code of one signal by the homotopy method: the penalty falls from where the code is zero.

    min ½‖x − Dᵀc‖² + λ‖c‖₁,   optionally with c ≥ 0,   for λ from the largest ``|z|`` down to α

Between two events the code is linear in λ: each member of the support has ``|z|`` = λ, and moves
with H⁻¹s, where H is the Gram matrix of the support and s are the signs. At an event an atom
enters, whose ``|z|`` has become λ, or a weight becomes zero and leaves (Osborne, Presnell and
Turlach: A new approach to variable selection in least squares problems, 2000; Efron, Hastie,
Johnstone and Tibshirani: Least angle regression, 2004). A code of ten weights takes some twelve
events, each of which costs the product of its rows of G with a vector.

H⁻¹ and the direction are kept, and changed by one row and column at an event. Rounding errors in
them do not matter: z follows from the moves that are made, and descent
(:mod:`strads.kernels.coding.descent`) goes on where the gap is not small enough. So it does where
the support is large, or its atoms depend on each other.
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.coding.space import MEMBERS, Space
from strads.kernels.lanes import LANES, load, madd, splat, store

kernel = numba.njit(nogil=True, error_model="numpy")
#: Without NaNs and signs of zeros a minimum has no order, so that the compiler uses vectors.
unordered = numba.njit(nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})

#: Largest number of events.
EVENTS = 2 * MEMBERS
#: The method ends where an atom is a combination of members, but for this share of its square.
PIVOT = 1e-6
#: Divisors are at least this, so that an event that never comes is far away.
TINY = 1e-25
#: Rows of the work space beyond those of H⁻¹: the direction, and what changes H⁻¹.
STEP, CHANGE = MEMBERS, MEMBERS + 1


@kernel
def pursue(
    C: np.ndarray, i: int, Z: np.ndarray, s: int, G: np.ndarray, alpha: float, positive: bool,
    xx: float, tol: float, space: Space,
) -> float:  # fmt: skip
    """Set a signal's code, row `i` of C, which must be zero, by letting λ fall towards α.

    It ends early if the duality gap for α is at most ``tol · xx / 2``, after :data:`EVENTS` events,
    and where the next atom would be member number ``MEMBERS + 1`` or depends on the members.

    Parameters
    ----------
    C, i, Z, s, G, positive, space
        See :func:`strads.kernels.coding.descent.descend`.
    alpha : float
        Weight of the L1 penalty, above 0.
    xx : float
        ‖x‖².
    tol : float

    Returns
    -------
    float
        ‖x − Dᵀc‖² of the code.
    """
    V, P, c, active, signs = space.V, space.P, space.c, space.active, space.support
    level, entering = _first(Z, s, positive)
    rr, count, left = xx, 0, -1
    for m in range(MEMBERS):
        P[STEP, m] = 0.0
    limit = min(MEMBERS, Z.shape[1])
    for _ in range(EVENTS):
        if not level > alpha or rr * (1.0 - alpha / level) ** 2 <= tol * xx:
            break
        if entering >= 0:
            sign = 1 if Z[s, entering] > 0.0 else -1
            if count == limit or not _join(G, entering, sign, count, space):
                break
            count += 1
        pull = _slopes(G, count, space)
        _events(Z, s, level, positive, active, count, V)
        if left >= 0:
            V[1, left] = _return(Z[s, left], V[0, left], level, positive)
        length, leaving = level - alpha, -1
        for m in range(count):
            if signs[m] * P[STEP, m] < 0.0 and -c[m] / P[STEP, m] < length:
                length, leaving = -c[m] / P[STEP, m], m
        entering = _nearest(V, length)
        if entering >= 0:
            length, leaving = np.float64(V[1, entering]), -1
        for m in range(count):
            c[m] += length * P[STEP, m]
        move = splat(Z, -length)
        for a in range(0, Z.shape[1], LANES):
            store(Z, s, a, madd(move, load(V, 0, a), load(Z, s, a)))
        rr -= length * pull * (2.0 * level - length)
        level -= length
        left = -1
        if leaving >= 0:
            left = active[leaving]
            count = _leave(leaving, count, space)
        elif entering < 0:
            break
    for m in range(count):
        if c[m] * signs[m] > 0.0:
            C[i, active[m]] = c[m]
    return rr


@kernel
def _first(Z: np.ndarray, s: int, positive: bool) -> tuple[float, int]:
    """Return the largest ``|z|`` (or z), and the atom that has it; -1 if none is above 0."""
    level, atom = 0.0, -1
    for j in range(Z.shape[1]):
        z = Z[s, j] if positive else abs(Z[s, j])
        if z > level:
            level, atom = np.float64(z), j
    return level, atom


@kernel
def _join(G: np.ndarray, atom: int, sign: int, count: int, space: Space) -> bool:
    """Make an atom member number `count`; return False if it depends on the others."""
    P, active, signs = space.P, space.active, space.support
    for first in range(0, count + 1, LANES):
        sums = splat(P, 0.0)
        for m in range(count):
            sums = madd(splat(P, G[atom, active[m]]), load(P, m, first), sums)
        store(P, CHANGE, first, sums)
    for first in range(0, MEMBERS, LANES):
        store(P, count, first, splat(P, 0.0))
    rest, change = np.float64(G[atom, atom]), -np.float64(sign)
    for m in range(count):
        rest -= P[CHANGE, m] * G[atom, active[m]]
        change += P[CHANGE, m] * signs[m]
    if not rest > PIVOT * G[atom, atom] or not sign * change < 0.0:
        return False
    P[CHANGE, count] = -1.0
    space.c[count], active[count], signs[count] = 0.0, atom, sign
    _change(P, count + 1, 1.0 / rest, change / rest)
    return True


@kernel
def _leave(leaving: int, count: int, space: Space) -> int:
    """Take a member out, in whose place the last one comes; return how many are left."""
    P, last = space.P, count - 1
    for first in range(0, count, LANES):
        store(P, CHANGE, first, load(P, leaving, first))
    own = P[leaving, leaving]
    _change(P, count, -1.0 / own, -P[STEP, leaving] / own)
    for m in range(count):
        P[m, leaving] = P[m, last]
        P[m, last] = 0.0
    for m in range(count):
        P[leaving, m] = P[last, m]
    P[STEP, leaving] = P[STEP, last]
    P[STEP, last] = 0.0
    for each in (space.active, space.support):
        each[leaving] = each[last]
    space.c[leaving] = space.c[last]
    return last


@kernel
def _change(P: np.ndarray, count: int, share: float, along: float) -> None:
    """Add `share` times vvᵀ to H⁻¹ and `along` times v to the direction; v is the row `CHANGE`."""
    for first in range(0, count, LANES):
        v = load(P, CHANGE, first)
        for m in range(count):
            store(P, m, first, madd(splat(P, share * P[CHANGE, m]), v, load(P, m, first)))
        store(P, STEP, first, madd(splat(P, along), v, load(P, STEP, first)))


@kernel
def _slopes(G: np.ndarray, count: int, space: Space) -> float:
    """Set ``V[0]`` to the product of G with the direction; return that of the signs with it."""
    P, V, active = space.P, space.V, space.active
    for a in range(0, V.shape[1], LANES):
        sums = splat(V, 0.0)
        for m in range(count):
            sums = madd(splat(V, P[STEP, m]), load(G, active[m], a), sums)
        store(V, 0, a, sums)
    pull = 0.0
    for m in range(count):
        pull += space.support[m] * P[STEP, m]
    return pull


@unordered
def _events(
    Z: np.ndarray, s: int, level: float, positive: bool, active: np.ndarray, count: int,
    V: np.ndarray,
) -> None:  # fmt: skip
    """Set ``V[1]`` to how far λ falls until each atom that is no member would enter."""
    V[1, 0], V[1, 1], V[1, 2], V[1, 3] = level, TINY, 1.0, 0.0
    top, tiny, one, zero = V[1, 0], V[1, 1], V[1, 2], V[1, 3]  # in the type of V
    for j in range(V.shape[1]):
        V[1, j] = max(top - Z[s, j], zero) / max(one - V[0, j], tiny)
    if not positive:
        for j in range(V.shape[1]):
            V[1, j] = min(V[1, j], max(top + Z[s, j], zero) / max(one + V[0, j], tiny))
    for m in range(count):
        V[1, active[m]] = np.inf


@kernel
def _return(z: float, slope: float, level: float, positive: bool) -> float:
    """Return how far λ falls until an atom that has just left has z = ±λ with the other sign."""
    if positive:
        return np.inf
    side = 1.0 if z > 0.0 else -1.0
    return max(level + side * z, 0.0) / max(1.0 + side * slope, TINY)


@unordered
def _nearest(V: np.ndarray, length: float) -> int:
    """Return the atom with the smallest entry of ``V[1]``; -1 if none is below `length`."""
    least = V[1, 0]
    for j in range(V.shape[1]):
        least = min(least, V[1, j])
    if least < length:
        for j in range(V.shape[1]):
            if V[1, j] == least:
                return j
    return -1
