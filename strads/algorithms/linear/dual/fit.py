"""The fit of linear support vector machines to validated data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.linear.dual.program import LinearSVM
from strads.algorithms.linear.fitted import Fitted
from strads.algorithms.linear.given import demand_squares
from strads.algorithms.linear.mapped.svm import run_blocks
from strads.datasets import MappedMatrix
from strads.engine import Result, default_engine
from strads.kernels.lanes import LANES

#: With fewer models than this a team, they are faster one by one than side by side in lanes.
SIDE_BY_SIDE = 4
#: Entries of X above this may make sums that overflow in single precision.
LARGE = 1e12
#: With so many entries, counted once a model, there is one worker a core.
ENTRIES = 2_000_000


@dataclass(frozen=True)
class Machine:
    """What is to be fitted.

    Attributes
    ----------
    X : csr matrix, ndarray in C order, or MappedMatrix
    y : ndarray of shape (n_samples,)
        Number of the class, or the target.
    cost : ndarray of shape (n_samples,)
        Weight of the loss of each sample.
    labels : list of int, optional
        Class of each model; None for a target.
    squared : bool
        Whether the loss is squared.
    epsilon : float
        Half the width of the tube.
    """

    X: Any
    y: np.ndarray
    cost: np.ndarray
    labels: list[int] | None
    squared: bool
    epsilon: float = 0.0


@dataclass(frozen=True)
class FittedMachine(Fitted):
    """Results of a fit, one row or entry a model.

    Attributes
    ----------
    dual_coef, gaps : ndarray
        Dual variables, bounds on relative gaps.
    """

    dual_coef: np.ndarray
    gaps: np.ndarray


def fit_machine(model: Any, machine: Machine, start: np.ndarray | None) -> FittedMachine:
    """Fit all models of a machine.

    Parameters
    ----------
    model : estimator
        Has the parameters `fit_intercept`, `intercept_scaling`, `tol`, `max_iter`, `n_workers`,
        `random_state` and `callbacks`.
    machine : Machine
    start : ndarray of shape (models, n_samples) or None
        Dual variables to start from.

    Raises
    ------
    ValueError
        If squares of entries of X overflow.
    """
    X = machine.X
    if isinstance(X, MappedMatrix):
        return _fit_in_file(model, machine, start)
    single = demand_squares(X) < LARGE
    labels = [0] if machine.labels is None else machine.labels
    entries = (X.nnz if sp.issparse(X) else X.size) * len(labels)
    workers = workers_for(model.n_workers, entries if len(labels) > 1 else 0, ENTRIES)
    label = teams(labels, workers if single else len(labels))
    scaling = float(model.intercept_scaling) if model.fit_intercept else 0.0
    program = LinearSVM(
        XT=X.T, y=machine.y, cost=machine.cost, label=label, epsilon=machine.epsilon,
        scaling=scaling, squared=int(machine.squared), classes=int(machine.labels is not None),
        gap=float(model.tol), max_epochs=int(model.max_iter),
        beta=None if start is None else _in_lanes(start, label),
    )  # fmt: skip
    result = default_engine().run(
        program, workers=min(workers, len(label)), epochs=int(model.max_iter) + 1, align=False,
        seed=seed_of(model.random_state), instruments=model.callbacks,
    )  # fmt: skip
    return _taken(program, result, label, scaling, float(model.tol))


def _fit_in_file(model: Any, machine: Machine, start: np.ndarray | None) -> FittedMachine:
    """Fit all models of a machine whose X is in a file."""
    scaling = float(model.intercept_scaling) if model.fit_intercept else 0.0
    program, result = run_blocks(
        model, machine.X, machine.y, machine.cost, machine.labels, squared=machine.squared,
        epsilon=machine.epsilon, scaling=scaling, beta=None if start is None else start.T.copy(),
    )  # fmt: skip
    weights = result.state["w"].T
    return FittedMachine(
        coef=np.ascontiguousarray(weights[:, :-1]),
        intercept=weights[:, -1] * scaling,
        dual_coef=np.ascontiguousarray(result.state["settled"].T),
        gaps=program.gaps,
        certificate=max(program.certificates, key=lambda each: each.gap),
        status=result.status, tol=float(model.tol), epochs=program.passes, history=result.history,
        statistics={
            **result.statistics, "passes": program.passes, "blocks": len(program.blocks),
            "file_nbytes": machine.X.nbytes,
        },
    )  # fmt: skip


def teams(labels: list[int], workers: int) -> np.ndarray:
    """Divide models into teams of equal size; return their labels, −1 where there is no model.

    Returns
    -------
    ndarray of int64, shape (teams, lanes)
    """
    if len(labels) < SIDE_BY_SIDE * workers:
        return np.array(labels, dtype=np.int64)[:, None]
    count = workers * -(-len(labels) // (LANES * workers))
    found = np.full((count, LANES), -1, dtype=np.int64)
    for row, share in zip(found, np.array_split(labels, count), strict=True):
        row[: len(share)] = share
    return found


def _in_lanes(start: np.ndarray, label: np.ndarray) -> np.ndarray:
    lanes = np.zeros((*label.shape, start.shape[1]))
    lanes[label >= 0] = start
    return np.ascontiguousarray(lanes.transpose(0, 2, 1))


def _taken(
    program: LinearSVM, result: Result, label: np.ndarray, scaling: float, tol: float
) -> FittedMachine:
    known = label >= 0
    weights = result.state["w"].transpose(0, 2, 1)[known]
    found = [each for team in program.certificates for each in team]
    certificates = [each for each, used in zip(found, known.ravel(), strict=True) if used]
    epochs = result.state["epochs"] + result.state["steps"]
    return FittedMachine(
        coef=np.ascontiguousarray(weights[:, :-1]),
        intercept=weights[:, -1] * scaling,
        dual_coef=np.ascontiguousarray(result.state["beta"].transpose(0, 2, 1)[known]),
        gaps=np.array([each.gap for each in certificates]),
        certificate=max(certificates, key=lambda each: each.gap),
        status=result.status, tol=tol, epochs=int(epochs.max()), history=result.history,
        statistics=result.statistics,
    )  # fmt: skip
