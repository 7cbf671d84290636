"""BLAS with one thread while a run lasts, whatever executes it.

Threads of BLAS change the order of a sum, hence the bits of a product on the leader; and they spin
for milliseconds after every product, on the cores of the workers.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_holders = 0
_before: list[tuple[Any, int]] = []  # libraries and the threads they had
_scanned = 0  # modules imported when libraries were last looked for
_libraries: list[Any] = []


class OneThread:
    """A claim that BLAS has one thread: from :meth:`take` until :meth:`release`.

    Engines in several threads may hold one each: the last to leave gives the threads back.
    """

    def __init__(self) -> None:
        self._held = False

    def take(self) -> None:
        """Hold BLAS to one thread."""
        global _holders
        with _lock:
            if self._held:
                return
            self._held = True
            _holders += 1
            for library in _found():
                if library.num_threads != 1:
                    _before.append((library, library.num_threads))
                    library.set_num_threads(1)

    def release(self) -> None:
        """Let go; any number of times."""
        global _holders
        with _lock:
            if not self._held:
                return
            self._held = False
            _holders = max(_holders - 1, 0)  # a child of fork begins at 0, whoever held it before
            if _holders == 0:
                while _before:
                    library, threads = _before.pop()
                    library.set_num_threads(threads)


def _found() -> list[Any]:
    """Return BLAS libraries; looking for them takes milliseconds, and imports alone bring new."""
    global _scanned, _libraries
    if len(sys.modules) != _scanned:
        _libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        _scanned = len(sys.modules)
    return _libraries


def _after_fork() -> None:
    """In a child nobody runs: the first to let go gives the threads back."""
    global _lock, _holders
    _lock, _holders = threading.Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
