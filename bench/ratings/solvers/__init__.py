"""Solvers of ratings, a module each.

On explicit ratings they minimise Σ_(u,i) (x_ui − x̂_ui)² + λ(‖w_u‖² + ‖h_i‖²), the sum over known
ratings; on implicit ones Σ_ui c_ui (p_ui − w_uᵀh_i)² + λ(‖W‖² + ‖H‖²) over all pairs, with
c = 1 + x and p = 1 where a rating x is stored, c = 1 and p = 0 elsewhere.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Factors:
    """Answer of a solver: x̂_ui = mean + b_u + c_i + w_uᵀh_i.

    Rows of NaN belong to users or items that the solver did not see; `unseen` is predicted there.
    """

    users: np.ndarray
    items: np.ndarray
    user_biases: np.ndarray | None = None
    item_biases: np.ndarray | None = None
    mean: float = 0.0
    unseen: float = 0.0
