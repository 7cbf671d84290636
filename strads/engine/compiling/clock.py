"""The step clock as the engine's own processes call it: compiled once, kept in the kernel cache.

Workers have it inside their loops. The scheduler calls it from Python, and a dispatcher that
compiled it anew in every nursery would take a second of each first fit.
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
    """Return the functions, loaded or compiled at the first call."""
    words, number = numba.int64[::1], numba.int64
    return Clock(
        compile_kernel(sync.advance, (words, number, words)).entry,
        compile_kernel(sync.await_alone, (words, number, number, words)).entry,
        compile_kernel(sync.abort, (words,)).entry,
    )
