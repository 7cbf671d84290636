"""Kernels of conjugate gradients on the support: the products with X_S, split over the workers.

    (X_SᵀX_S + ridge·I) d = g,    X_S: the centred columns of members whose weight is not zero

The epochs of phase ``conjugate`` are the steps of the method, all in one launch. In a push each
worker computes its rows of the image X_S p of the direction p; in the pull, its entries of the
product of the matrix with p. Everything else in a step is short: each worker does it for all of the
support, in copies of its own, so that a step needs no more than these two synchronisations and all
workers come to the same numbers.

The preconditioner M is the diagonal of the matrix; its ``inverse`` is zero for members that stay
where they are. The columns of X_S are those that the working set holds. Its rows are copied
together first (phases ``count_rows`` and ``place_rows``), since it takes twice as long to add the
columns to scattered entries of the image.

Source: Hestenes and Stiefel 1952; Nocedal and Wright, Numerical Optimization, 2006, algorithm 5.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.engine import kernel
from strads.kernels.linear.sparse_columns import first_at_least

#: Words of ``progressed``: rᵀM⁻¹r and the value of it at which to stop, the number of products
#: made, whether the method has ended.
RZ, GOAL, MADE, DONE = range(4)


@kernel
def push_count_rows(rows, support_size, place, held_start, held_end, held_row, row_count):
    """Count the entries of the support in each of my rows."""
    lo, hi = rows
    for i in range(lo, hi):
        row_count[i] = 0
    for s in range(support_size):
        a = place[s]
        for k in range(first_at_least(held_row, held_start[a], held_end[a], lo), held_end[a]):
            if held_row[k] >= hi:
                break
            row_count[held_row[k]] += 1


@kernel
def push_place_rows(
    rows, support_size, place, held_start, held_end, held_row, held_value, row_end, row_count,
    turned_at, turned_value,
):  # fmt: skip
    """Copy the entries of the support in my rows, row by row."""
    lo, hi = rows
    for s in range(support_size):
        a = place[s]
        for k in range(first_at_least(held_row, held_start[a], held_end[a], lo), held_end[a]):
            i = held_row[k]
            if i >= hi:
                break
            at = row_end[i] - row_count[i]
            turned_at[at], turned_value[at] = s, held_value[k]
            row_count[i] -= 1


@kernel
def push_step(
    rows, support_size, most, unit, row_end, turned_at, turned_value, place, held_mean, inverse,
    product, solution, direction, remainder, progressed, image,
):  # fmt: skip
    """Take the step that the last product allows; compute my rows of the next image."""
    if progressed[DONE] == 0.0 and progressed[MADE] > 0.0:
        advance(support_size, inverse, product, solution, direction, remainder, progressed)
        if progressed[MADE] >= most:
            progressed[DONE] = 1.0
    if progressed[DONE] == 0.0:
        progressed[MADE] += 1.0
        multiply(rows, support_size, unit, row_end, turned_at, turned_value, place, held_mean,
                 direction, image)  # fmt: skip


@kernel
def push_try(
    rows, support_size, unit, row_end, turned_at, turned_value, place, held_mean, trial, image
):
    """Compute my rows of the image of a trial step."""
    multiply(
        rows, support_size, unit, row_end, turned_at, turned_value, place, held_mean, trial, image
    )


@kernel
def multiply(
    rows: Any, support_size: int, unit: Any, row_end: Any, turned_at: Any, turned_value: Any,
    place: Any, held_mean: Any, direction: Any, image: Any,
) -> None:  # fmt: skip
    """Compute rows of X_S times a direction."""
    shift = 0.0
    for s in range(support_size):
        shift += held_mean[place[s]] * direction[s]
    first = row_end[rows[0] - 1] if rows[0] > 0 else 0
    for i in range(rows[0], rows[1]):
        image[i] = gathered_dot(turned_value, turned_at, first, row_end[i], direction)
        image[i] -= shift * unit[i]
        first = row_end[i]


@kernel
def gathered_dot(value: Any, at: Any, first: int, end: int, x: Any) -> float:
    """Sum of ``value[k] * x[at[k]]`` over ``first <= k < end``.

    It is added up in two sums, which do not await each other.
    """
    even = odd = 0.0
    if (end - first) & 1:
        odd = value[first] * x[at[first]]
        first += 1
    for k in range(np.uint64(first), np.uint64(end), np.uint64(2)):
        even += value[k] * x[np.uint64(at[k])]
        after = np.uint64(k) + np.uint64(1)
        odd += value[after] * x[np.uint64(at[after])]
    return even + odd


@kernel
def pull_step(
    source, worker, workers, support_size, damping, ridge, place, place_end, held_start, held_end,
    held_row, held_value, held_norm2, image, direction, progressed, product,
):  # fmt: skip
    """Compute my entries of the product; the workers share the entries of the columns equally."""
    if source != worker or progressed[DONE] > 0.0:
        return
    first = first_of(worker, workers, place_end, support_size)
    last = first_of(worker + 1, workers, place_end, support_size)
    for s in range(first, last):
        a = place[s]
        scored = gathered_dot(held_value, held_row, held_start[a], held_end[a], image)
        product[s] = scored + (damping * held_norm2[a] + ridge) * direction[s]


@kernel
def first_of(worker: int, workers: int, place_end: Any, support_size: int) -> int:
    """Return the first member of a worker's share: every worker gets as many entries."""
    if worker == workers:
        return support_size
    entries = place_end[support_size - 1] * worker // workers
    return 0 if entries == 0 else first_at_least(place_end, 0, support_size, entries) + 1


@kernel
def advance(
    support_size: int, inverse: Any, product: Any, solution: Any, direction: Any, remainder: Any,
    progressed: Any,
) -> None:  # fmt: skip
    """Move along the direction to the minimum; make the next direction, unless the goal is met."""
    curve = 0.0
    for s in range(support_size):
        curve += direction[s] * product[s]
    if not curve > 0.0:  # rounding, or a direction that the columns map to nothing
        progressed[DONE] = 1.0
        return
    length = progressed[RZ] / curve
    rz = 0.0
    for s in range(support_size):
        solution[s] += length * direction[s]
        remainder[s] -= length * product[s]
        rz += remainder[s] * remainder[s] * inverse[s]
    if not rz > progressed[GOAL]:
        progressed[DONE] = 1.0
        return
    turn = rz / progressed[RZ]
    for s in range(support_size):
        direction[s] = remainder[s] * inverse[s] + turn * direction[s]
    progressed[RZ] = rz
