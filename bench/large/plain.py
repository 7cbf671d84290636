"""Coordinate rounds over all columns in a process of its own: what a schedule costs at a size.

    python -m bench.large.plain SCHEDULE-WORKERS COLUMNS ROWS SEED DIVISOR TOL

`strads.algorithms.lasso.coordinate` dispatches every column, which the shipped solver does not: its
rounds are over a working set. An epoch dispatches as many ids as there are columns and ends with a
full pass, `measure`: the score of every column, from which the gap. Same protocol as
`bench.large.child`; the gap is the program's own, and not expected to reach the target.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from bench.harness.process import serve
from bench.judge import alpha_max
from bench.large import planted
from bench.large.child import arrays_of, processes_of
from strads import Correlation, Priority, Random, RoundRobin, default_engine
from strads.algorithms.lasso.coordinate import CoordinateLasso

#: All with blocks of the same size.
SCHEDULES = {
    "priority": Priority("features", coupling=Correlation("X"), lease=256, micro=8),
    "random": Random("features", lease=256, micro=8),
    "round-robin": RoundRobin("features", lease=256, micro=8),
}
#: Ids to dispatch, and the fewest and most epochs for it.
DISPATCHED, LEAST, MOST = 2_000_000, 2, 20


def main(name: str, columns: str, rows: str, seed: str, divisor: str, tol: str) -> None:
    """Be the child."""
    design = planted.load(int(columns), rows=int(rows), seed=int(seed))
    alpha = alpha_max(design.X, design.y, fit_intercept=False) / float(divisor)
    schedule, _, workers = name.rpartition("-")
    epochs = max(LEAST, min(MOST, DISPATCHED // int(columns)))
    program = CoordinateLasso(X=design.X, y=design.y, alpha=alpha, schedule=SCHEDULES[schedule])

    def fit() -> dict[str, Any]:
        begin = time.perf_counter()
        result = default_engine().run(program, workers=int(workers), epochs=epochs, tol=float(tol))
        return {"alpha": alpha, "begin": begin, "end": time.perf_counter(),
                "gap": result.figures["certificate"],
                "nonzeros": int(result.figures["nonzeros"]), **_facts(result)}  # fmt: skip

    serve(fit)


def _facts(result: Any) -> dict[str, Any]:
    known = result.statistics
    main, rounds = known["phases"]["main"], known["schedules"]["main"]
    return {
        "epochs": len(result.history), "updates": int(main["updates"]),
        "rounds": int(rounds["rounds"]), "main_seconds": main["seconds"],
        "scheduling_seconds": main["scheduling_seconds"], "sync_seconds": main["sync_seconds"],
        "starved_seconds": main["starved_seconds"],
        "pass_seconds": known["measure_seconds"] / len(result.history),
        "prepare": known["prepare_seconds"], "bytes": arrays_of(CoordinateLasso, known["bytes"]),
        "phases": {word: row["seconds"] for word, row in known["phases"].items()},
        "processes": processes_of(known["workers"], known["executor"]),
    }  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
