"""BLAS on one thread while worker processes run.

Its threads spin for milliseconds after every product, on the cores of the workers. The setting
belongs to the whole process, so it is counted: what was set before comes back when the last run
that asked for one thread has ended, in whatever order they end.
"""

from __future__ import annotations

import threading
from typing import Any

from threadpoolctl import ThreadpoolController

#: Reentrant: a collection of garbage may end an abandoned run amid any of these functions.
_lock = threading.RLock()
_controller: Any = None
_limit: Any = None
_holders = 0


def look_again() -> None:
    """Find libraries that have been loaded since the last look."""
    global _controller
    _controller = ThreadpoolController()


def hold_to_one_thread() -> None:
    """Ask for one thread; each call needs one of :func:`release`."""
    global _holders, _limit
    with _lock:
        if _controller is None:
            look_again()
        if _limit is None:
            _limit = _controller.limit(limits=1, user_api="blas")
        _holders += 1


def release() -> None:
    """Give back what :func:`hold_to_one_thread` took."""
    global _holders, _limit
    with _lock:
        if _holders == 0:  # a run of the parent's ends in a forked child
            return
        _holders -= 1
        if _holders == 0 and _limit is not None:
            limit, _limit = _limit, None
            limit.restore_original_limits()


def begin_anew() -> None:
    """In a forked child: nobody holds the lock, no run of the parent's counts."""
    global _lock, _holders, _limit
    _lock, _holders = threading.RLock(), 0
    if _limit is not None:
        limit, _limit = _limit, None
        limit.restore_original_limits()
