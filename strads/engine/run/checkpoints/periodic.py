"""The instrument that saves a run every few steps or seconds."""

from __future__ import annotations

import contextlib
import os
import time
import warnings
import weakref
from collections.abc import Collection
from pathlib import Path
from typing import Any

from strads.engine.errors import ProgramError
from strads.engine.run.checkpoints.checkpoint import Saved
from strads.engine.run.checkpoints.folder import (
    FolderLock,
    checkpoints_in,
    file_of,
    made_private,
    opened_or_none,
    remove_others,
)
from strads.engine.run.checkpoints.termination import Termination
from strads.engine.run.instruments import Instrument
from strads.engine.run.result import Step
from strads.engine.run.run import Run


class Checkpoint(Instrument):
    """Saves the run in a folder, every few steps or seconds and after its last step.

    Each checkpoint is a file that is named by its step, and appears when it is complete; the last
    `keep` of them stay. Files that other runs have left in the folder are removed when the first
    checkpoint of a fresh run is complete. If none can be written, because the disk is full for
    instance, there is one ``RuntimeWarning`` and the run goes on. On SIGTERM, the step ends and is
    saved, and then the process ends by the signal, or the user's handler is called (not on the
    ranks of MPI, where the signal ends the other ranks at once). Of several
    instruments, this should be the last one: it saves what the others have decided.

    Parameters
    ----------
    path : path
        The folder, made if missing. Only one run at a time may use it.
    every : int, optional
        Number of steps from one checkpoint to the next. By default 1 if `seconds` is not given.
    seconds : float, optional
        Time after which the next step that ends is saved.
    keep : int, default=3
        Number of checkpoints that stay.
    """

    def __init__(
        self, path: str | os.PathLike[str], every: int | None = None,
        seconds: float | None = None, keep: int = 3,
    ) -> None:  # fmt: skip
        if every is not None and every < 1:
            raise ProgramError(f"every={every} must be at least 1")
        if seconds is not None and not seconds >= 0.0:
            raise ProgramError(f"seconds={seconds} must be at least 0")
        if keep < 1:
            raise ProgramError(f"keep={keep} must be at least 1")
        self.path, self.every, self.seconds, self.keep = path, every, seconds, keep
        self.failed: list[str] | None = None  # shared by the runs of a series
        self._keeping: weakref.WeakKeyDictionary[Run, Keeping] = weakref.WeakKeyDictionary()

    def __reduce__(self) -> Any:
        """Copy what was asked for, and not what belongs to a run."""
        return type(self), (self.path, self.every, self.seconds, self.keep)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        asked = {"every": self.every, "seconds": self.seconds}
        given = "".join(f", {name}={value}" for name, value in asked.items() if value is not None)
        return f"Checkpoint({os.fspath(self.path)!r}{given}, keep={self.keep})"

    def saves_in(self, path: str | os.PathLike[str]) -> bool:
        """Whether a path is that of the folder."""
        return os.path.realpath(path) == os.path.realpath(self.path)

    def before_run(self, run: Run) -> None:
        """Take the folder.

        Raises
        ------
        ProgramError
            If another run that is alive uses it.
        """
        run.executor.saves = True
        if not run.executor.writes:
            return
        self._keeping[run] = keeping = Keeping(self, run)
        run.when_ended(keeping.end)

    def after_step(self, run: Run, step: Step) -> None:
        """Save the run if a checkpoint is due."""
        if run in self._keeping:
            self._keeping[run].after_step(run, step.epoch)

    def after_failure(self, run: Run, error: BaseException) -> None:
        """Save what the last step has reached, unless its checkpoint is there."""
        if run in self._keeping:
            self._keeping[run].save_last()


class Keeping:
    """The checkpoints of one run.

    Parameters
    ----------
    asked : Checkpoint
    run : Run
    """

    def __init__(self, asked: Checkpoint, run: Run) -> None:
        self.folder, self.keep = Path(asked.path), asked.keep
        self.every = 1 if asked.every is None and asked.seconds is None else asked.every
        self.seconds = asked.seconds
        self._last = time.monotonic()
        self._failed = [] if asked.failed is None else asked.failed
        resumed = run.resumed_from
        own = resumed is not None and asked.saves_in(resumed.parent)
        before = checkpoints_in(self.folder) if own else {}
        self._steps = [step for step in before if step <= len(run.history)]
        if self.folder.exists() and not self.folder.is_dir():
            raise ProgramError(f"Checkpoint({str(self.folder)!r}): this is a file; give a folder")
        self._run = weakref.ref(run)  # what a run holds must not hold the run
        try:
            made_private(self.folder)
        except OSError as error:
            self._warn(error)
        self._lock = FolderLock(self.folder)
        self.termination = Termination(self._busy, self.save_last)
        self.termination.install()

    def after_step(self, run: Run, step: int) -> None:
        """Save the run if a checkpoint is due; let a SIGTERM act."""
        if self._due(run, step) or self.termination.noted:
            self._save(run, step)
        self.termination.act()

    def end(self) -> None:
        """Give the folder back, when the run has ended."""
        self._lock.release()
        self.termination.end()

    def _due(self, run: Run, step: int) -> bool:
        if run.status != "running" or step >= run.epochs:
            return True
        if self.every is not None and step % self.every == 0:
            return True
        return self.seconds is not None and time.monotonic() - self._last >= self.seconds

    def _save(self, run: Run, step: int) -> None:
        try:
            made_private(self.folder)
            run.write(file_of(self.folder, step))
        except OSError as error:  # a checkpoint that fails must not end the run
            self._warn(error, step)
            return
        self._last = time.monotonic()
        self._steps = [step, *(n for n in self._steps if n != step)][: self.keep]
        remove_others(self.folder, self._steps)

    def _busy(self) -> bool:
        run = self._run()
        return run is not None and run.busy

    def save_last(self) -> None:
        """Save the last step that has ended, unless its checkpoint is there."""
        run = self._run()
        if run is None or run.ended or not run.history:
            return
        if self._steps[:1] != [len(run.history)]:
            self._save(run, len(run.history))

    def _warn(self, error: OSError, step: int = 0) -> None:
        """Warn once: a disk that is full stays so."""
        self._failed.append(str(error))  # an error itself would keep the run alive
        if len(self._failed) > 1:
            return
        what = f"the checkpoint of step {step}" if step else "a checkpoint"
        warnings.warn(
            f"{what} could not be written to {self.folder} ({error}); the run goes on, and earlier "
            "checkpoints are unchanged",
            RuntimeWarning, stacklevel=5,
        )  # fmt: skip


def opened_for(
    resume_from: str | os.PathLike[str] | None, instruments: Collection[Any]
) -> contextlib.AbstractContextManager[Saved | None]:
    """Open the checkpoint that a run with these instruments is to resume from, if any.

    Parameters
    ----------
    resume_from : path, optional
        A file or a folder; the folder of one of the instruments may be missing or empty.
    instruments : collection of Instrument
    """
    if resume_from is None:
        return contextlib.nullcontext()
    savers = [one for one in instruments if isinstance(one, Checkpoint)]
    return opened_or_none(resume_from, own=any(one.saves_in(resume_from) for one in savers))
