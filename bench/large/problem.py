"""The Lasso on a planted design, its solvers, and what a run says of its time and memory.

Beside the solvers of the Lasso there is the plain coordinate program, ``SCHEDULE-WORKERS``, which
dispatches every column, while the rounds of the shipped solver are over a working set. An epoch of
it dispatches as many ids as there are columns and ends with a full pass, `measure`: the score of
every column, from which the gap. That gap is the program's own, and not expected to reach the
target; all others are the judge's.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any, ClassVar

from bench.harness.problem import Problem, Setting, Solver
from bench.large import planted
from bench.lasso.judge import alpha_max, judge
from bench.lasso.solvers import Answer

#: strads' tolerance is a share of P(0) = ‖y‖² / 2n, as the judge's; those of peers are of ‖y‖² / n.
PEERS_UNIT = 2.0
#: Axes with capacity for more ids than a fit uses.
GROWING = frozenset({"chosen", "known", "entries", "held"})
#: Schedules of the plain program.
SCHEDULES = ("priority", "random", "round-robin")
#: Ids that the plain program dispatches, and the fewest and most epochs for it.
DISPATCHED, LEAST, MOST = 2_000_000, 2, 20


@dataclass(frozen=True)
class Planted(Problem):
    """A Lasso without intercept on a design, at α = α_max / divisor."""

    package: ClassVar[str] = "bench.lasso.solvers"
    intercept: ClassVar[bool] = False

    columns: int
    rows: int
    seed: int
    divisor: float

    @cached_property
    def alpha(self) -> float:
        """Penalty; all of X is read for it."""
        return alpha_max(*self.load(), fit_intercept=False) / self.divisor

    def load(self, mode: str = "r") -> tuple[Any, Any]:
        """Map X and y."""
        return planted.load(self.columns, rows=self.rows, seed=self.seed, mode=mode)[:2]

    @classmethod
    def solver(cls, name: str) -> tuple[Solver, int]:
        """Solver and workers by name."""
        schedule, _, workers = name.rpartition("-")
        if schedule in SCHEDULES:
            return Solver("strads", lambda problem, _: plain(problem, schedule, int(workers))), 0
        return super().solver(name)

    def start(self, name: str, setting: Setting) -> Callable[[], Any]:
        """Prepare a fit; peers are given memory that they may write to."""
        solver, workers = self.solver(name)
        if solver.library == "strads":
            return super().start(name, setting)
        given = SimpleNamespace(alpha=self.alpha, intercept=False, load=lambda: self.load("c"))
        return solver.start(given, {"tol": setting["tol"] / PEERS_UNIT, "workers": workers})

    def judge(self, answer: Any, setting: Setting) -> dict[str, Any]:
        """Gap and non-zeros, and what the run says of itself."""
        if not isinstance(answer, Answer):
            return plain_facts(answer, self.columns)
        found = judge(*self.load(), answer.coef, alpha=self.alpha, fit_intercept=False)
        figures = {"gap": found.gap, "primal": found.primal, "nonzeros": found.nonzeros}
        return figures | (shipped_facts(answer.model) if hasattr(answer.model, "history_") else {})


def plain(problem: Planted, schedule: str, workers: int) -> Callable[[], Any]:
    """The coordinate program under a schedule."""
    from strads import Correlation, Priority, Random, RoundRobin, default_engine
    from strads.algorithms.linear.regression.coordinate import CoordinateLasso

    plan = {
        "priority": Priority("features", coupling=Correlation("X"), lease=256, micro=8, by="draws"),
        "random": Random("features", lease=256, micro=8),
        "round-robin": RoundRobin("features", lease=256, micro=8),
    }[schedule]
    epochs = max(LEAST, min(MOST, DISPATCHED // problem.columns))
    X, y = problem.load()
    program = CoordinateLasso(X=X, y=y, alpha=problem.alpha, schedule=plan)
    return lambda: default_engine().run(program, workers=workers, epochs=epochs, tol=1e-4)


def shipped_facts(model: Any) -> dict[str, Any]:
    """Figures of a fit that the fitted model states."""
    from strads.algorithms.linear.solver.lasso_program import WorkingSetLasso

    known = model.statistics_
    launches = known["phases"].get("score", {}).get("launches", 0)
    sizes = [int(figures["working_set"]) for figures in model.history_]
    return {"passes": 1 + int(launches), "working_set": max(sizes), **facts(known, WorkingSetLasso)}


def plain_facts(result: Any, columns: int) -> dict[str, Any]:
    """Figures of a run of the plain program."""
    from strads.algorithms.linear.regression.coordinate import CoordinateLasso

    known = result.statistics
    main, rounds = known["phases"]["main"], known["schedules"]["main"]["rounds"]
    whole = known["measure_seconds"] / len(result.history)
    return {
        "gap": result.figures["certificate"], "id_seconds": main["seconds"] / main["updates"],
        "round_seconds": main["seconds"] / rounds, "pass_seconds": whole,
        "scheduling_seconds": main["scheduling_seconds"] / main["updates"],
        "column_seconds": whole / columns, **facts(known, CoordinateLasso),
    }  # fmt: skip


def facts(known: dict[str, Any], program: Any) -> dict[str, Any]:
    """Figures that the statistics of every run state: where time and memory went, and processes.

    *Reserved* arrays have capacity for the largest possible working set. The system provides memory
    only for the part that a fit touches.
    """
    fields, arrays = program.fields(), []
    for kind, sizes in known["bytes"].items():
        for name, size in sizes.items():
            axes = fields[name].axes if name in fields else ()
            arrays.append({"array": name, "kind": kind, "axes": " × ".join(axes), "bytes": size,
                           "replicated": name in fields and fields[name].replicated,
                           "reserved": not GROWING.isdisjoint(axes)})  # fmt: skip
    processes = {os.getpid(): "leader"}
    if known["executor"] == "processes":
        from strads import default_engine

        team = default_engine().team(known["workers"])
        processes |= {child.pid: child.name for child in team.workers}
        processes[team.nursery.process.pid] = "nursery"
        if team.scheduler is not None:
            processes[team.scheduler.pid] = team.scheduler.name
    return {"arrays": arrays, "processes": list(processes.items()),
            "compile_seconds": known["prepare_seconds"].get("compile")}  # fmt: skip
