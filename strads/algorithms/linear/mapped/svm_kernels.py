"""Kernels of support vector machines on a matrix in a file: what a pass does with a block."""

from __future__ import annotations

import numpy as np

from strads.algorithms.linear.dual.judge import add_dual, add_primal
from strads.algorithms.linear.dual.problem import Samples
from strads.algorithms.linear.dual.sweep import descend
from strads.engine import kernel
from strads.kernels.linear.matrices import CSC, column_norm2


@kernel
def visit_block(
    key, samples, fresh, most, goal, squares, label, chosen, beta, v, w, exact, fresh_sum, figures,
    order, bar, top, estimate, busy, scores, moves,
):  # fmt: skip
    """Judge the models on a block, then make up to `most` epochs on it."""
    for i in range(len(samples.y)):
        samples.norm2[i] = column_norm2(samples.XT, i) + samples.scaling**2
        squares[0] += samples.cost[i] * samples.norm2[i]
    add_dual(samples, label, beta, fresh_sum, figures, moves)
    for j in range(len(exact)):
        for lane in range(len(label)):
            exact[j, lane] += fresh_sum[j, lane]
    if not fresh:
        add_primal(samples, label, w, figures, scores)
        bar[:] = np.inf
        descend(
            samples, label, chosen, key, most, 0.0, goal, beta, v, order, bar, top, estimate, busy,
            scores, moves,
        )  # fmt: skip


@kernel
def push_dense(
    worker, key, held, part, part_y, part_cost, part_norm2, part_beta, epsilon, scaling, squared,
    classes, fresh, most, goal, squares, label, chosen, v, w, exact, fresh_sum, figures, order,
    bar, top, estimate, busy, scores, moves,
):  # fmt: skip
    """Visit a block of dense rows (first worker only)."""
    if worker > 0:
        return
    samples = Samples(
        held[:part].T, part_y[:part], part_cost[:part], part_norm2[:part], epsilon, scaling,
        squared, classes,
    )  # fmt: skip
    visit_block(
        key, samples, fresh, most, goal, squares, label, chosen, part_beta[:part], v, w, exact,
        fresh_sum, figures, order, bar, top, estimate, busy, scores, moves,
    )  # fmt: skip


@kernel
def push_sparse(
    worker, key, held_value, held_index, held_start, part, part_y, part_cost, part_norm2,
    part_beta, epsilon, scaling, squared, classes, fresh, most, goal, squares, label, chosen, v,
    w, exact, fresh_sum, figures, order, bar, top, estimate, busy, scores, moves,
):  # fmt: skip
    """Visit a block of sparse rows (first worker only)."""
    if worker > 0:
        return
    samples = Samples(
        CSC(held_value, held_index, held_start), part_y[:part], part_cost[:part],
        part_norm2[:part], epsilon, scaling, squared, classes,
    )  # fmt: skip
    visit_block(
        key, samples, fresh, most, goal, squares, label, chosen, part_beta[:part], v, w, exact,
        fresh_sum, figures, order, bar, top, estimate, busy, scores, moves,
    )  # fmt: skip


@kernel
def add_rows(data, indices, indptr, weight, scaling, hessian):
    """Add the weighted outer products of sparse rows to the upper triangle of a Hessian.

    The last feature of each row is that of the intercept; places of the others rise.
    """
    last = hessian.shape[0] - 1
    for i in range(len(weight)):
        if weight[i] == 0.0:
            continue
        for a in range(indptr[i], indptr[i + 1]):
            row, factor = indices[a], weight[i] * data[a]
            for b in range(a, indptr[i + 1]):
                hessian[row, indices[b]] += factor * data[b]
            hessian[row, last] += factor * scaling
        hessian[last, last] += weight[i] * scaling * scaling
