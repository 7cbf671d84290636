"""The code of one signal: an active set of atoms, descent on it, and the duality gap.

    min ½‖x − Dᵀc‖² + α‖c‖₁,   optionally with c ≥ 0

Only the Gram matrix G = DDᵀ and the correlations z = D(x − Dᵀc) are needed: a move of δ along atom
j subtracts δ times row j of G from z. So z of all atoms says, at each look, which atoms have to
enter the active set, and what the duality gap is. This is the covariance form of Friedman, Hastie
and Tibshirani (Regularization paths for generalized linear models via coordinate descent, 2010).
"""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.coding.members import minimise
from strads.kernels.coding.space import Space
from strads.kernels.lanes import LANES, load, madd, splat, store

kernel = numba.njit(nogil=True, error_model="numpy")
#: Without NaNs and signs of zeros a maximum has no order, so that the compiler uses vectors.
unordered = numba.njit(nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})

#: Atoms enter whose ``|z|`` is at least this share of the largest one.
SHARE = 0.85
#: Largest number of turns on the active set between two looks at all atoms.
TURNS = 2
#: Up to so many members Newton's steps are taken; they cost more than sweeps, the more the larger.
LARGEST = 96
#: From so many looks on they are taken with any number of members, as sweeps do not get there.
LATE = 30


@kernel
def descend(
    C: np.ndarray, i: int, Z: np.ndarray, s: int, G: np.ndarray, alpha: float, positive: bool,
    xx: float, rr: float, tol: float, most: float, looks: int, space: Space,
) -> tuple[float, bool]:  # fmt: skip
    """Move a signal's code, row `i` of C, until its duality gap is at most ``tol · xx / 2``.

    Parameters
    ----------
    C : ndarray of shape (n, padded atoms)
        Codes; row `i` is changed in place.
    i : int
    Z : ndarray of shape (≥ s + 1, padded atoms)
        Row `s` holds z, which is kept up to date.
    s : int
    G : ndarray of shape (padded atoms, padded atoms)
    alpha : float
        Weight of the L1 penalty.
    positive : bool
        Whether c ≥ 0.
    xx, rr : float
        ‖x‖², and ‖x − Dᵀc‖² of the code as it is.
    tol : float
    most : float
        The objective that the code must have at most.
    looks : int
        Largest number of times that atoms enter the active set.
    space : Space
        Work space.

    Returns
    -------
    rr : float
        ‖x − Dᵀc‖² of the new code, as far as rounding allows.
    short : bool
        Whether it ended for want of looks.
    """
    active, count = space.active, _members(C, i, space.active)
    size = _size(C, i, active, count)
    for look in range(looks + 1):
        largest = _largest(Z, s, positive)
        gap = _gap(C, i, Z, s, alpha, rr, largest, active, count, size)
        if not gap > 0.5 * tol * xx and 0.5 * rr + alpha * size <= most:
            break
        if look == looks:
            return rr, True
        count = _entering(C, i, Z, s, alpha, SHARE * largest, positive, active, count)
        before, length = rr, size
        largest_set = LARGEST if look < LATE else count
        rr = _descend_inside(C, i, Z, s, G, alpha, positive, rr, count, largest_set, space)
        count = _compacted(C, i, active, count)
        size = _size(C, i, active, count)
        # Of dependent atoms the weights can move while the residual stays as it is.
        if look > 0 and rr == before and size == length:
            break
    return rr, False


@kernel
def settled(
    C: np.ndarray, i: int, Z: np.ndarray, s: int, alpha: float, positive: bool, rr: float,
    active: np.ndarray,
) -> tuple[float, float, int]:  # fmt: skip
    """Return the duality gap of a code, its objective, and its number of weights."""
    count = _members(C, i, active)
    size = _size(C, i, active, count)
    gap = _gap(C, i, Z, s, alpha, rr, _largest(Z, s, positive), active, count, size)
    return gap, 0.5 * rr + alpha * size, count


@kernel
def undo(
    C: np.ndarray, i: int, Z: np.ndarray, s: int, G: np.ndarray, active: np.ndarray, count: int
) -> None:
    """Set the code to zero, of which the first `count` entries of `active` have a weight."""
    for m in range(count):
        j = active[m]
        share = splat(Z, C[i, j])
        for a in range(0, Z.shape[1], LANES):
            store(Z, s, a, madd(share, load(G, j, a), load(Z, s, a)))
        C[i, j] = 0.0


@kernel
def _members(C: np.ndarray, i: int, active: np.ndarray) -> int:
    """Write the atoms that have a weight; return their number."""
    count = 0
    for j in range(C.shape[1]):
        if C[i, j] != 0.0:
            active[count] = j
            count += 1
    return count


@kernel
def _descend_inside(
    C: np.ndarray, i: int, Z: np.ndarray, s: int, G: np.ndarray, alpha: float, positive: bool,
    rr: float, count: int, largest: int, space: Space,
) -> float:  # fmt: skip
    """Minimise over the active set, and bring z up to date; return ‖x − Dᵀc‖²."""
    active, H, c, g = space.active, space.H, space.c, space.g
    for m in range(count):
        j = active[m]
        c[m], g[m] = C[i, j], Z[s, j]
        for n in range(m + 1):
            H[m * count + n] = H[n * count + m] = G[j, active[n]]
    minimise(
        c, g, H, count, alpha, positive, TURNS, largest, space.L, space.d, space.support
    )  # fmt: skip
    for m in range(count):
        j = active[m]
        old = C[i, j]
        C[i, j] = c[m]
        move = C[i, j] - old  # of the weight as it is stored, which may be rounded
        if move != 0.0:
            before, step = Z[s, j], splat(Z, -move)
            for a in range(0, Z.shape[1], LANES):
                store(Z, s, a, madd(step, load(G, j, a), load(Z, s, a)))
            rr -= move * (np.float64(before) + np.float64(Z[s, j]))
    return rr


@kernel
def _compacted(C: np.ndarray, i: int, active: np.ndarray, count: int) -> int:
    """Drop atoms whose weight is zero from the active set; return how many are left."""
    left = 0
    for m in range(count):
        j = active[m]
        if C[i, j] != 0.0:
            active[left] = j
            left += 1
    return left


@kernel
def _size(C: np.ndarray, i: int, active: np.ndarray, count: int) -> float:
    """Return ‖c‖₁."""
    size = 0.0
    for m in range(count):
        size += abs(C[i, active[m]])
    return size


@unordered
def _largest(Z: np.ndarray, s: int, positive: bool) -> float:
    """Return the largest ``|z|`` or, of positive codes, the largest z; at least 0."""
    largest = Z[s, 0] * 0
    if positive:
        for j in range(Z.shape[1]):
            largest = max(largest, Z[s, j])
    else:
        for j in range(Z.shape[1]):
            largest = max(largest, abs(Z[s, j]))
    return largest


@kernel
def _gap(
    C: np.ndarray, i: int, Z: np.ndarray, s: int, alpha: float, rr: float, largest: float,
    active: np.ndarray, count: int, size: float,
) -> float:  # fmt: skip
    """Return the duality gap; the dual point is the residual, scaled until it is feasible."""
    fitted = 0.0
    for m in range(count):
        j = active[m]
        fitted += C[i, j] * Z[s, j]
    return gap_of(alpha, size, rr, fitted, largest)


@kernel
def gap_of(alpha: float, size: float, rr: float, fitted: float, largest: float) -> float:
    """Return ½‖r‖² + α‖c‖₁ − (σ xᵀr − ½σ²‖r‖²), where σr is dual feasible.

    Parameters
    ----------
    alpha : float
    size, rr, fitted : float
        ‖c‖₁, ‖r‖² and cᵀz; xᵀr is ‖r‖² + cᵀz.
    largest : float
        The largest ``|z|`` (of positive codes z), at least 0.
    """
    scale = alpha / largest if largest > alpha else 1.0
    return 0.5 * rr * (1.0 - scale) ** 2 + alpha * size - scale * fitted


@kernel
def _entering(
    C: np.ndarray, i: int, Z: np.ndarray, s: int, alpha: float, least: float, positive: bool,
    active: np.ndarray, count: int,
) -> int:  # fmt: skip
    """Append atoms without weight that would get one; return how many are active then."""
    for j in range(Z.shape[1]):
        z = Z[s, j] if positive else abs(Z[s, j])
        if z >= least and z > alpha and C[i, j] == 0.0:
            active[count] = j
            count += 1
    return count
