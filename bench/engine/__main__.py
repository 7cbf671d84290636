"""What the engine itself costs: synchronisation, rounds, launches, drawing by priority."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Annotated, Any, Final

import numpy as np
import pandas as pd
from typer import Option

from bench.engine import draws, listed
from bench.engine.rounds import at_most_cores, launches, rounds, steps
from bench.harness.command import command
from bench.harness.tables import Table, keep
from strads import Engine
from strads.engine import available_cores
from strads.engine.processes.executor import SPINS, SPINS_CROWDED

#: Steps and rounds in a row whose mean is one sample of a median: processes that keep step often
#: take turns in being early, and half of the single steps then seem to cost nothing.
WINDOW = 20
CLOCK, ROUND, LAUNCH = "a step of the clock", "a round of push and pull, one id each", "a launch"
COLUMNS = [("what", "{what}"), ("median µs", "{short_median}"), ("99 % µs", "{short_p99}"),
           ("samples", "{samples:,}"), ("target", "{wanted}")]  # fmt: skip


def main(
    parts: list[str] = ("clock", "rounds", "draws", "lists"),
    repeats: int = 5,
    tiny: Annotated[bool, Option(help="does it run at all; writes nothing")] = False,
) -> list[dict[str, Any]]:
    """Measure, print and write medians and 99th percentiles, in microseconds.

    They are those of single steps, rounds and launches (the median of the first two over means of
    20 in a row), and of means over a thousand ids.
    """
    rows = [each for part in parts for each in PARTS[part](tiny, repeats)]
    shown = pd.DataFrame(rows)
    shown["wanted"] = [_wanted(each) for each in rows]
    for name in ("median", "p99"):
        shown[f"short_{name}"] = shown[name].map(lambda x: f"{x:.3f}" if x < 10 else f"{x:,.1f}")
    groups = list(shown.groupby("group", sort=False))
    for at, (group, mine) in enumerate(groups, start=1):
        Table(str(group), COLUMNS, mine).show(caption=at == len(groups))
    if not tiny and {*parts} == {*PARTS}:
        keep("engine", rows)
    return rows


def row(
    group: str, what: str, times: np.ndarray, target: float = np.nan, p99_target: float = np.nan,
    window: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Summarise times in microseconds; the median is taken over means of `window` in a row."""
    whole = times[: len(times) // window * window]
    return {"group": group, "what": what,
            "median": float(np.median(whole.reshape(-1, window).mean(axis=1))),
            "p99": float(np.percentile(times, 99)), "samples": len(times), "target": target,
            "p99_target": p99_target}  # fmt: skip


def _wanted(row: dict[str, Any]) -> str:
    words = [f"{word}≤ {row[name]:g}" for word, name in (("", "target"), ("99 % ", "p99_target"))
             if row[name] == row[name]]  # fmt: skip
    missed = row["median"] > row["target"] or row["p99"] > row["p99_target"]
    return ", ".join(words) + (" (missed)" if missed else "")


def _crowd(n: int) -> str:
    return " on 2 cores" if n > 2 else ""


def _clock(tiny: bool, repeats: int) -> Iterator[dict[str, Any]]:
    for n, count in ((2, 20_000), (8, 5_000)):
        spins = SPINS if n <= available_cores() else SPINS_CROWDED
        with at_most_cores(2) if n > 2 else nullcontext():
            times = steps(n, spins, 200 if tiny else count)
        yield row(CLOCK, f"{n} processes{_crowd(n)}", times, window=WINDOW)


def _engine(n: int, tiny: bool, repeats: int) -> list[dict[str, Any]]:
    """Rounds and launches with n workers; more than two share two cores."""
    count, repeats = (96, 1) if tiny else (2000 if n == 2 else 1000, repeats)
    name = f"{n} workers{_crowd(n)}"
    limit, tail = (5.0, np.nan) if n == 2 else (200.0, 2000.0)
    with (
        at_most_cores(2) if n > 2 else nullcontext(),
        Engine(workers=n, executor="processes") as engine,
    ):
        filled, _ = rounds(engine, count, filled=True, repeats=repeats)
        filling, starved = rounds(engine, count, filled=False, repeats=repeats)
        called = launches(engine, 60 if tiny else 500)
    return [
        row(ROUND, f"{name}, ring full, scheduler asleep", filled, limit, tail, WINDOW),
        row(ROUND, f"{name}, scheduler 8 rounds ahead", filling, window=WINDOW),
        row(ROUND, f"{name}, thereof waiting for a lease (means)", starved),
        row(LAUNCH, f"{name}, no schedule", called),
    ]


#: Name → what yields the rows, given whether they are tiny, and the repeats.
PARTS: Final[dict[str, Callable[[bool, int], Iterator[dict[str, Any]]]]] = {
    "clock": _clock,
    "rounds": lambda *given: (each for n in (2, 8) for each in _engine(n, *given)),
    "draws": lambda *given: (row(*each) for each in draws.measure(*given)),
    "lists": lambda *given: (row(*each) for each in listed.measure(*given)),
}


if __name__ == "__main__":
    command(main)
