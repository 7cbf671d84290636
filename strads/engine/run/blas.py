"""BLAS with one thread while a run lasts, whatever executes it.

Threads of BLAS change the order of a sum, hence the bits of a product on the leader; and they spin
for milliseconds after every product, on the cores of the workers. The setting belongs to the whole
process, so it is counted: what was set before comes back when the last run has ended, in whatever
order they end.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from threadpoolctl import ThreadpoolController

#: Reentrant: a collection of garbage may end an abandoned run amid any of these functions.
_lock = threading.RLock()
_holders = 0
_before: list[tuple[Any, int]] = []  # libraries and the threads that they had
_scanned = 0  # modules imported when libraries were last looked for
_libraries: list[Any] = []


def hold_to_one_thread() -> None:
    """Ask for one thread; each call needs one of :func:`release`."""
    global _holders
    with _lock:
        _holders += 1
        for library in _found():
            if library.num_threads != 1:
                _before.append((library, library.num_threads))
                library.set_num_threads(1)


def release() -> None:
    """Give back what :func:`hold_to_one_thread` took."""
    global _holders
    with _lock:
        if _holders == 0:  # a run of the parent's ends in a forked child
            return
        _holders -= 1
        if _holders == 0:
            _restore()


def begin_anew() -> None:
    """In a forked child: nobody holds the lock, no run of the parent's counts."""
    global _lock, _holders
    _lock, _holders = threading.RLock(), 0
    _restore()


def _restore() -> None:
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
