"""Memory of fits in processes of their own, one alone or several at the same time."""

import contextlib
from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench.harness.problem import Problem, Setting
from bench.harness.process import INTERVAL, Memory, Process, sizes
from bench.harness.tables import Table

#: What *scaling* compares: name → the solvers that run at the same time, a process each. Two
#: processes need not wait for each other, and show what the machine has to give.
SCALING = {"one worker": ["strads-1"], "two workers": ["strads-2"],
           "two processes": ["strads-1", "strads-1"]}  # fmt: skip


def footprint(
    children: Sequence[Process], what: str = "alone", interval: float = INTERVAL
) -> list[dict[str, Any]]:
    """Let several children fit at the same time; return a row each, with MiB before and at most."""
    for child in children:
        child.ready()
    before = [sum(sizes(child.process.pid).values()) for child in children]
    memories = [Memory(child.process.pid, interval) for child in children]
    with contextlib.ExitStack() as sampling:
        for child, memory in zip(children, memories, strict=True):
            sampling.enter_context(memory)
            child.go()
        answers = [child.answer() for child in children]
    rows = []
    for child, memory, found, size in zip(children, memories, answers, before, strict=True):
        peak = max(size, sum(memory.peak(found.pop("begin"), found.pop("end")).values()))
        rows.append({"run": what, "solver": child.name} | found
                    | {"input_mib": size / 2**20, "peak_mib": peak / 2**20})  # fmt: skip
    return rows


def scaling(
    problem: Problem, settings: Sequence[Setting], repeats: int, work: str, seconds: str,
    interval: float = INTERVAL,
) -> list[dict[str, Any]]:  # fmt: skip
    """What a second worker buys: rows of `footprint` for every run of `SCALING`.

    Printed is how much work a second is done, relative to one worker; `seconds` is the figure of
    what a unit of it takes.
    """
    rows = []
    for _ in range(repeats):
        for what, names in SCALING.items():
            crew = [Process(problem, name, *settings, compiled=True) for name in names]
            rows += footprint(crew, what, interval)
    median = pd.DataFrame(rows).groupby("run", sort=False)[seconds].median()
    gains = [{"run": what, "gain": len(SCALING[what]) * median["one worker"] / each}
             for what, each in median.items()]  # fmt: skip
    Table(
        f"{work} a second, of one worker's", [("run", "{run}"), (work, "{gain:.2f}")], gains
    ).show()
    return rows
