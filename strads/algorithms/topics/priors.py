"""Steps of the priors of a topic model towards their maximum likelihood: Minka's fixed point.

    α_k ← α_k Σ_d [ψ(n_dk + α_k) − ψ(α_k)] / Σ_d [ψ(N_d + A) − ψ(A)],    A = Σ_k α_k
    β ← β Σ_wk [ψ(n_wk + β) − ψ(β)] / (V Σ_k [ψ(n_k + Vβ) − ψ(Vβ)])

(Minka, Estimating a Dirichlet distribution, 2000, eq. 55.) Wallach, Mimno and McCallum (NIPS 2009)
found that one α for each topic and one β for all words is the best choice.
"""

from __future__ import annotations

import numpy as np
from scipy.special import psi

#: Number of sweeps before the first step, and between two steps.
BURN_IN, EVERY = 20, 10
#: Lower limit of a prior: with a prior of 0, a topic without tokens would never get one again.
LEAST = 1e-5


def next_alpha(alpha: np.ndarray, slopes: np.ndarray, whole: float) -> np.ndarray:
    """Return α after one step.

    Parameters
    ----------
    alpha : ndarray of shape (topics,)
        Prior of each topic.
    slopes : ndarray of shape (topics,)
        Σ_d ψ(n_dk + α_k) − ψ(α_k).
    whole : float
        Σ_d ψ(N_d + A) − ψ(A).
    """
    return np.maximum(alpha * slopes / whole, LEAST) if whole > 0.0 else alpha


def next_beta(beta: float, slope: float, totals: np.ndarray, words: int) -> float:
    """Return β after one step; `slope` is Σ_wk ψ(n_wk + β) − ψ(β)."""
    mass = words * beta
    whole = words * float((psi(totals + mass) - psi(mass)).sum())
    return max(beta * slope / whole, LEAST) if whole > 0.0 else beta
