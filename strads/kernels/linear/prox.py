"""Proximal operators."""

from __future__ import annotations

import numba


@numba.njit(nogil=True, error_model="numpy")
def soft_threshold(x: float, threshold: float) -> float:
    """Proximal operator of ``threshold * |.|``: shrink `x` towards 0 by `threshold`."""
    # With the test in this form a NaN stays a NaN, so that a broken gradient does not look like a
    # zero coefficient.
    if abs(x) <= threshold:
        return 0.0
    return x - threshold if x > 0.0 else x + threshold
