"""Processes that do nothing although they are asked to: stopped, or waiting for swapped memory."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterable

from strads.engine.platform import process_state

#: Seconds after which a process that does nothing is reported.
AFTER_S = 10.0
#: States in which a process cannot work, by their letters in /proc.
_STATES = {"T": "stopped", "t": "stopped by a debugger", "D": "waiting for a disk"}

_log = logging.getLogger("strads")


class Stalls:
    """Reports, or kills, processes that owe an answer and have used no core for a while.

    Parameters
    ----------
    after : float
        Seconds.
    replace : bool
        Whether such a process is killed, so that it is replaced like any that dies.
    """

    def __init__(self, after: float = AFTER_S, *, replace: bool = False) -> None:
        self.after, self.replace = after, replace
        self._next = 0.0
        self._since: dict[int, tuple[float, int]] = {}  # by process: idle since, core time then
        self._told: set[int] = set()

    def begin(self) -> None:
        """Begin to watch the answers to new requests."""
        self._next = time.monotonic() + 0.25 * self.after
        self._since.clear()

    def look(self, waiting: Iterable[tuple[str, int, str]]) -> None:
        """Look at the processes that owe an answer, unless the last look was a moment ago.

        Parameters
        ----------
        waiting : iterable of (str, int, str)
            Name and number of each process, and what it was asked, for messages.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + 0.25 * self.after
        for name, pid, asked in waiting:
            state, used = process_state(pid)
            since, then = self._since.get(pid, (now, -1))
            if state not in _STATES or used != then:
                self._since[pid] = now, used
                self._told.discard(pid)
            elif now - since >= self.after and pid not in self._told:
                self._told.add(pid)
                self._report(name, pid, f"{_STATES[state]} for {now - since:.0f} s{asked}")

    def _report(self, name: str, pid: int, found: str) -> None:
        outcome = "it is killed and replaced" if self.replace else "all others wait for it"
        _log.warning("%s (process %d) has been %s; %s", name, pid, found, outcome)
        if self.replace:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
