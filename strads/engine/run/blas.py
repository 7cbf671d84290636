"""Limit BLAS to one thread in the leader as long as a run lasts, with any executor.

With several threads BLAS adds in another order, which changes the bits of a product in the leader;
and its threads spin for milliseconds after every product, on cores that the workers need. The
limit holds for the whole process, so runs are counted: when the last one has ended, in whatever
order they end, BLAS gets the number of threads back that it had before.

A program whose leader computes for long while the workers wait may ask for more threads
(:func:`blas_threads`).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController

from strads.engine.platform import available_cores

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
                _set(library, 1)


def release() -> None:
    """End what one call of :func:`hold_to_one_thread` began."""
    global _holders
    with _lock:
        if _holders == 0:  # in a forked child, where a run of the parent is collected
            return
        _holders -= 1
        if _holders == 0:
            _restore()


@contextmanager
def blas_threads(workers: int) -> Iterator[None]:
    """Let BLAS use a thread for each of a run's workers, while they have nothing to do.

    The bits of products then depend on the number of workers, but not on the executor.

    Parameters
    ----------
    workers : int
        Number of the run's workers; no more threads are used than there are cores.
    """
    threads = min(workers, available_cores()) if workers > 1 else 1  # to count cores takes a while
    held = [(library, library.num_threads) for library in _found()] if threads > 1 else []
    for library, _ in held:
        _set(library, threads)
    try:
        yield
    finally:
        for library, before in held:
            _set(library, before)


def begin_anew() -> None:
    """In a forked child, forget the parent's runs and make a lock that no thread holds."""
    global _lock, _holders
    _lock, _holders = threading.RLock(), 0
    _restore()


def _restore() -> None:
    while _before:
        library, threads = _before.pop()
        _set(library, threads)


def _set(library: Any, threads: int) -> None:
    """Set the number of threads of a library, whichever thread has set it before.

    Recent versions of threadpoolctl let one thread set the number of a library that all threads
    share, and do nothing when another thread asks.
    """
    free = getattr(library, "clear_controlling_thread", None)
    if free is not None:
        free(force=True)
    library.set_num_threads(threads)
    if free is not None:
        free()


def _found() -> list[Any]:
    """Return the BLAS libraries; look for them only after imports, as it takes milliseconds."""
    global _scanned, _libraries
    if len(sys.modules) != _scanned:
        _libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        _scanned = len(sys.modules)
    return _libraries
