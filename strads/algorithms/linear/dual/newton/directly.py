"""Newton's step by a Cholesky factor of the Hessian, where there are few features."""

from __future__ import annotations

import numpy as np

from strads.algorithms.linear.dual.problem import curvature_of
from strads.engine import kernel
from strads.kernels.linear.matrices import axpy
from strads.kernels.linear.outer_products import add_outer


@kernel
def solve_directly(samples, tau, free, work):
    """Solve (I + X_FᵀS X_F)·step = Xᵀβ − w."""
    H, last, scaling = work.system, len(work.w) - 1, samples.scaling
    H[:, :] = 0.0
    for j in range(len(H)):
        H[j, j] = 1.0
        work.step[j] = work.v[j] - work.w[j]
    border = work.image
    border[:] = 0.0
    for place in range(free):
        i = work.free[place]
        inverse = 1.0 / (curvature_of(samples, i) + tau)
        add_outer(inverse, samples.XT, i, H)
        if scaling != 0.0:
            axpy(inverse * scaling, samples.XT, i, border[:last])
            border[last] += inverse * scaling * scaling
    for j in range(len(H)):
        H[j, last] += border[j]
    factorise(H)
    solve(H, work.step)


@kernel
def factorise(H):
    """Replace the upper triangle of a positive definite matrix by U, where H = UᵀU."""
    for k in range(len(H)):
        inverse = 1.0 / np.sqrt(H[k, k])
        for j in range(k, len(H)):
            H[k, j] *= inverse
        for i in range(k + 1, len(H)):
            factor = H[k, i]
            if factor != 0.0:
                for j in range(i, len(H)):
                    H[i, j] -= factor * H[k, j]


@kernel
def solve(U, x):
    """Replace x by the solution of UᵀU·solution = x."""
    for k in range(len(x)):
        x[k] /= U[k, k]
        for j in range(k + 1, len(x)):
            x[j] -= x[k] * U[k, j]
    for k in range(len(x) - 1, -1, -1):
        total = x[k]
        for j in range(k + 1, len(x)):
            total -= U[k, j] * x[j]
        x[k] = total / U[k, k]
