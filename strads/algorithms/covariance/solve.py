"""Graphical Lassos of one or several matrices of covariances, in one run."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from strads.algorithms.common.warnings import NotCertifiedWarning
from strads.algorithms.common.workers import workers_for
from strads.algorithms.covariance.covariances import Covariances
from strads.algorithms.covariance.large_blocks import best_dual_value, first_dual_value
from strads.algorithms.covariance.newton_program import SOLVED, SparsePrecision
from strads.algorithms.covariance.solution import Block, Solution
from strads.engine import Result, default_engine
from strads.monitoring import USED_UP

#: With at least so many operations in a step there is one worker a core.
WORK = 20_000_000
#: Statistics of a fit without components.
NO_RUN = {
    "executor": "none", "workers": 1, "reasons": {"executor": "no two variables are connected"},
    "prepare_seconds": {"compile": 0.0},
}  # fmt: skip
#: Statuses of runs that ended early, of which the fit itself tells.
EARLY = ("interrupted", USED_UP)


@dataclass
class Solved:
    """Solutions, one for each matrix of covariances, and what the run tells."""

    solutions: list[Solution]
    status: str
    history: list[dict[str, float]] = field(default_factory=list)
    statistics: dict[str, Any] = field(default_factory=dict)

    def verdict(self, tol: float) -> str:
        """Return why the fit ended."""
        if all(each.gap <= tol for each in self.solutions):
            return "certified"
        words = {"stalled": "precision", "epochs": "max_iter"}
        return words.get(self.status, self.status if self.status in EARLY else "callback")


@dataclass
class Task:
    """A component of one of the matrices."""

    source: int
    members: np.ndarray
    S: np.ndarray
    dual: float  # a dual value that is known before the run


def solve(
    sources: Sequence[Covariances], alpha: float, *, tol: float, max_iter: int,
    n_workers: int | None = None, seed: int = 0, instruments: Any = None,
    starts: Sequence[Solution | None] | None = None,
) -> Solved:  # fmt: skip
    """Solve the graphical Lasso for each matrix of covariances.

    Parameters
    ----------
    sources : list of Covariances
        All variances are positive.
    alpha : float
    tol : float
        Duality gap to reach for each matrix.
    max_iter : int
        Largest number of steps.
    n_workers : int, optional
    seed : int
    instruments
        As :meth:`strads.Engine.run` takes them.
    starts : list of Solution or None, optional
        Solutions for other penalties, to begin from.

    Raises
    ------
    ValueError
        If there is no solution, because a matrix is not positive semi-definite.
    """
    tasks = _tasks(sources, alpha)
    if not tasks:
        found = [_assembled(source, []) for source in sources]
        return Solved(found, "converged", [], dict(NO_RUN))
    sizes = np.array([len(task.members) for task in tasks])
    of = np.array([task.source for task in tasks])
    shares = sizes / np.bincount(of, sizes)[of]
    workers = workers_for(n_workers, int((sizes.astype(float) ** 3).sum()), WORK)
    given = starts or [None] * len(sources)
    first = [_start(given[task.source], task, alpha) for task in tasks]
    program = SparsePrecision(
        [task.S for task in tasks], alpha, tol * shares, [task.dual for task in tasks],
        starts=first, workers=workers,
    )  # fmt: skip
    result = default_engine().run(
        program, workers=workers, epochs=max_iter, seed=seed, partition=program.partition(),
        instruments=instruments,
    )  # fmt: skip
    own: list[list[Part]] = [[] for _ in sources]
    for part, task in zip(_parts(tasks, alpha, result), tasks, strict=True):
        own[task.source].append(part)
    found = [_assembled(source, some) for source, some in zip(sources, own, strict=True)]
    return Solved(found, result.status, result.history, result.statistics)


def warn_unless_solved(solved: Solved, tol: float) -> None:
    """Warn of a gap above the tolerance, and say what to change.

    Warns
    -----
    NotCertifiedWarning
        If rounding errors are the reason.
    ConvergenceWarning
        If the steps were used up, or a callback stopped the fit.
    """
    verdict = solved.verdict(tol)
    gap = max(each.gap for each in solved.solutions)
    reached = f"a duality gap of {gap:.2e}, above tol={tol:.2e}"
    if verdict == "precision":
        warnings.warn(
            f"The result is not certified: it has {reached}, and rounding errors keep it from "
            "coming nearer. Raise alpha or tol, or divide the variables by their standard "
            "deviations.",
            NotCertifiedWarning,
            stacklevel=3,
        )
    elif verdict not in ("certified", *EARLY):
        advice = "Increase max_iter, or raise tol or alpha" if verdict == "max_iter" else "Go on"
        warnings.warn(
            f"The fit ended before it converged ({solved.status}), after {len(solved.history)} "
            f"steps, at {reached}. {advice}.",
            ConvergenceWarning,
            stacklevel=3,
        )


Part = tuple[Block, float, float, float]  # with objective, dual value and log det


def _tasks(sources: Sequence[Covariances], alpha: float) -> list[Task]:
    """Return the components of two variables or more of all sources, largest first."""
    tasks = []
    for s, source in enumerate(sources):
        for members in source.components(alpha):
            if len(members) > 1:
                S = source.block(members)
                dual = first_dual_value(S, alpha)
                if not np.isfinite(dual):
                    raise ValueError(_no_solution(S, alpha))
                tasks.append(Task(s, members, S, dual))
    return sorted(tasks, key=lambda task: -len(task.members))


def _no_solution(S: np.ndarray, alpha: float) -> str:
    least = float(np.linalg.eigvalsh(S)[0])
    add = max(-least, 0.0) + 1e-8 * float(np.diagonal(S).max())
    return (
        f"no estimate exists to working precision: the covariances of {len(S)} connected variables "
        f"have the eigenvalue {least:.3g}, and alpha={alpha:g} is too small to make up for it. "
        f"Raise alpha, add at least {add:.2g} to the variances (covariance='precomputed'), or "
        "leave out variables that are copies or sums of others"
    )


def _start(before: Solution | None, task: Task, alpha: float) -> np.ndarray | None:
    """Return where to begin; without a penalty that is the solution."""
    if alpha == 0.0:
        made: np.ndarray = np.linalg.inv(task.S)
        return 0.5 * (made + made.T)
    return None if before is None else before.start(task.members)


def _parts(tasks: Sequence[Task], alpha: float, result: Result) -> list[Part]:
    state, parts, at = result.state, [], 0
    for k, task in enumerate(tasks):
        m = len(task.members)
        theta, W = (state[name][at : at + m * m].reshape(m, m) for name in ("theta", "W"))
        at += m * m
        logdet, objective, dual = (float(state[n][k]) for n in ("logdet", "objective", "dual"))
        if state["state_of"][k] != SOLVED:  # the last step was taken after the last judgement
            off = np.abs(theta).sum() - np.abs(np.diagonal(theta)).sum()
            objective = float(np.vdot(task.S, theta) + alpha * off) - logdet
            dual = max(dual, best_dual_value(task.S, W, alpha))
        parts.append((Block(task.members, theta, W), objective, dual, logdet))
    return parts


def _assembled(source: Covariances, parts: list[Part]) -> Solution:
    blocks = [block for block, *_ in parts]
    alone = np.ones(len(source.diagonal), bool)
    for block in blocks:
        alone[block.members] = False
    logs = float(np.log(source.diagonal[alone]).sum())
    objective = logs + float(alone.sum()) + sum(value for _, value, *_ in parts)
    gap = sum(max(value - dual, 0.0) for _, value, dual, _ in parts)
    return Solution(source, blocks, objective, gap, -logs + sum(part[3] for part in parts))
