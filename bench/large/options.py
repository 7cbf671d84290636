"""Options that all commands of `bench.large` share."""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.harness.memory import INTERVAL
from bench.large import planted
from bench.large.trial import Limits, Task

COLUMNS = (100_000, 1_000_000, 10_000_000)
QUICK = COLUMNS[:2]
TINY, TINY_ROWS = (2_000, 4_000), 500
DIVISORS = (10.0, 50.0)


@dataclass(frozen=True)
class Options:
    """Designs, penalties, workers, and where results go."""

    columns: tuple[int, ...]
    rows: int
    seed: int
    divisors: tuple[float, ...]
    workers: tuple[int, ...]
    solvers: tuple[str, ...]
    limits: Limits
    interval: float
    out: Path | None
    tiny: bool

    def tasks(self) -> Iterator[Task]:
        """Every size with every penalty; designs are generated before anything is measured."""
        for columns in self.columns:
            planted.load(columns, rows=self.rows, seed=self.seed)
        for columns, divisor in itertools.product(self.columns, self.divisors):
            yield Task(columns, self.rows, self.seed, divisor)


def parsed(command: str, summary: str, columns: tuple[int, ...], words: list[str]) -> Options:
    """Options of a command; `columns` are its sizes unless told otherwise."""
    parser = argparse.ArgumentParser(prog=f"bench.large {command}", description=summary)
    cores = os.cpu_count() or 1
    parser.add_argument("--columns", nargs="+", type=int, help=f"by default {columns}")
    parser.add_argument("--rows", type=int, default=planted.ROWS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--divisors", nargs="+", type=float, default=DIVISORS, help="αmax / α")
    parser.add_argument("--workers", nargs="+", type=int, default=range(1, cores + 1))
    parser.add_argument("--solvers", nargs="+", default=("sklearn", "celer"), help="of peers")
    parser.add_argument("--minutes", type=float, default=30.0, help="minutes that a fit may take")
    parser.add_argument("--gib", type=float, default=20.0, help="GiB that a fit may hold")
    parser.add_argument("--interval", type=float, default=INTERVAL, help="seconds a sample")
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--quick", action="store_true", help="a hundred thousand and a million")
    parser.add_argument("--tiny", action="store_true", help="does it run at all")
    given = parser.parse_args(words)
    return Options(
        tuple(given.columns or (TINY if given.tiny else _sizes(columns, given.quick))),
        TINY_ROWS if given.tiny else given.rows, given.seed, tuple(given.divisors),
        tuple(given.workers), tuple(given.solvers), Limits(given.minutes, given.gib),
        0.05 if given.tiny else given.interval, given.out, given.tiny,
    )  # fmt: skip


def _sizes(columns: tuple[int, ...], quick: bool) -> tuple[int, ...]:
    return tuple(n for n in columns if n <= QUICK[-1]) or QUICK[-1:] if quick else columns
