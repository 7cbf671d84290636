"""Why a run gets no worker processes, whatever the state of the engine."""

from __future__ import annotations

import os

from numba.core import config

from strads.engine.platform import is_worker_process

_forking: int | None = None  # number of this process, noted when it forks
_forked_by: int | None = None  # number of the process that forked this one


def why_serial(workers: int, check: bool) -> str:
    """Return why worker processes will not be used; empty if they will."""
    if check:
        return why_no_others(check)
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return "the JIT is off"
    if os.name != "posix":
        return "worker processes need a POSIX system"
    return why_no_others(check) or ("one worker" if workers == 1 else "")


def why_no_others(check: bool) -> str:
    """Return why this process runs a program alone, whatever the executor; empty if it need not."""
    if check:
        return "the race check repeats rounds serially"
    if is_worker_process():
        return "this process is itself a worker of multiprocessing or joblib"
    if is_forked_child():
        return "this process was forked from one that had imported strads, and which still runs"
    return ""


def is_forked_child() -> bool:
    """Whether the process that forked this one still runs, so that both may use the cores.

    False in a daemon: the process that forked it has ended.
    """
    return _forked_by is not None and os.getppid() == _forked_by


def _before_fork() -> None:
    # Noted by the parent, because it may have ended before the child asks for its number.
    global _forking
    _forking = os.getpid()


def _after_fork() -> None:
    global _forked_by
    _forked_by = _forking


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
