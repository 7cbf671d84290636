"""The file of events: appended, flushed, and bounded."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path
from typing import Any

from strads.monitoring.events import Event, encode_event

#: So many steps have an event each; then `BLOCKS` times, so many events stand for twice as many
#: steps each as those before. Together they are 10,000 events, enough for 500 million steps.
WHOLE, BLOCK, BLOCKS = 5_000, 250, 20
#: Details are written at most so often: so many seconds apart at first, later a share of the time
#: that the fit has taken. A week has 5,000 of them.
APART_S, APART_SHARE = 0.2, 1 / 500


class Thinning:
    """Decides which of many things to keep, without knowing how many will come.

    Parameters
    ----------
    whole : int
        So many are all kept.
    block, blocks : int
        Then `block` of them are kept of which each stands for 2, then for 4, … 2 ** `blocks`.
    """

    def __init__(self, whole: int = WHOLE, block: int = BLOCK, blocks: int = BLOCKS) -> None:
        self.whole, self.block, self.blocks = whole, block, blocks
        self.kept = self._waiting = 0

    def due(self) -> bool:
        """Count one; return whether to keep it."""
        power = 0 if self.kept < self.whole else (self.kept - self.whole) // self.block + 1
        if power > self.blocks:
            return False
        self._waiting += 1
        if self._waiting < 2**power:
            return False
        self.kept, self._waiting = self.kept + 1, 0
        return True

    @property
    def full(self) -> bool:
        """Whether nothing will be kept any more."""
        return self.kept >= self.whole + self.block * self.blocks


class EventFile:
    """A sink that appends events to a file.

    Parameters
    ----------
    path : Path
        If it exists, the events of an earlier part of the same fit stay; a last line that is not
        complete, since its process was killed, is removed.

    Raises
    ------
    OSError
        If the file cannot be opened. When it cannot be written later, because the disk is full for
        instance, there is one ``RuntimeWarning``, and the run goes on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _drop_torn_line(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self._begin()

    def _begin(self) -> None:
        self._steps = Thinning()
        self._since = self._detailed = time.monotonic()
        self._detailed -= APART_S
        self._skipped = 0
        self._held: Event | None = None  # the last step, if it was left out
        self._visits: dict[tuple[Any, ...], Event] = {}  # those that were left out

    def __call__(self, given: Event) -> None:
        """Write an event, or leave it out if there are too many."""
        kind = given["event"]
        if kind == "step":
            self._step(given)
        elif kind == "detail":
            if self._due():
                self._write_visits()
                self._write(given)
        elif kind == "visits":
            self._merge(given)
        else:
            if kind in ("run_end", "fit_end"):
                self._complete()
            elif kind == "fit":
                self._begin()
            self._write(given)

    def close(self) -> None:
        """Write what is left, and close the file; further events are lost."""
        if self._file >= 0:
            self._complete()
            os.close(self._file)
            self._file = -1

    def _step(self, given: Event) -> None:
        if not self._steps.due():
            self._skipped += 1 + given["skipped"]
            self._held = given
            return
        self._write({**given, "skipped": given["skipped"] + self._skipped})
        self._skipped, self._held = 0, None

    def _complete(self) -> None:
        """Write the last step and the last visits of a run, if they were left out."""
        held, self._held = self._held, None
        if held is not None and not self._steps.full:
            self._steps.kept += 1
            self._write({**held, "skipped": self._skipped - 1})
        self._skipped = 0
        self._write_visits()

    def _due(self) -> bool:
        now = time.monotonic()
        if now - self._detailed < max(APART_S, APART_SHARE * (now - self._since)):
            return False
        self._detailed = now
        return True

    def _merge(self, given: Event) -> None:
        key = tuple(given[word] for word in ("run", "phase", "axis", "size"))
        before = self._visits.get(key)
        if before is not None and len(before["counts"]) == len(given["counts"]):
            pairs = zip(before["counts"], given["counts"], strict=True)
            given = {
                **given, "counts": [a + b for a, b in pairs],
                "counted": before["counted"] + given["counted"],
                "visits": before["visits"] + given["visits"],
            }  # fmt: skip
        self._visits[key] = given

    def _write_visits(self) -> None:
        held, self._visits = self._visits, {}
        for given in held.values():
            self._write(given)

    def _write(self, given: Event) -> None:
        if self._file < 0:
            return
        line = (encode_event(given) + "\n").encode()
        try:
            while line:  # a disk that is nearly full takes a part
                line = line[os.write(self._file, line) :]
        except OSError as error:
            os.close(self._file)
            self._file = -1
            warnings.warn(
                f"{self.path} cannot be written ({error}); the run goes on, and its further events "
                "are lost", RuntimeWarning, stacklevel=2,
            )  # fmt: skip


def _drop_torn_line(path: Path) -> None:
    """Remove the end of a file after its last line that is complete."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            begin = max(0, end - (1 << 16))
            file.seek(begin)
            found = file.read(end - begin).rfind(b"\n")
            if found >= 0:
                file.truncate(begin + found + 1)
                return
            end = begin
        file.truncate(0)
