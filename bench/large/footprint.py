"""Memory of a fit by process: proportional set sizes at the moment their sum is largest (Linux).

A page shared by several processes counts once in the sum; a mapped file's pages count as far as a
process has looked at them. (`bench.compare.memory` samples the sum alone.)
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from strads.engine import proportional_set_size

#: Seconds between samples. Reading the sizes stops a process for about a millisecond a gigabyte.
INTERVAL = 0.5


class Footprint:
    """Samples a process and all below it, in a thread, until left.

    Parameters
    ----------
    root : int
        Process id.
    interval : float
        Seconds.
    watch : callable, optional
        Called in the thread with every sum: ends what has grown too large.

    Attributes
    ----------
    peak : int
        Largest sum so far, in bytes.
    at_peak : dict of int to int
        Sizes by process id at that moment.
    """

    def __init__(
        self, root: int, interval: float = INTERVAL, watch: Callable[[int], None] | None = None
    ) -> None:
        self.peak = 0
        self.at_peak: dict[int, int] = {}
        self._root, self._interval, self._watch = root, interval, watch
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Footprint:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._leave.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._leave.is_set():
            sizes = {each: proportional_set_size(each) or 0 for each in _processes(self._root)}
            total = sum(sizes.values())
            if total > self.peak:
                self.peak, self.at_peak = total, sizes
            if self._watch is not None:
                self._watch(total)
            self._leave.wait(self._interval)


def _processes(root: int) -> list[int]:
    found = [root]
    for process in found:  # grows on the way
        for task in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                pass  # it has just ended
    return found
