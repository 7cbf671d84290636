"""Seconds and memory of fits in processes of their own: one alone, or several at the same time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from bench.harness.memory import INTERVAL, Memory, sizes
from bench.harness.process import Process
from bench.harness.tables import show

#: What *scaling* compares: name → the solvers that run at the same time, a process each. Two
#: processes need not wait for each other, and show what the machine has to give.
SCALING = {"one worker": ["strads-1"], "two workers": ["strads-2"],
           "two processes": ["strads-1", "strads-1"]}  # fmt: skip


def measured(
    children: Sequence[Process], what: str = "alone", interval: float = INTERVAL
) -> list[dict[str, Any]]:
    """Let several children fit at the same time, and sample their memory.

    Returns
    -------
    list of dict
        For every child its solver, its answer with the seconds of the fit, and the MiB of its
        processes before the fit and at most during it.
    """
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
    for child, answer, size, memory in zip(children, answers, before, memories, strict=True):
        begin, end = answer.pop("begin"), answer.pop("end")
        peak = max(size, sum(memory.peak(begin, end).values()))
        rows.append({"what": what, "solver": child.name, "seconds": end - begin} | answer
                    | {"input_mib": size / 2**20, "peak_mib": peak / 2**20})  # fmt: skip
    return rows


def scaling(
    start: Callable[[str], Process], repeats: int, interval: float = INTERVAL
) -> list[dict[str, Any]]:
    """Rows of `measured` for every run of `SCALING`; `start` starts the process of a solver."""
    rows = []
    for _ in range(repeats):
        for what, names in SCALING.items():
            rows += measured([start(name) for name in names], what, interval)
    return rows


def show_gains(rows: Sequence[dict[str, Any]], work: str, seconds: str) -> None:
    """Print the work done per second relative to one worker.

    Parameters
    ----------
    rows : sequence of dict
        Rows of `scaling`.
    work : str
        What was done, as in "sweeps".
    seconds : str
        Key of the seconds that a unit of work takes.
    """
    median = pd.DataFrame(rows).groupby("what", sort=False)[seconds].median()
    gains = {what: len(SCALING[what]) * median["one worker"] / each
             for what, each in median.items()}  # fmt: skip
    show(f"{work} a second, of one worker's", ("run", work),
         [(what, f"{gain:.2f}") for what, gain in gains.items()])  # fmt: skip
