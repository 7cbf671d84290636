"""Run settings, several at once if wanted, and write every row as soon as it is known."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict
from typing import Any

from rich.console import Console

from bench.schedules.ledger import Ledger
from bench.schedules.setting import Setting
from bench.schedules.trial import trial

Row = dict[str, Any]
#: Rows between two lines on the screen.
NEWS = 20


def fill(ledger: Ledger, settings: Iterable[Setting], jobs: int) -> int:
    """Run the settings that a file lacks; return how many they were."""
    missing = [setting for setting in settings if setting.key not in ledger]
    begun = time.perf_counter()
    for done, row in enumerate(_rows(missing, jobs), start=1):
        ledger.add(row)
        if done % NEWS == 0 or done == len(missing):
            _tell(ledger, done, len(missing), time.perf_counter() - begun)
    return len(missing)


def measured(setting: Setting) -> Row:
    """Run a setting; return its row."""
    return asdict(setting) | trial(setting).row()


def _rows(settings: Sequence[Setting], jobs: int) -> Iterator[Row]:
    if jobs == 1:
        yield from map(measured, settings)
        return
    # One thread in each process: else their threads would compete for the cores.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from _few_at_a_time(pool, measured, settings, 2 * jobs)


def _few_at_a_time(
    pool: ProcessPoolExecutor, work: Callable[[Setting], Row], settings: Sequence[Setting],
    most: int,
) -> Iterator[Row]:  # fmt: skip
    """Yield rows as they finish; at most `most` settings are submitted at a time.

    So an interrupted grid has only these to wait for.
    """
    pending: set[Future[Row]] = set()
    left = list(reversed(settings))
    while left or pending:
        while left and len(pending) < most:
            pending.add(pool.submit(work, left.pop()))
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


def _tell(ledger: Ledger, done: int, of: int, seconds: float) -> None:
    left = seconds / done * (of - done)
    Console().print(f"{ledger.path.name}: {done} of {of}, {seconds:.0f} s; {left:.0f} s to go")
