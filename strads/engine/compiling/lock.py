"""The lock under which one thread at a time compiles, and what becomes of it in a fork."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite.binding import ffi
from numba import cloudpickle
from numba.core import compiler_lock
from numba.core.registry import cpu_target

#: Seconds that a fork waits for another thread that compiles: a child that is forked meanwhile
#: would find the compiler's data structures half-written.
FORK_PATIENCE_S = 5.0

_lock = threading.RLock()
_held_for_fork: list[bool] = []


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep other threads from compiling and from loading code; a thread may hold it twice."""
    with _lock:
        yield


def _before_fork() -> None:
    _held_for_fork.append(_lock.acquire(timeout=FORK_PATIENCE_S))


def _in_parent() -> None:
    if _held_for_fork.pop():
        _lock.release()


def _in_child() -> None:
    """Replace locks that other threads may have held: in a forked child, nobody releases them."""
    global _lock
    _held_for_fork.clear()
    _lock = threading.RLock()
    for owner, name in _foreign_locks():
        kind = type(getattr(owner, name, None))
        for make in (threading.RLock, threading.Lock):
            if kind is type(make()):
                setattr(owner, name, make())


def _foreign_locks() -> Iterator[tuple[Any, str]]:
    """Return owner and attribute of the locks of the compiler and of cloudpickle."""
    yield getattr(compiler_lock, "global_compiler_lock", None), "_lock"
    yield getattr(getattr(ffi, "lib", None), "_lock", None), "_lock"
    yield getattr(cpu_target.typing_context, "callstack", None), "_lock"
    yield cloudpickle.cloudpickle, "_DYNAMIC_CLASS_TRACKER_LOCK"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
