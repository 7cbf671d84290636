"""Memory of a process and all that it started: their proportional set sizes, sampled (Linux).

A page shared by several processes counts once, so shared memory is not counted for every worker.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

#: Seconds between samples. Reading the sizes stops a process for about a millisecond a gigabyte.
INTERVAL = 0.5


class Sampler:
    """Samples the memory of a process and all below it, in a thread, until left."""

    def __init__(self, root: int, interval: float = INTERVAL) -> None:
        self.samples: list[tuple[float, int]] = []  # monotonic time, bytes
        self._root, self._interval = root, interval
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._leave.set()
        self._thread.join()

    def peak(self, begin: float, end: float) -> int:
        """Most bytes between two times; 0 if the time was too short to be sampled."""
        return max((size for at, size in self.samples if begin <= at <= end), default=0)

    def _sample(self) -> None:
        while not self._leave.is_set():
            at = time.perf_counter()
            self.samples.append((at, tree_bytes(self._root)))
            self._leave.wait(self._interval)


def tree_bytes(root: int) -> int:
    """Proportional set size of a process and all below it."""
    return sum(_bytes(process) for process in _tree(root))


def _tree(root: int) -> list[int]:
    below: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name, in parentheses, may hold anything; the parent is the second field after it.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        below.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [root]
    for process in found:  # grows on the way
        found += below.get(process, [])
    return found


def _bytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    sizes = [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
    return 1024 * sum(sizes)
