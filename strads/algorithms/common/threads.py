"""Compiled functions in threads of the leader, for data that only the leader has."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba

from strads.engine import available_cores, compile_kernel


def in_threads(function: Any, calls: Sequence[tuple[Any, ...]]) -> None:
    """Call a kernel in parallel, once with each tuple of arguments; all tuples have equal types."""
    entry = compile_kernel(function, tuple(numba.typeof(value) for value in calls[0])).entry
    with ThreadPoolExecutor(min(len(calls), available_cores())) as pool:
        running = [pool.submit(entry, *arguments) for arguments in calls]
    for call in running:
        call.result()
