"""Priors of a topic model that make the topics found most likely: Minka's fixed point.

    α_k ← α_k Σ_d [ψ(n_dk + α_k) − ψ(α_k)] / Σ_d [ψ(N_d + A) − ψ(A)],    A = Σ_k α_k
    β ← β Σ_wk [ψ(n_wk + β) − ψ(β)] / (V Σ_k [ψ(n_k + Vβ) − ψ(Vβ)])

(Minka, Estimating a Dirichlet distribution, 2000, eq. 55.) A prior per topic and one for all words
is what Wallach, Mimno and McCallum found to pay (NIPS 2009).
"""

from __future__ import annotations

import numpy as np
from scipy.special import psi

#: Sweeps before the first step, and between two.
BURN_IN, EVERY = 20, 10
#: No prior falls below: a topic without tokens would never have any again.
LEAST = 1e-5


def next_alpha(alpha: np.ndarray, slopes: np.ndarray, whole: float) -> np.ndarray:
    """One step of α.

    Parameters
    ----------
    alpha : ndarray of shape (topics,)
    slopes : ndarray of shape (topics,)
        Σ_d ψ(n_dk + α_k) − ψ(α_k).
    whole : float
        Σ_d ψ(N_d + A) − ψ(A).
    """
    return np.maximum(alpha * slopes / whole, LEAST) if whole > 0.0 else alpha


def next_beta(beta: float, slope: float, totals: np.ndarray, words: int) -> float:
    """One step of β; `slope` is Σ_wk ψ(n_wk + β) − ψ(β)."""
    mass = words * beta
    whole = words * float((psi(totals + mass) - psi(mass)).sum())
    return max(beta * slope / whole, LEAST) if whole > 0.0 else beta
