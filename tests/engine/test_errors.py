"""Errors name the culprit, have the right types, and can be sent between processes."""

import pickle
import signal
import traceback

import pytest

from strads.engine.errors import (
    InsufficientMemory,
    KernelError,
    NotFiniteError,
    ProgramError,
    RaceError,
    StradsError,
    WorkerDied,
)

ERRORS = [
    (ProgramError("rho must be positive"), ValueError, ["rho must be positive"]),
    (KernelError("worker 1: ZeroDivisionError"), RuntimeError, ["worker 1", "ZeroDivision"]),
    (
        WorkerDied("worker 3", 4242, signal=signal.SIGSEGV, last_round=17),
        RuntimeError,
        ["worker 3", "4242", "SIGSEGV", "after round 17"],
    ),
    (
        WorkerDied("worker 3", 1).within("items", 18),
        RuntimeError,
        ["worker 3", "unknown reason after round 17 of phase 'items';"],
    ),
    (
        WorkerDied("worker 3", 1, exit_code=5).within("items", 0),
        RuntimeError,
        ["with exit code 5 in phase 'items';"],
    ),
    (WorkerDied("worker 3", 1, exit_code=5), RuntimeError, ["exit code 5"]),
    (WorkerDied("worker 3", 1, None, None), RuntimeError, ["unknown reason"]),
    (WorkerDied("scheduler", 1, signal.SIGKILL), RuntimeError, ["SIGKILL", "out of memory?"]),
    (WorkerDied("scheduler", 1, 250), RuntimeError, ["signal 250"]),
    (
        RaceError(array="w", id=3, phase="push", round=5),
        RuntimeError,
        ["w[3]", "'push'", "round 5", "outbox"],
    ),
    (NotFiniteError(array="w", id=3), FloatingPointError, ["w[3]", "step is too long"]),
    (
        InsufficientMemory(needed=3 << 30, available=1 << 30, largest=[("X", 2 << 30)]),
        MemoryError,
        ["3,072 MiB", "1,024 MiB", "X 2,048 MiB", "Fewer workers"],
    ),
]


@pytest.mark.parametrize(("error", "kind", "words"), ERRORS, ids=lambda x: type(x).__name__)
def test_messages_and_kinds(error, kind, words):
    assert isinstance(error, StradsError) and isinstance(error, kind)
    assert not [word for word in words if word not in str(error)]


@pytest.mark.parametrize("error", [error for error, _, _ in ERRORS], ids=lambda e: type(e).__name__)
def test_errors_can_be_pickled(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error) and str(copy) == str(error)
    assert copy.__dict__ == error.__dict__


def test_a_kernel_error_shows_the_other_process_s_traceback():
    remote = "Traceback (most recent call last):\n  File kernel.py, line 7\nZeroDivisionError\n"
    error = pickle.loads(pickle.dumps(KernelError("worker 1: ZeroDivisionError", remote)))
    shown = "".join(traceback.format_exception(error))
    assert "File kernel.py, line 7" in shown and "direct cause" in shown
    assert KernelError("no traceback").__cause__ is None
