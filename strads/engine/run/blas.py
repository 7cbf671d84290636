"""Limit BLAS to one thread in the leader as long as a run lasts, with any executor.

With several threads BLAS adds in another order, which changes the bits of a product in the leader;
and its threads spin for milliseconds after every product, on cores that the workers need. The
limit holds for the whole process, so runs are counted: when the last one has ended, in whatever
order they end, BLAS gets the number of threads back that it had before.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from threadpoolctl import ThreadpoolController

#: Reentrant, because the garbage collector may end an abandoned run within any function here.
_lock = threading.RLock()
_holders = 0
_before: list[tuple[Any, int]] = []  # libraries, and the numbers of threads that they had
_scanned = 0  # number of modules imported when BLAS libraries were last looked for
_libraries: list[Any] = []


def hold_to_one_thread() -> None:
    """Limit BLAS to one thread until :func:`release` has been called once for each such call."""
    global _holders
    with _lock:
        _holders += 1
        for library in _found():
            if library.num_threads != 1:
                _before.append((library, library.num_threads))
                library.set_num_threads(1)


def release() -> None:
    """End what one call of :func:`hold_to_one_thread` began."""
    global _holders
    with _lock:
        if _holders == 0:  # in a forked child, where a run of the parent is collected
            return
        _holders -= 1
        if _holders == 0:
            _restore()


def begin_anew() -> None:
    """In a forked child, forget the parent's runs and make a lock that no thread holds."""
    global _lock, _holders
    _lock, _holders = threading.RLock(), 0
    _restore()


def _restore() -> None:
    while _before:
        library, threads = _before.pop()
        library.set_num_threads(threads)


def _found() -> list[Any]:
    """Return the BLAS libraries; look for them only after imports, as it takes milliseconds."""
    global _scanned, _libraries
    if len(sys.modules) != _scanned:
        _libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        _scanned = len(sys.modules)
    return _libraries
