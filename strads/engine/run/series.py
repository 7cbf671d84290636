"""A series: several runs that belong together, such as those of a fit, with their checkpoints.

A fit makes its runs in a fixed order, and which ones follows from the results of those before. So
the runs of a series are numbered as they begin, and run i keeps its checkpoints in the folder
``run-i`` of the series. A series that resumes makes the same runs again, each from its own newest
checkpoint: those that had ended end at once, with the same results, the one that was under way
goes on, and the others begin. So the whole has the bits of one that was never disturbed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from strads.engine import interrupts
from strads.engine.errors import DataError, ProgramError
from strads.engine.run.checkpoints.described import (
    DESCRIBED,
    read_words,
    remove_words,
    write_words,
)
from strads.engine.run.checkpoints.folder import (
    FolderLock,
    checkpoints_in,
    made_private,
    remove_others,
)
from strads.engine.run.checkpoints.periodic import Checkpoint
from strads.engine.run.executors.names import leads
from strads.engine.run.run import Run

_RUN = re.compile(r"run-\d{5,}")
_current: ContextVar[Series | None] = ContextVar("strads_series", default=None)


class Series:
    """The runs that begin in the body of a ``with`` statement, as one whole.

    In the body, the first Ctrl-C only asks to end (:func:`interrupted`): the present run ends after
    its step with the status "interrupted", and each run that begins later after its first step. At
    the end of the body, ``KeyboardInterrupt`` is raised then, or what a handler of the user's does
    at Ctrl-C is done. The next Ctrl-C acts at once. A series in the body of another one is part of
    that one, and does nothing.

    Parameters
    ----------
    checkpoint : path or Checkpoint, optional
        The folder of the checkpoints; a :class:`Checkpoint` also says how often to save.
    resume_from : path, optional
        The folder of a series to resume. It may be the same: a folder that is missing or has no
        checkpoint stands for a fresh start then.
    described : callable, optional
        Returns by name, in words, what must be the same in a series that resumes.
    on_interrupt : {"raise", "return"}
        "return": at the end of the body nothing follows from Ctrl-C; see :attr:`interrupted`.

    Attributes
    ----------
    interrupted : bool
        After the body: whether Ctrl-C has asked it to end.
    outermost : bool
        In the body: whether it is no part of another one.
    instruments : list of Instrument
        They join those of every run.
    """

    def __init__(
        self, checkpoint: Any = None, resume_from: str | os.PathLike[str] | None = None, *,
        described: Callable[[], Mapping[str, str]] = dict, on_interrupt: str = "raise",
    ) -> None:  # fmt: skip
        if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
            checkpoint = Checkpoint(checkpoint)
        self.checkpoint: Checkpoint | None = checkpoint
        self.resume_from = None if resume_from is None else Path(resume_from)
        self.on_interrupt, self.interrupted = on_interrupt, False
        self.instruments: list[Any] = []
        self._described = described
        self._count = 0
        self._latest: Callable[[], Run | None] = lambda: None
        self._failed: list[str] = []
        self._unwritten: dict[str, str] | None = None
        self._stack = contextlib.ExitStack()
        self.outermost = False

    def __enter__(self) -> Self:
        """Take the folder; compare what is described with what is to be resumed.

        Raises
        ------
        ProgramError
            If another run that is alive uses the folder, or if the series to be resumed was of
            something else.
        DataError
            If there is nothing to resume from, or it is damaged.
        """
        outer = _current.get()
        if outer is not None and not outer.within_step():
            return self
        self.outermost, self._count = True, 0
        frame = sys._getframe(1)
        while frame.f_code.co_name == "__enter__" and frame.f_back is not None:
            frame = frame.f_back  # of the body, if a derived class has called this method
        self._patience = self._stack.enter_context(interrupts.patient(frame))
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        token = _current.set(self)
        self._stack.callback(_current.reset, token)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Give the folder back; let an interrupt act that has come meanwhile."""
        if not self.outermost:
            return
        self._stack.__exit__(kind, error, _)
        self.interrupted = self._patience.asked
        being_raised = kind is not None and issubclass(kind, KeyboardInterrupt)
        if self.interrupted and self.on_interrupt == "raise" and not being_raised:
            interrupts.act_now()

    @property
    def in_order(self) -> bool:
        """Whether somebody counts on the order of the runs, so that one has to follow another."""
        return self.checkpoint is not None or self.resume_from is not None

    def within_step(self) -> bool:
        """Whether this thread computes a step of a run of the series, such as a callback."""
        run = self._latest()
        return run is not None and run.busy_here

    def prepared(self, resume_from: Any, hooks: list[Any]) -> tuple[Any, list[Any]]:
        """Number a run that is about to begin; return where it resumes from, and its instruments.

        Runs that begin within a step are not numbered, nor those that begin after an interrupt:
        they end too soon for their results to be worth keeping.
        """
        hooks = [*hooks, *self.instruments]
        asked = self.checkpoint is not None or self.resume_from is not None
        if not asked or resume_from is not None or interrupts.asked():
            return resume_from, hooks
        name = f"run-{self._count:05d}"
        self._end_last()
        self._write_words()
        self._count += 1
        if self.resume_from is not None and checkpoints_in(self.resume_from / name):
            resume_from = self.resume_from / name
        if self.checkpoint is not None:
            _, (path, *asked_for) = self.checkpoint.__reduce__()
            saves = Checkpoint(Path(path) / name, *asked_for)
            saves.failed = self._failed  # so that all runs together warn once
            hooks = [*hooks, saves]
        return resume_from, hooks

    def _end_last(self) -> None:
        """Keep only the newest checkpoint of the run before, which has ended: there may be many."""
        if self.checkpoint is not None and self._count and leads():
            folder = Path(self.checkpoint.path) / f"run-{self._count - 1:05d}"
            remove_others(folder, list(checkpoints_in(folder))[:1])

    def begun(self, run: Run) -> None:
        """Note the run that has begun."""
        self._latest = weakref.ref(run)

    def _begin(self) -> None:
        if self.checkpoint is None and self.resume_from is None:
            return
        words = dict(self._described())
        own, folder = False, None
        if self.checkpoint is not None:
            own = self.resume_from is not None and self.checkpoint.saves_in(self.resume_from)
        if self.checkpoint is not None and leads():
            folder = Path(self.checkpoint.path)
            with contextlib.suppress(OSError):  # the first checkpoint warns
                made_private(folder)
            self._stack.callback(FolderLock(folder).release)
        if self.resume_from is not None and not self._demand_same(words, own=own):
            self.resume_from = None
        if folder is not None and not (own and self.resume_from is not None):
            with contextlib.suppress(OSError):
                _make_empty(folder)
            self._unwritten = words
            self._write_words()

    def _write_words(self) -> None:
        """Write what the series is of, or try again when the next run begins."""
        if self._unwritten is None or self.checkpoint is None:
            return
        with contextlib.suppress(OSError):  # the first checkpoint warns
            write_words(Path(self.checkpoint.path), self._unwritten)
            self._unwritten = None

    def _demand_same(self, here: Mapping[str, str], *, own: bool) -> bool:
        """Compare what is described; return whether there is anything to resume."""
        assert self.resume_from is not None
        folder = self.resume_from
        there = read_words(folder)
        if there is None:
            if any(_RUN.fullmatch(path.name) for path in _listed(folder)):
                raise DataError(
                    f"{folder} holds checkpoints of runs, but {DESCRIBED} is missing, which says "
                    "what they are of; to begin afresh, empty the folder"
                )
            if own and (folder.is_dir() or not os.path.lexists(folder)):
                return False
            raise DataError(f"{folder} holds no checkpoints of a fit to resume from")
        for word in dict.fromkeys([*there, *here]):
            if there.get(word) != here.get(word):
                raise ProgramError(
                    f"{folder} cannot be resumed: {word} is {here.get(word, 'absent')} here, "
                    f"{there.get(word, 'absent')} in the checkpoints. Give the same, or begin "
                    "afresh without resume_from"
                )
        return True


def in_any_order() -> bool:
    """Whether runs that begin now may be made at the same time; see :attr:`Series.in_order`."""
    series = current()
    return series is not None and not series.in_order


def interrupted() -> bool:
    """Whether Ctrl-C has asked the present :class:`Series` to end."""
    return interrupts.asked()


def current() -> Series | None:
    """Return the series to which a run that begins now belongs, if there is one."""
    series = _current.get()
    return None if series is None or series.within_step() else series


@contextlib.contextmanager
def outside_series() -> Iterator[None]:
    """Leave the runs of the body out of the series: they only judge, and have no checkpoints."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _make_empty(folder: Path) -> None:
    """Remove what earlier series have left, and nothing else."""
    remove_words(folder)
    for path in folder.iterdir():
        if _RUN.fullmatch(path.name) and path.is_dir():
            shutil.rmtree(path)
