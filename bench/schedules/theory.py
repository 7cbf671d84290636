r"""What theory says of interference: the bound behind Shotgun (Bradley et al. 2011).

Of d unit columns with Gram matrix G, whose largest eigenvalue is σ, let C move together, drawn
uniformly, each by what would be best alone, δ_j. One by one they promise at least ½ δ_j² each. What
is lost is ½ Σ_{j≠k} δ_j δ_k G_jk, in expectation

    ½ C (C − 1) / (d (d − 1)) (δᵀGδ − δᵀδ)  ≤  ½ C (C − 1) / (d (d − 1)) (σ − 1) ‖δ‖²,

so the share (C − 1)(σ − 1) / (d − 1) of the promise at most. Where that reaches 1, nothing is sure
any more.
"""

from __future__ import annotations


def most_lost(together: float, features: int, radius: float) -> float:
    """Share of the promised progress that is lost at most, in expectation."""
    return (together - 1.0) * (radius - 1.0) / max(features - 1, 1)


def most_together(features: int, radius: float) -> float:
    """Ids that may move together before all of the promise may be lost."""
    return 1.0 + (features - 1) / (radius - 1.0) if radius > 1.0 else float("inf")
