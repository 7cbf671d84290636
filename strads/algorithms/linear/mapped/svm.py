"""Fits of linear support vector machines to a matrix in a file."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.linear.mapped.budget import FEWEST, bytes_of, demand_room, room_below
from strads.algorithms.linear.mapped.svm_blocks import DenseBlocks, SingleBlocks, SparseBlocks
from strads.algorithms.linear.mapped.svm_newton import rows_together
from strads.algorithms.linear.mapped.svm_program import MOST_WEIGHTS, BlockSVM
from strads.datasets import MappedMatrix
from strads.engine import Result, default_engine

#: Numbers of float64 that a fit needs for every sample, every sample and model, and every weight
#: and model, beside a block.
OF_SAMPLES, OF_MODELS, OF_WEIGHTS = 8, 6, 10
#: What a block takes beside its rows, as a multiple: sparse rows are gathered, then copied.
BESIDE, BESIDE_SPARSE = 1.2, 2.6
#: A block is made of ranges from so many places of the file, if they are not shorter than this.
RANGES, RANGE_BYTES = 8, 1 << 16


def run_blocks(
    model: Any, X: MappedMatrix, y: np.ndarray, cost: np.ndarray, labels: list[int] | None, *,
    squared: bool, epsilon: float, scaling: float, beta: np.ndarray | None,
) -> tuple[BlockSVM, Result]:  # fmt: skip
    """Run block minimisation for all models of a fit; return the program and its result.

    Parameters
    ----------
    model : estimator
        Has `max_memory` and what :func:`~strads.algorithms.linear.dual.fit.fit_machine` says.
    X : MappedMatrix
    y, cost, labels, squared, epsilon
        See :class:`~strads.algorithms.linear.dual.fit.Machine`.
    scaling : float
        The feature of the intercept; 0 for none.
    beta : ndarray of shape (n_samples, models) or None
        Dual variables to start from.
    """
    limit = bytes_of(model.max_memory)
    X = X.with_room(room_below(limit))
    label = np.array([0] if labels is None else labels, np.int64)
    kind: type[BlockSVM] = DenseBlocks if X.dtype == np.float64 else SingleBlocks
    program = (SparseBlocks if X.sparse else kind)(
        matrix=X, blocks=blocks_of(X, limit, len(label)), y=y, cost=cost,
        label=label, epsilon=epsilon, scaling=scaling, squared=int(squared),
        classes=int(labels is not None), gap=float(model.tol), max_epochs=int(model.max_iter),
        beta=beta,
    )  # fmt: skip
    result = default_engine().run(
        program, workers=1, epochs=int(model.max_iter) + 1, seed=seed_of(model.random_state),
        instruments=model.callbacks,
    )  # fmt: skip
    return program, result


def blocks_of(X: MappedMatrix, limit: int, models: int) -> list[list[tuple[int, int]]]:
    """Cut the rows into blocks that fit below a limit, each of ranges from all over the file.

    Raises
    ------
    InsufficientMemory
        If there is no room for a block of a few rows.
    """
    n, p = X.shape
    fixed = 8 * (OF_SAMPLES * n + OF_MODELS * n * models + OF_WEIGHTS * (p + 1) * models)
    fixed += X.window_nbytes
    if p < MOST_WEIGHTS:  # Newton's method, if the loss is squared
        fixed += 8 * models * (p + 1) ** 2 + 24 * rows_together(p + 1) * (p + 1)
    each = X.part_nbytes(columns=False)
    size = float(np.mean(each)) * (BESIDE_SPARSE if X.sparse else BESIDE) + 24.0
    rows = int(demand_room(limit, fixed, int(FEWEST * size), "rows") // size)
    count = math.ceil(n / rows)
    per = math.ceil(n / count)
    width = X.dtype.itemsize if X.by_columns else int(np.mean(each))
    ranges = max(1, min(RANGES, per * width // RANGE_BYTES))
    ranges = min(ranges, n // count) if n >= count else 1
    cuts = np.linspace(0, n, max(ranges, 1) * count + 1).astype(np.int64).tolist()
    pairs = list(itertools.pairwise(cuts))
    return [[pair for pair in pairs[b::count] if pair[1] > pair[0]] for b in range(count)]
