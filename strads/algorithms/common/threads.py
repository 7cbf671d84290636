"""Compiled functions in threads of the leader, for data that only the leader has."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba

from strads.engine import compile_kernel, own_cores


def in_threads(function: Any, calls: Sequence[tuple[Any, ...]]) -> None:
    """Call a kernel in parallel, once with each tuple of arguments; all tuples have equal types.

    Calls for which no thread can be started, as at a limit on their number, are made here.
    """
    entry = compile_kernel(function, tuple(numba.typeof(value) for value in calls[0])).entry
    running, waiting = [], list(calls)
    with ThreadPoolExecutor(min(len(calls), own_cores())) as pool:
        try:
            while waiting:
                running.append(pool.submit(entry, *waiting[0]))
                del waiting[0]
        except RuntimeError:
            for arguments in waiting:
                entry(*arguments)
    for call in running:
        call.result()
