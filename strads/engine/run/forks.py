"""Whether another program has made this process as one of several: it then starts no workers."""

from __future__ import annotations

import multiprocessing
import os

_forking: int | None = None  # the process that forked last, as its child sees it
_forked_by: int | None = None


def is_worker_process() -> bool:
    """Whether this process was started by multiprocessing or joblib (loky) as a worker."""
    process = multiprocessing.current_process()
    return (
        multiprocessing.parent_process() is not None
        or process.daemon
        or process.name.startswith("Loky")
    )


def is_forked_child() -> bool:
    """Whether this process is one of several that an application has forked.

    Not a daemon, which was forked as well: the process that forked it has ended.
    """
    return _forked_by is not None and os.getppid() == _forked_by


def _before_fork() -> None:
    # Here, since the parent may have ended before the child can ask for its number.
    global _forking
    _forking = os.getpid()


def _after_fork() -> None:
    global _forked_by
    _forked_by = _forking


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
