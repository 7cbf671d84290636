"""Programs of `examples/` whose workers each have all of the residual and move many ids in turn."""

import numpy as np

from examples.group_lasso import GroupLasso
from examples.own_program import NNLS
from strads import axpy, derived, dot, kernel


class OwnResiduals(NNLS):
    """The README's program; each worker has all of r, and its pushes keep its copy."""

    r = derived("rows", replicated=True)
    sequential = True

    @kernel
    def push(block, A, sq, w, r, delta, change):
        for i, j in enumerate(block):
            delta[i] = 0.0
            if sq[j] > 0.0:
                delta[i] = max(dot(A, j, r) / sq[j], -w[j])
                w[j] += delta[i]
                axpy(-delta[i], A, j, r)
                change[i] = abs(delta[i]) * np.sqrt(sq[j])

    @kernel
    def pull(block, delta, A, r, source, worker):
        if source != worker:
            for i, j in enumerate(block):
                axpy(-delta[i], A, j, r)

    @kernel
    def rebuild(A, b, w, r):
        r[:] = b
        for j in np.flatnonzero(w):
            axpy(-w[j], A, j, r)


class OwnGroupResiduals(GroupLasso):
    """The example's group Lasso with residuals of the same kind."""

    r = derived("rows", replicated=True)
    sequential = True

    @kernel
    def push(block, X, curvature, penalty, w, r, delta, change):
        width = w.shape[1]
        for i, g in enumerate(block):
            length = 0.0
            for k in range(width):
                delta[i, k] = w[g, k] + dot(X, g * width + k, r) / curvature[g]
                length += delta[i, k] ** 2
            least = penalty / curvature[g]
            shrink = 1.0 - least / np.sqrt(length) if length > least**2 else 0.0
            moved = 0.0
            for k in range(width):
                new = shrink * delta[i, k]
                delta[i, k] = new - w[g, k]
                w[g, k] = new
                moved += delta[i, k] ** 2
                axpy(-delta[i, k], X, g * width + k, r)
            change[i] = np.sqrt(curvature[g] * moved)

    @kernel
    def pull(block, delta, X, w, r, source, worker):
        width = w.shape[1]
        if source != worker:
            for i, g in enumerate(block):
                for k in range(width):
                    axpy(-delta[i, k], X, g * width + k, r)

    @kernel
    def rebuild(X, y, w, r):
        r[:] = y
        for g in range(w.shape[0]):
            for k in range(w.shape[1]):
                axpy(-w[g, k], X, g * w.shape[1] + k, r)
