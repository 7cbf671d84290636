"""A model of a scheduled round: fitted to one and two workers, it foretells 4 to 64.

The time of a micro-round is that of the slower of two sides, which work at the same time:

    scheduler:  a · rounds + b · tried + c · checked + loop · rounds
    a worker:   u · ids / P + v · ids + m + 2 · barrier · (P − 1) + bytes / bandwidth

Here *tried* are the ids handed out or deferred, *checked* those of them that are compared with the
ids that move at the same time, all for a micro-round. (A price for each pair of ids was three to
twelve times too high for 4 to 64 workers: sparse columns are looked up by their rows.) u is what
workers share (pushes, and the rows of pulls), v what every worker does for each id. One worker has
its own scheduler: both sides add up, and there is no barrier. Rounds, ids and deferrals are not
modelled, but counted: the serial executor runs as many logical workers, and does what processes
would do, bit by bit. It also says how long the policy took for them, which checks a, b and c. Bytes
are what a worker reads that others wrote: outboxes, and the lines of the residual. Nobody checks
the sum for more workers than this machine has cores.
"""

import mmap
import multiprocessing
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numba
import numpy as np
import pandas as pd
import scipy.optimize
import scipy.sparse as sp
from threadpoolctl import threadpool_limits
from typer import Option

from bench.engine.rounds import WARM, cycles_a_microsecond, rounds, steps
from bench.harness.command import command
from bench.harness.tables import Rows, Table, Tables
from bench.harness.ways import varied
from bench.programs import heavy_problems, nnls
from examples.own_program import NNLS
from strads import Correlation, Engine, Priority, run
from strads.engine import available_cores
from strads.engine.processes.executor import SPINS
from strads.kernels.sync.atomics import cycles
from strads.kernels.sync.clock import SPINS as SPINS_WORD
from strads.kernels.sync.clock import STRIDE, abort, await_all, publish

EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence"
WORKERS = (1, 2, 4, 8, 16, 32, 64)
LINE, NUMBER = 64, 8  # bytes
COLUMNS = [
    ("problem, ids each", "{problem}"),
    ("workers", "{workers}"),
    ("ids", "{ids:.1f}"),
    ("scheduler, µs", "{scheduler:.2f}"),
    ("a worker, µs", "{worker:.2f}"),
    ("barriers", "{barriers:.2f}"),
    ("bytes", "{bytes:.2f}"),
    ("measured", "{measured:.2f}"),
    ("÷ one worker", "{gain:.2f}"),
    ("waits for", "{slower}"),
    ("policy ÷ run", "{policy:.2f}"),
]


class Asked(NamedTuple):
    """Non-negative least squares with one or several ids of a worker in a micro-round."""

    A: Any
    b: np.ndarray
    each: int
    epochs: int

    @property
    def entries(self) -> float:
        """Mean number of entries of a column."""
        return float(self.A.nnz if sp.issparse(self.A) else self.A.size) / self.A.shape[1]


class Machine(NamedTuple):
    """Microseconds: of a barrier of two, of a byte, and of the scheduler's loop for each round."""

    barrier: float
    byte: float
    loop: float


def main(
    data: list[str] = ("BASEHOCK", "dense"),
    each: Annotated[list[int], Option(help="ids of a worker in a micro-round")] = (1, 8),
    most: Annotated[int, Option(help="largest number of workers")] = 64,
    processes: Annotated[bool, Option(help="also run as many as there are cores")] = True,
    tiny: Annotated[bool, Option(help="small problems; writes nothing")] = False,
    out: Annotated[Path, Option(help="folder of rows")] = EVIDENCE,
) -> list[dict[str, Any]]:
    """Microseconds of a micro-round, for each number of workers.

    BASEHOCK has light updates (28 entries), dense heavy ones (20,000). Seconds come from a quiet
    machine only if it is quiet.
    """
    found: list[dict[str, Any]] = []
    with threadpool_limits(1):
        machine = measured_machine(tiny)
        print(f"barrier {machine.barrier:.3f} µs, {1e-3 / machine.byte:.1f} GB/s between cores, "
              f"scheduler's loop {machine.loop:.1f} µs a round")  # fmt: skip
        for name in ["tiny"] if tiny else data:
            for count in each[:1] if tiny else each:
                asked = problem(name, count, tiny)
                workers = [p for p in WORKERS if p <= (4 if tiny else most)]
                found += foretold(
                    f"{name}, {count}",
                    asked,
                    machine,
                    workers,
                    available_cores() if processes else 0,
                )
    table(pd.DataFrame(found)).show()
    if not tiny:
        file = Rows("round-model", out)
        for row in found:
            file.add(row)
    return found


def problem(name: str, each: int, tiny: bool) -> Asked:
    """Return a problem, by the name of a data set or ``dense``."""
    if name == "dense":
        given = heavy_problems.columns("blocks", tiny, 1e-3).given
        return Asked(given["A"], given["b"], each, 4)
    asked = nnls.problem(name, 1e-3)
    return Asked(asked.A, asked.b, each, 3 if tiny else 4)


def foretold(
    name: str, asked: Asked, machine: Machine, workers: Sequence[int], cores: int
) -> list[dict[str, Any]]:
    """Rows of one problem; runs with at most so many workers as cores are measured, too."""
    trials = [
        trial(asked, count, lease, checked)
        for count, checked in ((1, False), (2, False), (2, True)) for lease in (64, 1024)
    ]  # fmt: skip
    policy = fitted([policy_terms(t) for t in trials], [t["scheduling"] for t in trials])
    kernels = fitted([kernel_terms(t) for t in trials], [t["busy"] for t in trials])
    rows = [row_of(asked, trial(asked, count, 1024, True), policy, kernels, machine)
            | {"measured": measured(asked, count) if count <= cores else np.nan}
            for count in workers]  # fmt: skip
    alone = rows[0]["ids"] / rows[0]["total"]
    return [{"problem": name, **row, "gain": row["ids"] / row["total"] / alone} for row in rows]


def program(asked: Asked, lease: int, checked: bool) -> Any:
    """Return the program with leases of a size."""
    schedule = Priority("cols", rho=0.1, coupling=Correlation("A") if checked else None,
                        lease=lease, micro=lease // asked.each)  # fmt: skip
    return varied(NNLS, schedule=schedule, measure_every=asked.epochs)(A=asked.A, b=asked.b)


def trial(asked: Asked, workers: int, lease: int, checked: bool) -> dict[str, float]:
    """Counts of a serial run, and its seconds: the least of two."""
    again = partial(run, workers=workers, executor="serial", align=False, epochs=asked.epochs)
    results = [again(program(asked, lease, checked), seed=0).statistics for _ in range(2)]
    counts, phase = results[0]["schedules"]["main"], [r["phases"]["main"] for r in results]
    scheduling = min(p["scheduling_seconds"] for p in phase)
    seconds = min(p["seconds"] - p["scheduling_seconds"] for p in phase)
    return {
        "workers": workers, "rounds": counts["rounds"], "micro": counts["micro_rounds"],
        "ids": counts["dispatched"], "tried": counts["dispatched"] + counts["deferred"],
        "filtered": float(checked and workers > 1), "scheduling": scheduling * 1e6,
        "busy": seconds * 1e6,
    }  # fmt: skip


def policy_terms(t: dict[str, float]) -> list[float]:
    """What a, b and c are multiplied by."""
    return [t["rounds"], t["tried"], t["tried"] * t["filtered"]]


def kernel_terms(t: dict[str, float]) -> list[float]:
    """What u, v and m are multiplied by in a serial run, which works for all workers."""
    return [t["ids"], t["ids"] * t["workers"], t["micro"] * t["workers"]]


def fitted(terms: list[list[float]], times: list[float]) -> np.ndarray:
    """Return the prices, none negative, with the least sum of squared relative errors."""
    relative = np.array(terms) / np.array(times)[:, None]
    scale = np.maximum(np.abs(relative).max(axis=0), 1e-300)
    return scipy.optimize.nnls(relative / scale, np.ones(len(times)))[0] / scale


def row_of(
    asked: Asked, t: dict[str, float], policy: np.ndarray, kernels: np.ndarray, machine: Machine
) -> dict[str, Any]:
    """Microseconds of a micro-round, by the model."""
    workers, micro = int(t["workers"]), t["micro"]
    ids, scheduling = t["ids"] / micro, float(policy @ policy_terms(t))
    shared, every, call = kernels
    worker, scheduler = shared * ids / workers + every * ids + call, scheduling / micro
    barriers = moved = 0.0
    if workers > 1:
        scheduler += machine.loop * t["rounds"] / micro
        barriers = 2.0 * machine.barrier * (workers - 1)
        lines = min(ids * asked.entries * LINE, NUMBER * len(asked.b))
        foreign = (workers - 1) / workers * (2 * NUMBER * ids + lines)
        moved = foreign * machine.byte
        worker += barriers + moved
    total = max(worker, scheduler) if workers > 1 else worker + scheduler
    slower = "scheduler" if scheduler > worker else "workers"
    return {
        "workers": workers, "ids": ids, "scheduler": scheduler, "worker": worker,
        "barriers": barriers, "bytes": moved, "total": total,
        "slower": slower if workers > 1 else "itself",
        "policy": scheduling / t["scheduling"],
    }  # fmt: skip


def measured(asked: Asked, workers: int) -> float:
    """Microseconds of a micro-round of worker processes."""
    made = partial(run, workers=workers, epochs=asked.epochs, align=False, seed=0)
    results = [made(program(asked, 1024, True)).statistics for _ in range(2)]
    micro = results[0]["schedules"]["main"]["micro_rounds"]
    return float(min(r["phases"]["main"]["seconds"] for r in results) / micro * 1e6)


def measured_machine(tiny: bool) -> Machine:
    """Measure what does not depend on the program; often, since other programs may disturb it."""
    turns = range(1 if tiny else 40)
    barrier = min(undisturbed(steps(2, SPINS, 500 if tiny else 1_000)) for _ in turns)
    large, small = 1 << 12, 1 << 8  # numbers of eight bytes
    took = [min(undisturbed(exchanges(size, 400)) for _ in turns) for size in (small, large)]
    byte = max(took[1] - took[0], 1e-6) / (NUMBER * (large - small))
    with Engine(workers=1, executor="processes") as engine:
        loop, _ = rounds(engine, 96 if tiny else 2000, filled=False, repeats=5)
    return Machine(barrier, byte, undisturbed(loop))


def undisturbed(times: np.ndarray) -> float:
    """Return the mean of the fastest twenty in a row: other programs only add time."""
    return float(times[: len(times) // 20 * 20].reshape(-1, 20).mean(axis=1).min())


def exchanges(size: int, count: int) -> np.ndarray:
    """Microseconds in which a process writes some numbers and reads as many that another wrote."""
    words = np.frombuffer(mmap.mmap(-1, 8 * 6 * STRIDE), np.int64)
    clocks, wake = np.split(words, [2 * STRIDE])
    wake[SPINS_WORD] = SPINS
    boxes = np.frombuffer(mmap.mmap(-1, 2 * 8 * size), np.float64).reshape(2, size)
    notes = np.zeros(count, np.int64)
    abort(wake)
    exchange(clocks, 0, wake, boxes, notes[:1])  # compiled before anybody waits for it
    words[: 5 * STRIDE] = 0
    other = multiprocessing.get_context("fork").Process(
        target=exchange, args=(clocks, 1, wake, boxes, np.zeros_like(notes))
    )
    other.start()
    exchange(clocks, 0, wake, boxes, notes)
    other.join()
    return np.diff(notes)[min(WARM, count // 2) :] / cycles_a_microsecond()


@numba.njit(nogil=True)
def exchange(clocks, p, wake, boxes, notes):
    """Write one's own box, read the other's, many times; note the time of each turn."""
    total = 0.0
    for t in range(len(notes)):
        for i in range(boxes.shape[1]):
            boxes[p, i] = t + total * 1e-300
        publish(clocks, 2, p, 2 * t + 1, wake)
        if not await_all(clocks, 2, 2 * t + 1, wake):
            return
        for i in range(boxes.shape[1]):
            total += boxes[1 - p, i]
        publish(clocks, 2, p, 2 * t + 2, wake)
        if not await_all(clocks, 2, 2 * t + 2, wake):
            return
        notes[t] = cycles()


def table(rows: pd.DataFrame) -> Table:
    """Return the table of `docs/evidence.md`."""
    return Table("A micro-round, foretold", COLUMNS, rows)


#: Name → what makes the table, and the file of rows.
TABLES: Tables = {"round-model": ([table], ["round-model"])}


if __name__ == "__main__":
    command(main)
