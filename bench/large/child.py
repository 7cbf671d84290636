"""One fit of a design in a process of its own, judged there; `bench.large.trial` starts it.

    python -m bench.large.child SOLVER COLUMNS ROWS SEED DIVISOR TOL

It maps the design and reads all of it, for αmax, before it says that it is ready; see
`bench.harness.process`. The fit is at α = αmax / DIVISOR. Imports are not part of the fit; what
strads compiles, or loads from its cache, is, and is stated apart.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from typing import Any

from bench.harness.process import serve
from bench.judge import alpha_max, judge
from bench.large import planted
from bench.solvers import PEERS, quietly, solver

#: strads' tolerance is a share of P(0) = ‖y‖² / 2n, as the judge's; scikit-learn's and celer's
#: are of ‖y‖² / n.
PEERS_UNIT = 2.0
#: Axes with capacity for more ids than a fit uses.
GROWING = frozenset({"chosen", "known", "entries", "held"})


def main(name: str, columns: str, rows: str, seed: str, divisor: str, tol: str) -> None:
    """Be the child."""
    mode = "r" if name.startswith("strads-") else "c"
    design = planted.load(int(columns), rows=int(rows), seed=int(seed), mode=mode)
    alpha = alpha_max(design.X, design.y, fit_intercept=False) / float(divisor)
    fit = _prepared(name, alpha, float(tol))

    def judged() -> dict[str, Any]:
        found: dict[str, Any] = {"alpha": alpha, "begin": time.perf_counter()}
        try:
            coef, model = quietly(lambda: fit(design.X, design.y))
        except MemoryError as error:
            return found | {"end": time.perf_counter(), "error": f"MemoryError: {error}"}
        found["end"] = time.perf_counter()
        verdict = judge(design.X, design.y, coef, alpha=alpha, fit_intercept=False)
        found |= {"gap": verdict.gap, "primal": verdict.primal, "nonzeros": verdict.nonzeros}
        return found | (_facts(model) if model is not None else {})

    serve(judged)


def _prepared(name: str, alpha: float, tol: float) -> Any:
    """Function of (X, y) that fits; its library is imported."""
    if not name.startswith("strads-"):
        importlib.import_module(PEERS[name].module)
        peer = solver(name)
        return lambda X, y: (peer(X, y, alpha, tol / PEERS_UNIT, False).coef, None)
    from strads import Lasso

    workers = int(name.removeprefix("strads-"))
    model = Lasso(alpha, tol=tol, fit_intercept=False, n_workers=workers, random_state=0)
    return lambda X, y: (model.fit(X, y).coef_, model)


def _facts(model: Any) -> dict[str, Any]:
    """Figures of a fit that the fitted model states."""
    from strads.algorithms.lasso.solver.program import WorkingSetLasso

    known = model.statistics_
    phases = {name: row["seconds"] for name, row in known["phases"].items()}
    launches = known["phases"].get("score", {}).get("launches", 0)
    descend = known["phases"].get("descend", {})
    return {
        "status_gap": model.dual_gap_, "epochs": model.n_iter_, "passes": 1 + int(launches),
        "working_set": max(int(figures["working_set"]) for figures in model.history_),
        "prepare": known["prepare_seconds"], "phases": phases,
        "first_pass_seconds": phases["columns"], "score_seconds": phases.get("score", 0.0),
        "scored": _scored(model, int(launches)),
        "updates": int(descend.get("updates", 0) + model.history_[-1]["swept"]),
        "rounds": known["schedules"]["descend"]["rounds"],
        "bytes_moved": known["bytes_moved"], "bytes": arrays_of(WorkingSetLasso, known["bytes"]),
        "compiled": sorted(set(known["compiled"].values())),
        "processes": processes_of(known["workers"], known["executor"]),
    }  # fmt: skip


def _scored(model: Any, launches: int) -> int:
    """Columns that all passes but the first have looked at.

    A step's first pass looks at the columns that the screening of the step before has left; any
    further pass of the step looks at all columns.
    """
    alive = [int(figures["alive"]) for figures in model.history_[:-1]]
    return sum(alive) + (launches - len(alive)) * len(model.coef_)


def arrays_of(program: Any, sizes: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    """Every array: its kind, axes, bytes of all copies, whether each worker has one.

    *Reserved* arrays have capacity for the largest possible working set. The system provides memory
    only for the part that a fit touches.
    """
    fields = program.fields()
    rows = []
    for kind, arrays in sizes.items():
        for name, size in arrays.items():
            field = fields.get(name)
            axes = field.axes if field is not None else ()
            rows.append({"array": name, "kind": kind, "axes": " × ".join(axes), "bytes": size,
                         "replicated": field is not None and field.replicated,
                         "reserved": not GROWING.isdisjoint(axes)})  # fmt: skip
    return rows


def processes_of(workers: int, executor: str) -> dict[str, int]:
    """Process ids by the names of the processes."""
    found = {"leader": os.getpid()}
    if executor == "processes":
        from strads import default_engine

        team = default_engine().team(workers)
        found |= {child.name: child.pid for child in team.workers}
        found["nursery"] = team.nursery.process.pid
        if team.scheduler is not None:
            found[team.scheduler.name] = team.scheduler.pid
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
