"""Newton's step by conjugate gradients, preconditioned with the diagonal of the Hessian."""

from __future__ import annotations

from strads.algorithms.linear.dual.problem import curvature_of
from strads.engine import kernel
from strads.kernels.linear.matrices import axpy, dot
from strads.kernels.linear.outer_products import add_squares

#: Largest number of products with the Hessian for a step.
PRODUCTS = 2000


@kernel
def solve_by_products(samples, tau, free, accuracy, work):
    """Solve (I + X_FᵀS X_F)·step = Xᵀβ − w up to a share of the right-hand side.

    Returns the number of products with the Hessian.
    """
    residual, towards, image, diagonal = work.residual, work.towards, work.image, work.diagonal
    fill_diagonal(samples, tau, free, work)
    size = 0.0
    for j in range(len(residual)):
        work.step[j] = 0.0
        residual[j] = work.v[j] - work.w[j]
        towards[j] = residual[j] / diagonal[j]
        size += residual[j] * towards[j]
    enough = accuracy * accuracy * size
    for made in range(PRODUCTS):
        if not size > enough:
            return made
        multiply(samples, tau, free, work)
        along = 0.0
        for j in range(len(image)):
            along += towards[j] * image[j]
        length, before, size = size / along, size, 0.0
        for j in range(len(image)):
            work.step[j] += length * towards[j]
            residual[j] -= length * image[j]
            size += residual[j] * residual[j] / diagonal[j]
        for j in range(len(image)):
            towards[j] = residual[j] / diagonal[j] + size / before * towards[j]
    return PRODUCTS


@kernel
def multiply(samples, tau, free, work):
    """Compute image = (I + X_FᵀS X_F)·towards."""
    towards, image, last = work.towards, work.image, len(work.image) - 1
    image[:] = towards
    source, destination = towards[:last], image[:last]
    for place in range(free):
        i = work.free[place]
        score = dot(samples.XT, i, source) + samples.scaling * towards[last]
        score /= curvature_of(samples, i) + tau
        axpy(score, samples.XT, i, destination)
        image[last] += samples.scaling * score


@kernel
def fill_diagonal(samples, tau, free, work):
    """Compute the diagonal of the Hessian."""
    diagonal, last = work.diagonal, len(work.diagonal) - 1
    diagonal[:] = 1.0
    for place in range(free):
        i = work.free[place]
        inverse = 1.0 / (curvature_of(samples, i) + tau)
        add_squares(inverse, samples.XT, i, diagonal[:last])
        diagonal[last] += inverse * samples.scaling * samples.scaling
