"""SIGTERM while a run has checkpoints: the step ends and is saved, then the signal acts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


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
        Saves the last step; called if the signal comes between two steps.
    """

    def __init__(self, busy: Callable[[], bool], save: Callable[[], None]) -> None:
        self.noted = False
        self._busy, self._save = busy, save
        self._handler = self._handle  # each access makes a new object
        self._before: Any = None
        self._installed = False

    def install(self) -> None:
        """Receive the signal from now on."""
        if threading.current_thread() is not threading.main_thread():
            return
        before = signal.getsignal(signal.SIGTERM)
        if before is None or before is signal.SIG_IGN:  # None: it was not installed from Python
            return
        self._before = before
        signal.signal(signal.SIGTERM, self._handler)
        self._installed = True

    def act(self) -> None:
        """Let a signal act that has been held back."""
        if self.noted:
            self._pass_on()
            self.install()  # a handler of the user's has let the run go on

    def end(self) -> None:
        """Restore the handler that was there before; a signal that was held back acts now."""
        if self.noted:
            self._pass_on()
        else:
            self._uninstall()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.noted and self._busy():
            self.noted = True
            return
        if not self.noted:
            self._save()
        self._pass_on()
        self.install()

    def _pass_on(self) -> None:
        self.noted = False
        self._uninstall()
        signal.raise_signal(signal.SIGTERM)

    def _uninstall(self) -> None:
        if not self._installed or threading.current_thread() is not threading.main_thread():
            return
        self._installed = False
        if signal.getsignal(signal.SIGTERM) is self._handler:  # else somebody has replaced ours
            signal.signal(signal.SIGTERM, self._before)
