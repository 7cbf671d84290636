"""A run: an iterator over the steps of a program."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from strads.engine import interrupts
from strads.engine.errors import KernelError, NotFiniteError, ProgramError, WorkerDied
from strads.engine.fields import Variable
from strads.engine.memory import needs
from strads.engine.memory.layout import user_order
from strads.engine.memory.needs import check_memory
from strads.engine.memory.store import Store
from strads.engine.processes.nursery.nursery import CannotStart
from strads.engine.program.figures import Figures
from strads.engine.program.program import Program
from strads.engine.rounds.executor import Executor
from strads.engine.run.checkpoints import checkpoint
from strads.engine.run.recovery import Recovery
from strads.engine.run.result import Hooks, Result, Step
from strads.engine.run.statistics import statistics_of
from strads.engine.run.turn import Grant
from strads.engine.schedules.base import Schedule

_log = logging.getLogger("strads")
_T = TypeVar("_T")


class Run:
    """Iterate over the steps of a program.

    Iteration stops when the program stops, the certificate reaches `tol`, or the epochs are used
    up. A call of :meth:`resume` with more epochs lets it go on. Use a run as a context manager or
    call :meth:`finish`: both give the workers and the memory back.

    Parameters
    ----------
    executor : Executor
        An executor that has been prepared.
    epochs : int
        The largest number of steps.
    figures : Figures
        Computes the figures of steps, and holds the bound `tol` on their certificate.
    instruments : list of Instrument
    grant : Grant
        What the run gives back when it ends.
    reasons : mapping of str to str
        Why this executor was chosen, for the statistics.
    resumed : Saved, optional
        The checkpoint from which the executor has been restored.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        epochs: int,
        figures: Figures,
        instruments: Sequence[Hooks],
        grant: Grant,
        reasons: Mapping[str, str],
        resumed: checkpoint.Saved | None = None,
    ) -> None:
        self.executor = executor
        self.program: Program = executor.program
        self.epochs = epochs
        self.figures = figures
        self.history: list[dict[str, float]] = [] if resumed is None else resumed.history
        # Whether the figures of the last step have been computed.
        self.measured = not self.history or bool(self.history[-1])
        self._earlier = 0.0 if resumed is None else resumed.seconds
        self.resumed_from: Path | None = None if resumed is None else resumed.path
        self.status = "running" if resumed is None else self._status_of(resumed)
        self._instruments = instruments
        self._grant = grant
        self._reasons = dict(reasons)
        self.begun = time.perf_counter()  # when the run had been prepared
        self._result: Result | None = None
        self._recovery = Recovery(executor)
        grant.watch(self)
        for instrument in instruments:
            instrument.before_run(self)
        grant.inside = 0

    @property
    def tol(self) -> float | None:
        """The bound on ``figures["certificate"]``; may be set between steps."""
        return self.figures.tol

    @tol.setter
    def tol(self, tol: float | None) -> None:
        self.figures.tol = tol

    def __iter__(self) -> Run:
        """Return itself."""
        return self

    def __next__(self) -> Step:
        """Run one step."""
        if self.status != "running":
            raise StopIteration
        if len(self.history) >= self.epochs:
            self.status = "epochs"
            raise StopIteration
        grant = self._grant
        with interrupts.watched():
            interrupts.rearm()
            grant.enter()
            try:
                return self._step()
            except BaseException as error:
                self._rescue(error)
                self.executor.failed(error)
                self.status = "failed"
                grant.give_back()
                raise
            finally:
                grant.leave()

    def _rescue(self, error: BaseException) -> None:
        """Let instruments save what the steps before a failure have reached, if that is there."""
        if not isinstance(error, KernelError | WorkerDied | CannotStart):
            return
        found = [getattr(one, "after_failure", None) for one in self._instruments]
        hooks = [hook for hook in found if hook is not None]
        try:
            if hooks and self._recovery.settle():
                self._take_executor()
                self._demand_finite()
                for hook in hooks:
                    hook(self, error)
        except Exception as another:  # it must not hide the first error
            _log.warning("the run has failed and could not be saved: %s", another)

    def _status_of(self, resumed: checkpoint.Saved) -> str:
        """Return the status of a run that had ended, unless a smaller `tol` lets it go on."""
        by_tol = resumed.status == "converged" and self.program.stopped is None
        return "running" if by_tol and not self._converged(self.history[-1]) else resumed.status

    def _step(self) -> Step:
        self._recovery.step_begins()
        self._recovery.cycle()
        self._take_executor()
        program = self.program
        number = len(self.history) + 1
        self.measured = self.figures.due(number)
        figures = self._figures() if self.measured else {}
        self.history.append(figures)
        self._recovery.step_ended()
        self.executor.accounts.add_figures(figures)
        program.epoch(self.history)
        if program.stopped:
            self.status = program.stopped
        elif self._converged(figures):
            self.status = "converged"
        elif interrupts.asked():
            self.status = "interrupted"
        step = Step(number, figures, time.perf_counter() - self.begun)
        for instrument in self._instruments:
            instrument.after_step(self, step)
        self.status, program.stopped = self.executor.agreed((self.status, program.stopped))
        return step

    def _take_executor(self) -> None:
        """Use the executor that runs the program now: the leader may have taken over."""
        self.executor = self._grant.executor = self._recovery.executor

    def _asked(self, ask: Callable[[], _T]) -> _T:
        """Ask the processes something; if none can be started, the leader answers."""
        try:
            return ask()
        except CannotStart as error:
            self._recovery.take_over(error)
            self._take_executor()
            return ask()

    def _figures(self) -> dict[str, float]:
        measured = self.program.measure is not None
        parts = _trim(self._measure()) if measured else None
        self._demand_finite()
        return self.figures.of(parts)

    def _converged(self, figures: Mapping[str, float]) -> bool:
        return self.tol is not None and figures.get("certificate", np.inf) <= self.tol

    def _measure_last(self) -> None:
        """Compute the figures of the last step unless they are known: every result has them."""
        if self.history and not self.measured:
            self.measured = True
            self.history[-1] = self._figures()
            self.executor.accounts.add_figures(self.history[-1])
            if self.status == "epochs" and self._converged(self.history[-1]):
                self.status = "converged"

    def _measure(self) -> np.ndarray:
        since = time.perf_counter()
        parts = self._asked(lambda: self.executor.once("measure"))
        self.executor.accounts.measure_seconds += time.perf_counter() - since
        return parts

    def _demand_finite(self) -> None:
        for name, declared in self.program.fields().items():
            if not isinstance(declared, Variable) or np.dtype(declared.dtype).kind != "f":
                continue
            first = self.executor.not_finite(name)
            if first is not None:
                order = self.program.partitions[declared.axes[0]].order
                raise NotFiniteError(array=name, id=first if order is None else int(order[first]))

    def stop(self, reason: str) -> None:
        """End the iteration after this step; `reason` becomes the status."""
        self.status = reason

    def resume(self, epochs: int) -> Run:
        """Allow more epochs; a run that has stopped goes on."""
        if self._result is not None:
            raise ProgramError("this run is finished; start a new one from its state")
        self.epochs = len(self.history) + epochs
        self.status, self.program.stopped = "running", None
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a checkpoint, from which ``iterate(program, resume_from=path)`` resumes the run.

        To be called between steps; an instrument may call it. The file appears, or replaces one of
        that name, when it is complete. :mod:`strads.engine.run.checkpoints.checkpoint` says what
        it holds.

        Raises
        ------
        ProgramError
            If the run has given its workers back, or has state that a checkpoint cannot keep.
        OSError
            If the file cannot be written.
        """
        if self._grant.given_back:
            raise ProgramError("this run has ended and holds no state to save; save between steps")
        self.executor.bring()
        self.write(path)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a checkpoint, as :meth:`save` does, of what this process has.

        The executor must have been told that it ``saves``, if there are other ranks.
        """
        if not self.executor.writes:  # another process does
            return
        since = time.perf_counter()
        with self.executor.brought():
            checkpoint.save(path, self.executor, self.history, self._seconds(), self.status)
        seconds = time.perf_counter() - since
        for instrument in self._instruments:
            told = getattr(instrument, "after_save", None)
            if told is not None:
                told(self, Path(path), seconds)

    @property
    def ended(self) -> bool:
        """Whether the run has given its workers back."""
        return self._grant.given_back

    @property
    def ended_with_result(self) -> bool:
        """Whether the run has ended, and :meth:`result` returns its result."""
        return self._result is not None

    @property
    def busy(self) -> bool:
        """Whether a step of the run is being computed, its instruments included."""
        return self._grant.inside > 0 and not self._grant.given_back

    @property
    def busy_here(self) -> bool:
        """Whether it is this thread that computes the step."""
        return self.busy and self._grant.thread == threading.get_ident()

    def when_ended(self, function: Callable[[], None]) -> None:
        """Let a function be called when the run has given its workers back, in whatever way."""
        self._grant.at_end.append(function)

    def _seconds(self) -> float:
        return self._earlier + time.perf_counter() - self.begun

    def exchange(self, schedule: Schedule, phase: str | None = None) -> None:
        """Replace the schedule of a phase, by default the only schedule, from the next round on."""
        names = list(self.executor.schedules)
        if phase is None and len(names) != 1:
            raise ProgramError(f"name the phase whose schedule to exchange: one of {names}")
        self.executor.exchange(phase or names[0], schedule)

    def statistics(self) -> dict[str, Any]:
        """Return where the time went and what the scheduler did, as of now or of the result.

        For the entries see :func:`~strads.engine.run.statistics.statistics_of`.
        """
        if self._result is not None:
            return self._result.statistics
        return statistics_of(self.executor, self.history, self._seconds(), self._reasons)

    def finish(self) -> Result:
        """Run to the end, give the workers back and return the result."""
        for _ in self:
            pass
        return self.result()

    def result(self) -> Result:
        """Return the result as of now and give the workers back.

        Raises
        ------
        ProgramError
            If the run has ended without a result: it has failed, or its ``with`` block has ended.
        """
        if self._result is None:
            with interrupts.watched():
                try:
                    self._result = self._copied()
                except BaseException as error:  # statistics and figures call code of the user's
                    if not self._grant.given_back:
                        self.executor.failed(error)
                    self.status = "failed"
                    raise
                finally:
                    self._grant.give_back()
            for instrument in self._instruments:
                instrument.after_run(self, self._result)
        return self._result

    def _copied(self) -> Result:
        if self._grant.given_back:
            raise ProgramError(f"this run has ended without a result; its status is {self.status}")
        if self.status == "running":
            self.status = "stopped"
        self._grant.enter()
        self._measure_last()
        state = _state(self.program, self.executor.store)
        statistics = self._asked(self.statistics)  # what ranks exchange for the result is in them
        return Result(state, self.history, self.status, statistics)

    def __enter__(self) -> Run:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the workers back."""
        with interrupts.watched():
            if not self._grant.given_back and self.status == "running":
                self.status = "stopped"
            self._grant.give_back()


def _trim(parts: np.ndarray) -> np.ndarray:
    """Return one number for each worker if the measure is a number, else one row for each."""
    count = int(parts[0, 0])
    return parts[:, 1].copy() if count == 1 else parts[:, 1 : 1 + count].copy()


def _state(program: Program, store: Store) -> dict[str, np.ndarray]:
    """Copy the arrays that a result holds, in the order of the user's ids.

    Raises
    ------
    InsufficientMemory
        If memory does not suffice for the copies. This was checked before the run, too, but axes
        may have grown since, and other programs may have taken memory.
    """
    copies = needs.results(program, store.kinds_in_files)
    if sum(copies.values()) >= needs.UNCHECKED:
        check_memory(copies)
    return {name: user_order(program, name, store) for name in needs.returned(program)}
