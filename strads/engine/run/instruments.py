"""Instruments: hooks on a run, for progress, logs, plots and records of schedules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from strads.engine.errors import ProgramError
from strads.engine.run.result import Result, Step
from strads.engine.run.run import Run
from strads.engine.schedules.replay import Record


class Instrument:
    """Base of instruments; a subclass overrides the hooks that it needs.

    An error in a hook ends the run. ``after_step`` may call ``run.stop(reason)``. A subclass may
    also define ``after_failure(run, error)``: it is called when a kernel has raised, or processes
    have died in vain, once the run is in a state from which steps could go on; and
    ``after_save(run, path, seconds)``, called when a checkpoint has been written.
    """

    def before_run(self, run: Run) -> None:
        """Do something before the first step, when everything is prepared."""

    def after_step(self, run: Run, step: Step) -> None:
        """Do something after each step."""

    def after_run(self, run: Run, result: Result) -> None:
        """Do something with the result, also if the run was stopped early."""


class Callback(Instrument):
    """Calls a function after every step; the run stops if it returns true."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def after_step(self, run: Run, step: Step) -> None:
        """Call the function."""
        if self.function(step):
            run.stop("stopped by a callback")


class Recorder(Instrument):
    """Keeps all rounds that schedules hand out: ids, cuts into micro-rounds, sweeps.

    It takes 8 bytes for every id. The schedule ``Replay(axis, recorder.log())`` hands out the same
    rounds in another run, which needs the same number of workers and the same partition.

    Attributes
    ----------
    logs : dict of str to list of Record
        By phase. Ids are positions in the order of the partition, as policies see them.
    """

    def __init__(self) -> None:
        self.logs: dict[str, list[Record]] = {}

    def before_run(self, run: Run) -> None:
        """Begin to record, and forget what was recorded of another run."""
        self.logs = {}
        run.executor.record()

    def after_step(self, run: Run, step: Step) -> None:
        """Collect the rounds of the step."""
        for phase, rounds in run.executor.recorded().items():
            self.logs.setdefault(phase, []).extend(rounds)

    def log(self, phase: str | None = None) -> list[Record]:
        """Return the rounds of a phase, by default of the only phase that has a schedule."""
        if phase is None:
            if len(self.logs) != 1:
                raise ProgramError(f"name the phase whose rounds to return: {sorted(self.logs)}")
            (phase,) = self.logs
        if phase not in self.logs:
            raise ProgramError(f"no rounds of a phase {phase!r}: there are {sorted(self.logs)}")
        return self.logs[phase]


def as_instruments(given: Iterable[Any] | Any | None) -> list[Instrument]:
    """Turn None, one or several instruments or plain functions into a list.

    Raises
    ------
    ProgramError
        If one of them is neither an instrument nor callable.
    """
    if given is None:
        return []
    several = given if isinstance(given, list | tuple) else [given]
    return [_as_instrument(one) for one in several]


def _as_instrument(given: Any) -> Instrument:
    if isinstance(given, Instrument):
        return given
    if isinstance(given, type) and issubclass(given, Instrument):
        raise ProgramError(
            f"{given.__name__} is a class of instruments: give an instance, {given.__name__}(…)"
        )
    if not callable(given):
        raise ProgramError(
            f"{given!r:.60} is neither an Instrument nor a function: callbacks (instruments of a "
            "run) are called with every step"
        )
    return Callback(given)
