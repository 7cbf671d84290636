"""The machine, as far as it decides how quick a fit can be: measured once for each process."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from strads.diagnosis.empty_rounds import Cost, measure_rounds
from strads.engine import available_cores, available_memory

#: Bytes of the array that is copied to measure the bandwidth: more than caches hold.
COPIED = 48 << 20
#: Copies of which the quickest counts, and the seconds after which no other one begins.
COPIES, LONGEST = 7, 0.4


@dataclass(frozen=True)
class Machine:
    """A machine.

    Attributes
    ----------
    cores : int
        Physical cores that this process may use.
    memory_left : int
        Bytes that the machine and the limits of this process have left now.
    bandwidth : float
        Bytes a second that one core reads and writes when it copies a large array.
    bandwidth_all : float
        The same for all cores together.
    launch_seconds, round_seconds : float
        What it costs two workers to begin a launch, and to wait for each other once; not a number
        where there can be no worker processes.
    """

    cores: int
    memory_left: int
    bandwidth: float
    bandwidth_all: float
    launch_seconds: float
    round_seconds: float


def measure_machine() -> Machine:
    """Measure this machine within two seconds; only the memory that is left is looked up again."""
    cores, one, together, cost = _measured()
    return Machine(
        cores, available_memory(), one, together, cost.launch_seconds, cost.round_seconds
    )


@functools.cache
def _measured() -> tuple[int, float, float, Cost]:
    cores = available_cores()
    size = int(min(COPIED, max(available_memory() // (8 * cores), 1 << 16)))
    one = bandwidth(1, size)
    together = one if cores == 1 else max(bandwidth(cores, size), one)
    cost = measure_rounds() if cores > 1 else Cost(math.nan, math.nan)
    return cores, one, together, cost


def bandwidth(threads: int, size: int) -> float:
    """Return the bytes a second that some threads read and write, each with arrays of its own."""
    pairs = [(np.ones(size, np.uint8), np.full(size, 2, np.uint8)) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        return 2 * size * threads / _quickest(lambda: _copy(pool, pairs))


def _copy(pool: ThreadPoolExecutor, pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for done in [pool.submit(np.copyto, target, source) for source, target in pairs]:
        done.result()


def _quickest(call: Callable[[], None]) -> float:
    """Return the seconds of the quickest of a few calls."""
    since, best = time.perf_counter(), math.inf
    for _ in range(COPIES):
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
        if time.perf_counter() - since > LONGEST:
            break
    return max(best, 1e-9)
