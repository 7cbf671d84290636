"""What the engine itself costs: synchronisation, rounds, launches, drawing by priority.

    python -m bench.engine [--tiny] [--repeats N]

Every row is a median and a 99th percentile in microseconds: of single steps, rounds and launches
(the median of the first two over means of `WINDOW` in a row), of means over a thousand ids.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from dataclasses import asdict

import numpy as np

from bench import draws
from bench.harness.tables import keep
from bench.latency import Row, show
from bench.rounds import at_most_cores, launches, rounds, steps
from strads import Engine
from strads.engine import available_cores
from strads.engine.processes.executor import SPINS, SPINS_CROWDED

#: Steps and rounds in a row whose mean is one sample of a median.
WINDOW = 20
CLOCK, ROUND, LAUNCH = "a step of the clock", "a round of push and pull, one id each", "a launch"


def main(arguments: list[str] | None = None) -> list[Row]:
    """Measure, print and write all rows."""
    parser = argparse.ArgumentParser(prog="bench.engine", description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tiny", action="store_true", help="does it run at all; writes nothing")
    options = parser.parse_args(arguments)
    rows = [*_clock(options.tiny), *_engine(2, options), *_engine(8, options)]
    rows += draws.measure(options.tiny, options.repeats)
    show(rows)
    if not options.tiny:
        keep("engine", map(asdict, rows))
    return rows


def _clock(tiny: bool) -> list[Row]:
    rows = []
    for n, count in ((2, 20_000), (8, 5_000)):
        spins = SPINS if n <= available_cores() else SPINS_CROWDED
        with at_most_cores(2) if n > 2 else nullcontext():
            times = steps(n, spins, 200 if tiny else count)
        rows.append(Row.of(CLOCK, f"{n} processes" + _crowd(n), times, window=WINDOW))
    return rows


def _crowd(n: int) -> str:
    return " on 2 cores" if n > 2 else ""


def _engine(n: int, options: argparse.Namespace) -> list[Row]:
    """Rounds and launches with n workers; more than two share two cores."""
    count, repeats = (96, 1) if options.tiny else (2000 if n == 2 else 1000, options.repeats)
    name = f"{n} workers{_crowd(n)}"
    limit, tail = (5.0, np.nan) if n == 2 else (200.0, 2000.0)
    with (
        at_most_cores(2) if n > 2 else nullcontext(),
        Engine(workers=n, executor="processes") as engine,
    ):
        filled, _ = rounds(engine, count, filled=True, repeats=repeats)
        filling, starved = rounds(engine, count, filled=False, repeats=repeats)
        called = launches(engine, 60 if options.tiny else 500)
    return [
        Row.of(ROUND, f"{name}, ring full, scheduler asleep", filled, limit, tail, WINDOW),
        Row.of(ROUND, f"{name}, scheduler 8 rounds ahead", filling, window=WINDOW),
        Row.of(ROUND, f"{name}, thereof waiting for a lease (means)", starved),
        Row.of(LAUNCH, f"{name}, no schedule", called),
    ]


if __name__ == "__main__":
    main()
