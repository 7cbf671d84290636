"""Compiled functions in threads of the leader, for data that only the leader has."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Thread
from typing import Any

import numba

from strads.engine import compile_kernel, own_cores


def in_threads(function: Any, calls: Sequence[tuple[Any, ...]]) -> None:
    """Call a kernel in parallel, once with each tuple of arguments; all tuples have equal types.

    This thread makes calls, too, and makes all of them where no thread can be started, as at a
    limit on their number or on memory. A pool of threads would not do: it has queued a call before
    it finds that it cannot start a thread, so that the call might be made twice.
    """
    if not calls:  # a rank of MPI may have no worker
        return
    entry = compile_kernel(function, tuple(numba.typeof(value) for value in calls[0])).entry
    waiting, errors = deque(calls), list[Exception]()

    def work() -> None:
        while waiting:
            try:
                arguments = waiting.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                entry(*arguments)
            except Exception as error:
                errors.append(error)

    threads = []
    for _ in range(min(len(calls), own_cores()) - 1):
        thread = Thread(target=work)
        try:
            thread.start()
        except RuntimeError:
            break
        threads.append(thread)
    try:
        work()
    finally:
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
