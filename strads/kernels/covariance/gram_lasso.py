"""The Lasso of one variable on all others, from a matrix of covariances."""

from __future__ import annotations

import numba
import numpy as np

from strads.kernels.linear.prox import soft_threshold

kernel = numba.njit(nogil=True, error_model="numpy")

#: Sweeps over the active variables before all variables are looked at again.
INNER = 50
#: Those sweeps end once no update changes the objective by more than this share of the tolerance.
CALM = 0.1


@kernel
def relative_gap(S: np.ndarray, target: int, alpha: float, b: np.ndarray, q: np.ndarray) -> float:
    """Return the duality gap of weights, divided by the objective without weights.

    Parameters
    ----------
    S : ndarray of shape (p, p)
        Covariances.
    target : int
        The variable that is explained.
    alpha : float
    b : ndarray of shape (p,)
        Weights; that of the target is 0.
    q : ndarray of shape (p,)
        Row `target` of S minus S b: covariances with the residual.
    """
    explained, residual, size, largest = 0.0, 0.0, 0.0, 0.0
    for k in range(len(b)):
        if k != target:
            largest = max(largest, abs(q[k]))
            if b[k] != 0.0:
                explained += b[k] * S[target, k]
                residual += b[k] * q[k]
                size += abs(b[k])
    variance = S[target, target]
    along = variance - explained  # inner product of target and residual
    residual = max(along - residual, 0.0)  # squared residual
    primal = 0.5 * residual + alpha * size
    scale = along / residual if residual > 0.0 else 0.0
    if largest > 0.0:
        scale = min(max(scale, -alpha / largest), alpha / largest)
    dual = scale * along - 0.5 * scale * scale * residual
    return (primal - dual) / (0.5 * variance)


@kernel
def descend(
    S: np.ndarray, alpha: float, b: np.ndarray, q: np.ndarray, active: np.ndarray, enough: float
) -> int:
    """Minimise over the active variables by coordinate descent; q is kept for them alone.

    Returns
    -------
    int
        Number of sweeps.
    """
    for sweep in range(INNER):
        largest = 0.0
        for k in active:
            variance = S[k, k]
            z = soft_threshold(b[k] * variance + q[k], alpha) / variance
            step = z - b[k]
            if step != 0.0:
                b[k] = z
                for other in active:
                    q[other] -= step * S[k, other]
                largest = max(largest, step * step * variance)
        if largest <= enough:
            return sweep + 1
    return INNER


@kernel
def gram_lasso(
    S: np.ndarray, target: int, alpha: float, tol: float, max_iter: int, b: np.ndarray,
    q: np.ndarray, ids: np.ndarray,
) -> tuple[float, int]:  # fmt: skip
    """Minimise ½ var(x_target − Σ_k b_k x_k) + α Σ ``|b_k|`` over b, with b_target = 0.

    Coordinate descent on active variables: those with a weight, and those whose covariance with the
    residual is above α.

    Parameters
    ----------
    S, target, alpha
        See :func:`relative_gap`.
    tol : float
        Relative duality gap to reach.
    max_iter : int
        Largest number of sweeps.
    b : ndarray of shape (p,)
        Written.
    q : ndarray of shape (p,)
        Work space.
    ids : ndarray of int64, shape (p,)
        Work space.

    Returns
    -------
    gap : float
        Relative duality gap; 0 for a variable without variance.
    sweeps : int
    """
    p, variance, sweeps = len(b), S[target, target], 0
    b[:] = 0.0
    if variance <= 0.0:
        return 0.0, 0
    q[:] = S[target, :]
    while True:
        gap = relative_gap(S, target, alpha, b, q)
        if gap <= tol or sweeps >= max_iter:
            return gap, sweeps
        count = 0
        for k in range(p):
            if k != target and S[k, k] > 0.0 and (b[k] != 0.0 or abs(q[k]) > alpha):
                ids[count] = k
                count += 1
        active = ids[:count]
        sweeps += descend(S, alpha, b, q, active, CALM * tol * variance / max(count, 1))
        q[:] = S[target, :]  # for all variables, since those that were not active have old values
        for k in active:
            if b[k] != 0.0:
                for other in range(p):
                    q[other] -= b[k] * S[k, other]
