"""The step clock for callers in Python: compiled functions that come from the kernel cache.

Stages have the step clock compiled into their loops. The scheduler and the leader call it from
Python; without the cache, every nursery would spend a second to compile it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numba

from strads.engine.compiling.compile import compile_kernel
from strads.kernels.sync import clock as sync


class Clock(NamedTuple):
    """Compiled :func:`~strads.kernels.sync.clock.advance`, ``await_alone`` and ``abort``."""

    advance: Callable[..., Any]
    await_alone: Callable[..., Any]
    abort: Callable[..., Any]


@functools.cache
def clock() -> Clock:
    """Return the functions; the first call loads or compiles them."""
    words, number = numba.int64[::1], numba.int64
    return Clock(
        compile_kernel(sync.advance, (words, number, words)).entry,
        compile_kernel(sync.await_alone, (words, number, number, words)).entry,
        compile_kernel(sync.abort, (words,)).entry,
    )
