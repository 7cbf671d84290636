"""Memory of a process and all its descendants: their proportional set sizes, sampled (Linux).

A page that several processes share counts once in the sum, so shared memory is not counted for
every worker. Pages of a mapped file count as far as a process has read them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psutil

#: Seconds between samples. Reading the sizes stops a process for about a millisecond a gigabyte.
INTERVAL = 0.5


def sizes(root: int) -> dict[int, int]:
    """Return the proportional set size, in bytes, of a process and each descendant, by its id."""
    found: dict[int, int] = {}
    try:
        processes = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
    except psutil.Error:
        return found
    for process in processes:
        try:
            found[process.pid] = process.memory_full_info().pss
        except psutil.Error:
            pass  # it has just ended
    return found


class Memory:
    """Samples the sizes of a process and its descendants, in a thread, within a ``with`` block.

    Parameters
    ----------
    root : int
        Process id.
    interval : float
        Seconds between samples.
    watch : callable, optional
        Called in the thread with the sum of every sample, in bytes: it may end the process.
    """

    def __init__(
        self, root: int, interval: float = INTERVAL, watch: Callable[[int], None] | None = None
    ) -> None:
        self.samples: list[tuple[float, dict[int, int]]] = []  # monotonic time, bytes by process
        self._root, self._interval, self._watch = root, interval, watch
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._leave.set()
        self._thread.join()

    def peak(self, begin: float = 0.0, end: float = float("inf")) -> dict[int, int]:
        """Return the largest sample between two times; empty if the time was too short for one."""
        within = (found for at, found in self.samples if begin <= at <= end)
        return max(within, key=lambda found: sum(found.values()), default={})

    def _sample(self) -> None:
        while True:
            at, found = time.perf_counter(), sizes(self._root)
            self.samples.append((at, found))
            if self._watch is not None:
                self._watch(sum(found.values()))
            if self._leave.wait(self._interval):
                return
