"""Heavy ids: what a schedule is worth, in seconds, when an update costs more than to choose it."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np
from threadpoolctl import threadpool_limits
from typer import Option

from bench.harness.command import command
from bench.harness.tables import Table
from bench.harness.ways import Answer, in_turns, scheduled, spread
from bench.programs.heavy_problems import EPOCHS, MADE, Problem
from strads import Priority, Random, RoundRobin, Schedule

#: A worker has one id in a micro-round, under every schedule.
TOGETHER: dict[str, Any] = {"lease": 256, "micro": 256}
COLUMNS = [
    ("problem", "{problem}"),
    ("schedule", "{schedule}"),
    ("workers", "{workers}"),
    ("updates", "{updates:,}"),
    ("s (min – max)", "{median:.2f} ({least:.2f} – {most:.2f})"),
    ("÷ best static", "{static:.2f}"),
    ("÷ one worker", "{alone:.2f}"),
    ("judged residual", "{judged:.1e}"),
]


def main(
    problems: list[str] = ("chain", "blocks", "groups", "classes"),
    workers: Annotated[list[int], Option()] = (1, 2),
    residual: Annotated[float, Option(help="relative to that at zero weights")] = 1e-6,
    repeats: int = 5,
    tiny: Annotated[bool, Option(help="small problems: does it run at all")] = False,
) -> list[dict[str, Any]]:
    """Seconds to a residual under each schedule, and of a plain cyclic loop; all take turns.

    The best static schedule is the faster of round-robin and random with as many workers.
    """
    rows: list[dict[str, Any]] = []
    for name in problems:
        asked = MADE[name](tiny, residual)
        with threadpool_limits(1):  # else a long product of the loop has a thread on each core
            rows += compared(name, asked, workers, repeats)
    Table("Heavy ids", COLUMNS, rows).show()
    return rows


def compared(name: str, asked: Problem, workers: list[int], repeats: int) -> list[dict[str, Any]]:
    """Rows of one problem."""
    ways: dict[tuple[str, int], Callable[[], Answer]] = {
        ("cyclic loop", 1): lambda: (asked.loop(), None)
    }
    for schedule, made in schedules(asked).items():
        for count in workers:
            ways[schedule, count] = partial(
                scheduled, asked.program, made, count, field=asked.field, tol=asked.tol,
                epochs=EPOCHS, **asked.given,
            )  # fmt: skip
    answers, seconds = in_turns(ways, repeats)
    median = {key: float(np.median(times)) for key, times in seconds.items()}
    return [
        {"problem": name, "schedule": schedule, "workers": count, "updates": answers[key][1],
         **spread(seconds[key]),
         "static": median[key] / min(median.get((s, count), np.inf) for s in STATIC),
         "alone": median[key] / median.get((schedule, 1), np.nan),
         "judged": asked.judge(answers[key][0])}
        for key in ways for schedule, count in [key]
    ]  # fmt: skip


STATIC = ("round-robin", "random")


def schedules(asked: Problem) -> dict[str, Schedule]:
    """Return the schedules to compare."""
    axis = asked.axis
    made: dict[str, Schedule] = {
        "round-robin": RoundRobin(axis, **TOGETHER),
        "random": Random(axis, **TOGETHER),
        "priority": Priority(axis, **TOGETHER),
    }
    if asked.coupling is not None:
        made["priority + dependency"] = Priority(axis, coupling=asked.coupling, **TOGETHER)
    return made


if __name__ == "__main__":
    command(main)
