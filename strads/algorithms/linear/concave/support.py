"""Second-order steps on the support of a least-squares problem with a concave penalty.

    min_v ‖y − Xv‖² / 2 + n Σ_j ρ(|v_j|)

Where no weight changes its sign, the gradient is −Xᵀr + nρ'(|v|)·sign(v), and its derivative is
XᵀX + n·diag(ρ''), where ρ'' ≤ 0. A step solves a system with that matrix, or, where it is not
positive definite, with a smaller share of ρ''. Without ρ'' it is the step for fixed tangents, which
always descends. A weight that would cross zero stops there, and is in the support no longer.

Of a large support, the system is solved by conjugate gradients, which need products with X alone.
Where they meet a direction in which the objective is not convex, they end with what they have,
which descends (Steihaug 1983).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.linalg

from strads.algorithms.linear.concave.concave_penalty import ConcavePenalty
from strads.algorithms.linear.solver.newton.polish import Support
from strads.algorithms.linear.solver.residual_form.support_steps import stopped_at_zero

#: Largest number of steps, and shares of ρ'' to try. Fits of dense, autoregressive and sparse
#: columns (α_max / 30): (1, 0.5, 0) takes 1.1, (1, 0) 1.5 and 1 alone 4 to 10 times as long.
STEPS: Final = 10
SHARES: Final = (1.0, 0.7, 0.35, 0.0)
#: The steps end when the gradient is below this share of the largest penalty.
SOLVED: Final = 1e-10
#: A step is multiplied by the first number until the objective falls, or it is shorter than the
#: second.
SHORTENED, SHORTEST = 0.4, 0.05
#: Conjugate gradients end at this share of the gradient, or after so many products.
ACCURACY, MOST_PRODUCTS = 0.03, 100
#: ρ'' is a difference of slopes at sizes that differ by this share.
NEAR: Final = 1e-6


def steepest_slope(rho: ConcavePenalty, alpha: float) -> float:
    """Return the slope of a penalty at zero.

    Raises
    ------
    ValueError
        If it is not positive and finite: then weights never leave zero, or none ever reaches it.
    """
    if isinstance(rho, type):
        raise ValueError(f"penalty={rho!r} is a class: give an object of it, as in MCP()")
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = rho.slope(np.zeros(1), alpha)
    if np.shape(slopes) != (1,):
        raise ValueError(f"penalty={rho!r}: slope must return one number for each size")
    slope = float(slopes[0])
    if not 0.0 < slope < np.inf:
        raise ValueError(
            f"{rho!r}: the slope at zero must be positive and finite, and is {slope}; where it is "
            "infinite, no weight ever leaves zero"
        )
    return slope


@dataclass(frozen=True)
class Concave:
    """A concave penalty of weights, times the number of samples.

    Attributes
    ----------
    rho : ConcavePenalty
    alpha : float
    n : int
        Number of samples.
    """

    rho: ConcavePenalty
    alpha: float
    n: int

    def cost(self, v: np.ndarray) -> float:
        """Return n Σ ρ(|v_j|)."""
        return self.n * float(self.rho.value(np.abs(v), self.alpha).sum())

    def change(self, before: np.ndarray, after: np.ndarray) -> float:
        """Return by how much n Σ ρ(|v_j|) changes."""
        costs = [self.rho.value(np.abs(v), self.alpha) for v in (before, after)]
        return self.n * float((costs[1] - costs[0]).sum())

    def slope(self, v: np.ndarray) -> np.ndarray:
        """Return nρ'(|v|)."""
        slope: np.ndarray = self.n * self.rho.slope(np.abs(v), self.alpha)
        return slope

    def bend(self, v: np.ndarray) -> np.ndarray:
        """Return nρ''(|v|), at most 0."""
        away = NEAR * np.abs(v)
        change = self.slope(np.abs(v) + away) - self.slope(np.abs(v) - away)
        return np.minimum(np.divide(change, 2.0 * away, out=np.zeros(len(v)), where=away > 0), 0.0)

    def violation(self, v: np.ndarray, score: np.ndarray, *, positive: bool) -> np.ndarray:
        """Return by how much each weight violates its optimality condition.

        Parameters
        ----------
        v, score : ndarray
            Weights, and the negative derivatives of the loss by them, times n.
        positive : bool
            Whether weights are constrained to v ≥ 0.
        """
        limits = self.slope(v)
        size = score if positive else np.abs(score)
        at_zero = np.maximum(size - limits, 0.0)
        return np.where(v != 0.0, np.abs(score - limits * np.sign(v)), at_zero)


def steps_on_support(
    columns: Support, system: np.ndarray | None, v: np.ndarray, concave: Concave
) -> np.ndarray:
    """Return weights with a lower objective; signs do not change, but weights may become zero.

    Parameters
    ----------
    columns : Support
    system : ndarray of shape (k, k) or None
        XᵀX of the columns, or an approximation; None: conjugate gradients.
    v : ndarray of shape (k,)
        Weights, none of them zero.
    concave : Concave
    """
    kept, r, found = np.arange(len(v)), columns.residual(v), v.copy()
    enough = SOLVED * float(concave.slope(np.zeros(1))[0])
    for _ in range(STEPS):
        v, slope = found[kept], concave.slope(found[kept])
        gradient = columns.scores(r)[kept] - slope * np.sign(v)
        if not np.abs(gradient).max() > enough:
            break
        if system is None:
            candidates = _by_conjugate_gradients(columns, kept, gradient, concave.bend(v))
        else:
            candidates = _candidates(system[np.ix_(kept, kept)], gradient, concave.bend(v))
        for step in candidates:
            lower = _shortened(columns, found, r, kept, step, concave)
            if lower is not None:
                found, r = lower
                kept = kept[found[kept] != 0.0]
                break
        else:
            break
        if len(kept) == 0:
            break
    return found


def _candidates(system: np.ndarray, gradient: np.ndarray, bend: np.ndarray) -> Iterator[np.ndarray]:
    """Yield steps, those with the largest share of ρ'' first."""
    for share in SHARES if np.any(bend) else (0.0,):
        whole = system.copy()
        whole.flat[:: len(gradient) + 1] += share * bend
        try:
            factor = scipy.linalg.cho_factor(
                whole, lower=True, overwrite_a=True, check_finite=False
            )
        except scipy.linalg.LinAlgError:
            continue
        yield scipy.linalg.cho_solve(factor, gradient, check_finite=False)


def _by_conjugate_gradients(
    columns: Support, kept: np.ndarray, gradient: np.ndarray, bend: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield the step of conjugate gradients, preconditioned by the lengths of columns."""
    inverse = 1.0 / columns.lengths2[kept]
    whole = np.zeros(columns.lengths2.shape)
    step, rest = np.zeros(len(gradient)), gradient.copy()
    direction = inverse * rest
    size = start = float(rest @ direction)
    for _ in range(MOST_PRODUCTS):
        whole[kept] = direction
        product = columns.scores(columns.image(whole))[kept] + bend * direction
        curve = float(direction @ product)
        if not curve > 0.0:
            break
        length = size / curve
        step += length * direction
        rest -= length * product
        before, size = size, float(rest @ (inverse * rest))
        if size <= ACCURACY**2 * start:
            break
        direction = inverse * rest + (size / before) * direction
    yield step if np.any(step) else direction


def _shortened(
    columns: Support, v: np.ndarray, r: np.ndarray, kept: np.ndarray, step: np.ndarray,
    concave: Concave,
) -> tuple[np.ndarray, np.ndarray] | None:  # fmt: skip
    """Go along a step as far as the objective falls; return the new weights and residual.

    Its change is computed without the objective itself, of which rounding may leave nothing: a row
    of an expanded loss has a large residual where the loss is nearly straight.
    """
    share = 1.0
    while share >= SHORTEST:
        new = v.copy()
        new[kept] = stopped_at_zero(v[kept], share * step)
        image = columns.image(new - v)
        change = 0.5 * float(image @ image) - float(image @ r) + concave.change(v, new)
        if change < 0.0:
            return new, r - image
        share *= SHORTENED
    return None
