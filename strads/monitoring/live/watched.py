"""Follow the events of a run from another process, while the run goes on or afterwards."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from strads.monitoring.events import EVENTS, follow_events
from strads.monitoring.folder.run_folder import RECORD
from strads.monitoring.live.progress import Progress
from strads.monitoring.live.values import as_table, as_text

#: Seconds by which the start of a process and the clock of its events may differ.
_TOLERANCE_S = 5.0


class Watched:
    """Reads the events of a run as they come.

    Parameters
    ----------
    path : Path
        The folder of a run; or a folder of such folders, of which the one with the latest events
        is followed; or a file of events. It may appear later.

    Attributes
    ----------
    state : Progress
        Of the run that is followed; empty as long as there is none.
    file : Path or None
        The file that is followed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = Progress()
        self.file: Path | None = None
        self._place, self._inode = 0, -1

    @property
    def of_several(self) -> bool:
        """Whether the path holds several runs, of which the latest is followed."""
        return self.file is not None and self.file not in (self.path, self.path / EVENTS)

    def read(self) -> bool:
        """Read what is new, and return whether anything was.

        A file that has been replaced, or has become shorter, is read from its begin.

        Raises
        ------
        DataError
            If a line is no event.
        """
        file = latest_events(self.path)
        if file is None:
            return False
        try:
            known = file.stat()
            if file != self.file or known.st_ino != self._inode or known.st_size < self._place:
                self.state, self._place = Progress(), 0
                self.file, self._inode = file, known.st_ino
            before = self._place
            for event, place in follow_events(file, before):
                self.state.add(event)
                self._place = place
        except FileNotFoundError:  # it has just been removed
            return False
        return self._place > before

    def has_ended(self) -> bool:
        """Whether the run has said so: its last fit has ended, and no other will follow."""
        return self.state.ended and self._recorded() != "running"

    def is_gone(self) -> bool:
        """Whether the run has not said that it ended, and its leader is no longer there."""
        return not self.has_ended() and leader_is_gone(self.state)

    def _recorded(self) -> str:
        """Return the state of the run in its record; empty if there is none."""
        if self.file is None:
            return ""
        try:
            return as_text(as_table(json.loads((self.file.parent / RECORD).read_text()))["state"])
        except (OSError, ValueError, KeyError, RecursionError):
            return ""


def latest_events(path: Path) -> Path | None:
    """Return the file of events at a path: its own, or the latest one of the folders in it."""
    if path.is_file():
        return path
    if (path / EVENTS).is_file():
        return path / EVENTS
    found = []
    try:
        for folder in path.iterdir():
            if (folder / EVENTS).is_file():
                found.append(((folder / EVENTS).stat().st_mtime, folder / EVENTS))
    except OSError:  # there is no such folder, or one has just been removed
        pass
    return max(found)[1] if found else None


def leader_is_gone(state: Progress) -> bool:
    """Whether the process that leads the present run is no longer on this machine."""
    pids = state.pids()
    leader = pids.get("leader")
    if leader is None:
        return bool(pids) and not any(_lives(pid, state.latest) for pid in pids.values())
    return not _lives(leader, state.latest)


def _lives(pid: int, at: float | None) -> bool:
    """Whether the process is there that had this number at a time."""
    if not 0 < pid < 1 << 31:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, and of somebody else
        pass
    began = _began(pid)
    return began is None or at is None or began <= at + _TOLERANCE_S


def _began(pid: int) -> float | None:
    """Return when a process began, in seconds since 1970; None where the system does not tell."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        ticks = float(words[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
    return time.time() - uptime + ticks


def note_of(watched: Watched, keys: Mapping[str, str]) -> str:
    """Return the line below the picture: what is wrong, or what keys do."""
    if watched.file is None:
        told = f"waiting for a run in {watched.path}"
    elif watched.is_gone():
        told = "its leader is gone, and has not told an end: it was killed, or runs elsewhere"
    else:
        told = str(watched.file.parent) if watched.of_several else ""
    return "; ".join([*([told] if told else []), *(f"{k}: {v}" for k, v in keys.items())])
