"""One fit of a design in a process of its own; `bench.large.trial` starts it.

    python -m bench.large.child SOLVER COLUMNS ROWS SEED DIVISOR TOL

It maps the design and reads all of it, for αmax, before it says that it is ready; see
`bench.harness.process`. The fit is at α = αmax / DIVISOR. Imports are not part of the fit; what
strads compiles, or loads from its cache, is, and is stated apart. strads is imported only by fits
that need it, or else it would count in the memory of peers.

SOLVER is the name of a peer, ``strads-WORKERS`` or ``SCHEDULE-WORKERS``. The latter runs the plain
coordinate program, which dispatches every column, while the rounds of the shipped solver are over a
working set. An epoch of it dispatches as many ids as there are columns and ends with a full pass,
`measure`: the score of every column, from which the gap. That gap is the program's own, and not
expected to reach the target; all others are the judge's.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.harness.process import serve
from bench.judge import alpha_max, judge
from bench.large import planted
from bench.solvers import PEERS, quietly, solver

#: strads' tolerance is a share of P(0) = ‖y‖² / 2n, as the judge's; scikit-learn's and celer's
#: are of ‖y‖² / n.
PEERS_UNIT = 2.0
#: Axes with capacity for more ids than a fit uses.
GROWING = frozenset({"chosen", "known", "entries", "held"})
#: Schedules of the plain program.
SCHEDULES = ("priority", "random", "round-robin")
#: Ids that the plain program dispatches, and the fewest and most epochs for it.
DISPATCHED, LEAST, MOST = 2_000_000, 2, 20

#: What is timed, and what makes the answer of its result.
Prepared = tuple[Callable[[], Any], Callable[[Any], dict[str, Any]]]


def main(name: str, columns: str, rows: str, seed: str, divisor: str, tol: str) -> None:
    mode = "c" if name in PEERS else "r"
    design = planted.load(int(columns), rows=int(rows), seed=int(seed), mode=mode)
    alpha = alpha_max(design.X, design.y, fit_intercept=False) / float(divisor)
    what, _, workers = name.rpartition("-")
    if name in PEERS:
        fit, facts = _peer(name, design, alpha, float(tol))
    elif what == "strads":
        fit, facts = _shipped(int(workers), design, alpha, float(tol))
    else:
        fit, facts = _plain(what, int(workers), design, alpha, float(tol))

    def answer() -> dict[str, Any]:
        found: dict[str, Any] = {"alpha": alpha, "begin": time.perf_counter()}
        try:
            fitted = fit()
        except MemoryError as error:
            return found | {"end": time.perf_counter(), "error": f"MemoryError: {error}"}
        found["end"] = time.perf_counter()
        return found | facts(fitted)

    serve(answer)


def _peer(name: str, design: planted.Design, alpha: float, tol: float) -> Prepared:
    __import__(PEERS[name].module)  # importing is not timed
    peer = solver(name)
    return (lambda: quietly(lambda: peer(design.X, design.y, alpha, tol / PEERS_UNIT, False)),
            lambda fitted: _judged(design, fitted.coef, alpha))  # fmt: skip


def _shipped(workers: int, design: planted.Design, alpha: float, tol: float) -> Prepared:
    from strads import Lasso

    model = Lasso(alpha, tol=tol, fit_intercept=False, n_workers=workers, random_state=0)
    return (
        lambda: quietly(lambda: model.fit(design.X, design.y)),
        lambda fitted: _judged(design, fitted.coef_, alpha) | _shipped_facts(fitted),
    )


def _plain(
    schedule: str, workers: int, design: planted.Design, alpha: float, tol: float
) -> Prepared:  # fmt: skip
    from strads import Correlation, Priority, Random, RoundRobin, default_engine
    from strads.algorithms.lasso.coordinate import CoordinateLasso

    plan = {
        "priority": Priority("features", coupling=Correlation("X"), lease=256, micro=8),
        "random": Random("features", lease=256, micro=8),
        "round-robin": RoundRobin("features", lease=256, micro=8),
    }[schedule]
    columns = design.X.shape[1]
    epochs = max(LEAST, min(MOST, DISPATCHED // columns))
    program = CoordinateLasso(X=design.X, y=design.y, alpha=alpha, schedule=plan)
    return (lambda: default_engine().run(program, workers=workers, epochs=epochs, tol=tol),
            lambda result: _plain_facts(result, columns))  # fmt: skip


def _judged(design: planted.Design, coef: np.ndarray, alpha: float) -> dict[str, Any]:
    verdict = judge(design.X, design.y, coef, alpha=alpha, fit_intercept=False)
    return {"gap": verdict.gap, "primal": verdict.primal, "nonzeros": verdict.nonzeros}


def _shipped_facts(model: Any) -> dict[str, Any]:
    """Figures of a fit that the fitted model states.

    A step's first pass looks at the columns that the screening of the step before has left; any
    further pass of the step looks at all columns.
    """
    from strads.algorithms.lasso.solver.program import WorkingSetLasso

    known = model.statistics_
    phases = known["phases"]
    score = phases.get("score", {"launches": 0, "seconds": 0.0})
    alive = [int(figures["alive"]) for figures in model.history_[:-1]]
    return {
        "epochs": model.n_iter_, "passes": 1 + int(score["launches"]),
        "working_set": max(int(figures["working_set"]) for figures in model.history_),
        "first_pass_seconds": phases["columns"]["seconds"], "score_seconds": score["seconds"],
        "scored": sum(alive) + (int(score["launches"]) - len(alive)) * len(model.coef_),
        "updates": int(phases.get("descend", {}).get("updates", 0) + model.history_[-1]["swept"]),
        "rounds": known["schedules"]["descend"]["rounds"], "bytes_moved": known["bytes_moved"],
        "compiled": " ".join(sorted(set(known["compiled"].values()))),
        **_facts(known, WorkingSetLasso),
    }  # fmt: skip


def _plain_facts(result: Any, columns: int) -> dict[str, Any]:
    from strads.algorithms.lasso.coordinate import CoordinateLasso

    known = result.statistics
    main, epochs = known["phases"]["main"], len(result.history)
    ids, rounds = int(main["updates"]), int(known["schedules"]["main"]["rounds"])
    whole = known["measure_seconds"] / epochs
    return {
        "epochs": epochs, "ids": ids, "rounds": rounds, "gap": result.figures["certificate"],
        "id_seconds": main["seconds"] / ids, "round_seconds": main["seconds"] / rounds,
        "scheduling_seconds": main["scheduling_seconds"] / ids,
        "starved_seconds": main["starved_seconds"] / ids,
        "pass_seconds": whole, "column_seconds": whole / columns,
        **_facts(known, CoordinateLasso),
    }  # fmt: skip


def _facts(known: dict[str, Any], program: Any) -> dict[str, Any]:
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
    processes = {"leader": os.getpid()}
    if known["executor"] == "processes":
        from strads import default_engine

        team = default_engine().team(known["workers"])
        processes |= {child.name: child.pid for child in team.workers}
        processes["nursery"] = team.nursery.process.pid
        if team.scheduler is not None:
            processes[team.scheduler.name] = team.scheduler.pid
    return {"bytes": arrays, "processes": processes,
            "phases": {name: row["seconds"] for name, row in known["phases"].items()},
            **{f"{what}_seconds": took
               for what, took in known["prepare_seconds"].items()}}  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
