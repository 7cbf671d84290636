"""SIGTERM while a run has checkpoints: the step ends and is saved, then the signal acts."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class _State:
    """One handler serves all runs of the process; only the main thread uses it."""

    kept: list[Termination] = []  # of runs that have not ended, the oldest first
    before: Any = None  # the handler that was there before ours
    owner = 0  # the process that has installed ours
    noted = False  # whether a signal waits for the end of a step


class Termination:
    """Holds SIGTERM back until a step has ended; then it acts as it would have without us.

    By default the process ends by the signal. If the user has installed a handler, that one is
    called. A second SIGTERM acts at once. Only the main thread may install handlers; in other
    threads, and where SIGTERM is ignored, this does nothing.

    Parameters
    ----------
    busy : callable
        Whether a step is being computed.
    save : callable
        Saves the last step, unless that has been done.
    """

    def __init__(self, busy: Callable[[], bool], save: Callable[[], None]) -> None:
        self.busy, self.save = busy, save

    @property
    def noted(self) -> bool:
        """Whether a signal waits for the end of the step."""
        return _State.noted and self in _State.kept

    def install(self) -> None:
        """Receive the signal from now on."""
        if threading.current_thread() is not threading.main_thread():
            return
        present = signal.getsignal(signal.SIGTERM)
        if present is not _handle:
            if present is None or present is signal.SIG_IGN:  # None: not installed from Python
                return
            _State.before, _State.owner, _State.noted = present, os.getpid(), False
            signal.signal(signal.SIGTERM, _handle)
        _State.kept.append(self)

    def act(self) -> None:
        """Let a signal act that has been held back; all other runs are saved first."""
        if self.noted:
            _save_all()
            _pass_on()

    def end(self) -> None:
        """Receive it no more; a signal that was held back acts now."""
        noted = self.noted
        if self in _State.kept:
            _State.kept.remove(self)
        if noted:
            _save_all()
            _pass_on()
        elif not _State.kept:
            _uninstall()


def _handle(number: int, frame: FrameType | None) -> None:
    if os.getpid() != _State.owner:  # a child that was forked meanwhile: the runs are not its own
        _State.kept.clear()
        _pass_on()
    elif not _State.noted and any(one.busy() for one in _State.kept):
        _State.noted = True
    else:
        if not _State.noted:
            _save_all()
        _pass_on()


def _save_all() -> None:
    """Save what can be saved; nothing may keep the signal from acting."""
    for one in list(_State.kept):
        with contextlib.suppress(Exception):  # such as a request to workers that is under way
            one.save()


def _pass_on() -> None:
    """Let the signal act; if that returns, receive the next one."""
    _State.noted = False
    _uninstall()
    signal.raise_signal(signal.SIGTERM)
    if _State.kept and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _handle)


def _uninstall() -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is _handle:  # else somebody has replaced ours
        signal.signal(signal.SIGTERM, _State.before)
