"""What two workers lose: shares of their time without work, and pushes that are divided unevenly.

Waiting for the other worker, waiting for leases, and what the leader does between launches come
from the statistics of runs. They mean something on a quiet machine only. How evenly pushes are
divided is counted, on any machine: in a micro-round the worker with less to do waits for the other
one. What is counted are the entries that pushes go through, and one for each id. Pulls go through
the same entries, cut by rows or from the other side.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits
from typer import Option

from bench.diagnosis.sets import SETS
from bench.diagnosis.sets import Asked as Fit
from bench.harness.command import command, loaded
from bench.harness.tables import Table
from bench.harness.ways import varied
from bench.programs import loops, nnls
from strads import Program, Record, Recorder, run
from strads.diagnosis.trials.problems import problem_of

WORKERS = 2
COLUMNS = [
    ("program", "{program}"),
    ("s", "{seconds:.2f}"),
    ("for the other worker", "{waiting:.1%}"),
    ("for leases", "{starved:.1%}"),
    ("both (least)", "{lost:.1%} ({least:.1%})"),
    ("leader", "{leader:.1%}"),
    ("micro-rounds", "{micro:,}"),
    ("uneven, counted", "{uneven:.1%}"),
]


class Asked(NamedTuple):
    """A program, its arguments, the options of its run, and what a push of each id goes through."""

    program: type[Program]
    given: dict[str, Any]
    options: dict[str, Any]
    axis: str
    costs: np.ndarray


def main(
    programs: list[str] = ("nnls", "logistic", "groups", "svm", "pagerank", "potts"),
    fits: Annotated[list[str], Option(help="of bench.diagnosis")] = (
        "lasso-imdb", "svm-news20", "mf-ml-1m", "lda-uci-kos",
    ),
    repeats: int = 5,
    count: Annotated[bool, Option(help="only what is counted, in one process")] = False,
    tiny: Annotated[bool, Option(help="small problems: does it run at all")] = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Shares of two workers' time that go into waiting, medians, and the least of both together.

    The leader's share is that of the run, the others are of the time within launches. What is
    counted is the share of the workers' time that would be lost to uneven work if nothing else
    took time.
    """
    rows: list[dict[str, Any]] = []
    with threadpool_limits(1):
        for name in programs:
            asked = MADE[name](tiny)
            found = {} if count else waits(partial(ran, asked), repeats)
            rows.append({"program": name, **found, **counted(asked)})
        for name, ask in loaded(() if count else fits, lambda name: SETS[name]()):
            rows.append({"program": name, **waits(partial(fitted, ask), repeats)})
    Table("What two workers lose", COLUMNS, rows).show()
    return rows


def ran(asked: Asked) -> dict[str, Any]:
    """Statistics of a run."""
    made = asked.program(**asked.given)
    return run(made, workers=WORKERS, seed=0, **asked.options).statistics


def fitted(asked: Fit) -> dict[str, Any]:
    """Statistics of a fit; of several runs, those of the last."""
    problem = problem_of(asked.problem)
    model = problem.model({**asked.settings, "n_workers": WORKERS})
    problem.fit(model, asked.X, asked.y)
    return model.statistics_


def waits(once: Callable[[], dict[str, Any]], repeats: int) -> dict[str, float]:
    """Medians of the shares over some runs, after one that fills caches."""
    once()
    found = []
    for _ in range(repeats):
        since = time.perf_counter()
        statistics = once()
        found.append(shares(statistics) | {"seconds": time.perf_counter() - since})
    middle = {name: float(np.median([each[name] for each in found])) for name in found[0]}
    return middle | {"least": min(each["lost"] for each in found)}


def shares(statistics: dict[str, Any]) -> dict[str, float]:
    """Shares of the time of a run in which its workers did no work."""
    rows = [row for name, row in statistics["processes"].items() if name.startswith("worker")]
    total = {key: sum(row[key] for row in rows) / len(rows)
             for key in ("seconds", "waiting_seconds", "starved_seconds")}  # fmt: skip
    waiting = total["waiting_seconds"] / total["seconds"]
    starved = total["starved_seconds"] / total["seconds"]
    inside = sum(row["seconds"] for row in statistics["phases"].values())
    inside += statistics["measure_seconds"]
    return {"waiting": waiting, "starved": starved, "lost": waiting + starved,
            "leader": max(1.0 - inside / statistics["seconds"], 0.0)}  # fmt: skip


def counted(asked: Asked) -> dict[str, float]:
    """What the rounds of a run say; the serial executor hands out the same as processes."""
    recorder, made = Recorder(), asked.program(**asked.given)
    statistics = run(made, workers=WORKERS, seed=0, executor="serial", instruments=recorder,
                     **asked.options).statistics  # fmt: skip
    if not recorder.logs:  # every worker goes through its range of ids
        cut = made.partitions[asked.axis]
        work = np.array([[asked.costs[slice(*cut.range(p))].sum() for p in range(WORKERS)]])
        waits = sum(row["launches"] for row in statistics["phases"].values())
        return {"micro": waits, "uneven": idle(work)}
    micro = statistics["schedules"]["main"]["micro_rounds"]
    work = np.concatenate([divided(record, asked.costs) for record in recorder.log("main")])
    return {"micro": micro, "uneven": idle(work)}


def divided(record: Record, costs: np.ndarray) -> np.ndarray:
    """Costs of the pushes of a recorded round: (micro-rounds, workers)."""
    before = np.zeros((len(record.ids), record.ids.shape[1] + 1))
    np.cumsum(costs[record.ids], axis=1, out=before[:, 1:])
    return np.diff(np.take_along_axis(before, record.cuts, axis=1)).T


def idle(work: np.ndarray) -> float:
    """Share of the time that workers wait, from what each does between waits."""
    return float(1.0 - work.mean(axis=1).sum() / max(work.max(axis=1).sum(), 1e-300))


def lists(tiny: bool) -> Asked:
    """The README's program on dorothea, its columns of seven entries, to a residual of 1e-5."""
    problem = nnls.problem("tiny" if tiny else "dorothea", 1e-3 if tiny else 1e-5)
    program = varied(nnls.NNLS, measure_every=4)
    options = {"tol": problem.tol, "epochs": nnls.MOST}
    costs = np.diff(problem.A.indptr) + 1.0
    return Asked(program, {"A": problem.A, "b": problem.b}, options, "cols", costs)


def looped(name: str, field: str, axis: str, tiny: bool) -> Asked:
    """A program of `bench.programs.loops`, whose ids are the columns or rows of a field."""
    asked = loops.MADE[name](tiny)
    matrix = asked.given[field]
    costs = np.diff(matrix.indptr) + 1.0
    return Asked(asked.program, asked.given, asked.options, axis, costs)


def groups(tiny: bool) -> Asked:
    """The group Lasso of `bench.programs.loops`: all groups are equal."""
    asked = loops.MADE["groups"](tiny)
    return Asked(asked.program, asked.given, asked.options, "groups",
                 np.ones(asked.given["groups"]))  # fmt: skip


MADE: dict[str, Callable[[bool], Asked]] = {
    "nnls": lists,
    "logistic": partial(looped, "logistic", "X", "features"),
    "groups": groups,
    "svm": partial(looped, "svm", "X", "samples"),
    "pagerank": partial(looped, "pagerank", "links", "pages"),
    "potts": partial(looped, "potts", "edges", "sites"),
}


if __name__ == "__main__":
    command(main)
