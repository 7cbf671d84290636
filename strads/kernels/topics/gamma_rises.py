"""Differences of ln Γ, and of its derivative ψ, between arguments a whole number apart."""

from __future__ import annotations

import math

import numba

kernel = numba.njit(nogil=True, error_model="numpy")

#: Up to this n, a product or a sum of n numbers is faster than two calls of the function.
FEW = 8


@kernel
def log_rise(n: int, a: float) -> float:
    """Return ln Γ(n + a) − ln Γ(a)."""
    if n > FEW:
        return math.lgamma(n + a) - math.lgamma(a)
    product = 1.0
    for i in range(n):
        product *= a + i
    return math.log(product)


@kernel
def slope_rise(n: int, a: float) -> float:
    """Return ψ(n + a) − ψ(a)."""
    if n > FEW:
        return digamma(n + a) - digamma(a)
    rise = 0.0
    for i in range(n):
        rise += 1.0 / (a + i)
    return rise


@kernel
def digamma(x: float) -> float:
    """Return ψ(x) for x > 0: by recurrence to x ≥ 8, then by the asymptotic series up to x⁻¹⁰."""
    shift = 0.0
    while x < 8.0:
        shift -= 1.0 / x
        x += 1.0
    square = 1.0 / (x * x)
    tail = 1.0 / 240.0 - square / 132.0
    tail = 1.0 / 12.0 - square * (1.0 / 120.0 - square * (1.0 / 252.0 - square * tail))
    return shift + math.log(x) - 0.5 / x - square * tail
