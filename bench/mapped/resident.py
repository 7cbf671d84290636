"""The memory of a process: what it has resident, and a limit of its addresses."""

from __future__ import annotations

import ctypes
import resource
import threading
from pathlib import Path


class Peak:
    """Looks up the resident memory of this process every 20 ms."""

    def __enter__(self) -> Peak:
        give_back_heap()
        self.most, self.begun, self.ended = 0, resident(), threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def _look(self) -> None:
        while not self.ended.wait(0.02):
            self.most = max(self.most, resident() - self.begun)

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()


def give_back_heap() -> None:
    """Have the C library give free memory back, which would not count as added otherwise."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def resident() -> int:
    """Return the bytes of memory that this process has resident, pages of files included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def limit_to(memory: int) -> None:
    """Limit the address space to what it has now, and so much more."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + memory, resource.RLIM_INFINITY))
