"""Yield the core, and sleep on a word of shared memory by futex: all Linux-only code in kernels.

On other systems, or with ``STRADS_PORTABLE=1``, a process that should sleep yields instead.
"""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

import numba
import numpy as np
from numba import types

kernel = numba.njit(nogil=True, error_model="numpy")

_NUMBERS = {"x86_64": 202, "aarch64": 98}
FUTEX = _NUMBERS.get(platform.machine(), 0) if sys.platform == "linux" else 0
if os.environ.get("STRADS_PORTABLE") == "1":
    FUTEX = 0
_WAIT, _WAKE, _ALL = 0, 1, 2**31 - 1

if numba.config.DISABLE_JIT:

    def yield_cpu() -> None:
        """Let another process run on this core."""
        os.sched_yield()

    def futex_wait(array: np.ndarray, i: int, expected: int, timeout_ns: int) -> None:
        """Sleep while the low half of ``array[i]`` is `expected`, until woken or timed out."""
        os.sched_yield()

    def futex_wake(array: np.ndarray, i: int) -> None:
        """Wake all processes that sleep on ``array[i]``."""

else:
    # External symbols: code that uses ctypes pointers could not be cached.
    _sched_yield = types.ExternalFunction("sched_yield", types.int32())
    _syscall = types.ExternalFunction(
        "syscall",
        types.int64(
            types.int64, types.voidptr, types.int64, types.int64, types.voidptr,
            types.voidptr, types.int64,
        ),
    )  # fmt: skip

    @kernel
    def yield_cpu() -> None:
        """Let another process run on this core."""
        _sched_yield()

    if FUTEX:

        @kernel
        def futex_wait(array: Any, i: int, expected: int, timeout_ns: int) -> None:
            """Sleep while the low half of ``array[i]`` is `expected`, until woken or timed out."""
            timespec = np.empty(2, np.int64)
            timespec[0] = timeout_ns // 1_000_000_000
            timespec[1] = timeout_ns % 1_000_000_000
            where = array[i : i + 1].ctypes
            low = expected & 0xFFFFFFFF
            _syscall(FUTEX, where, _WAIT, low, timespec.ctypes, where, 0)

        @kernel
        def futex_wake(array: Any, i: int) -> None:
            """Wake all processes that sleep on ``array[i]``."""
            where = array[i : i + 1].ctypes
            _syscall(FUTEX, where, _WAKE, _ALL, where, where, 0)

    else:

        @kernel
        def futex_wait(array: Any, i: int, expected: int, timeout_ns: int) -> None:
            """Yield the core instead of sleeping."""
            _sched_yield()

        @kernel
        def futex_wake(array: Any, i: int) -> None:
            """Do nothing: no process sleeps."""
