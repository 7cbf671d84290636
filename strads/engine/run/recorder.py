"""Record every round that the schedules of a run hand out, for :class:`~strads.Replay`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strads.engine.errors import ProgramError
from strads.engine.run.instruments import Instrument
from strads.engine.schedules.replay import Record

if TYPE_CHECKING:
    from strads.engine.run.result import Step
    from strads.engine.run.run import Run


class Recorder(Instrument):
    """An instrument that keeps all rounds: ids, cuts into micro-rounds, sweeps.

    It takes 8 bytes for every id dispatched. ``Replay(axis, recorder.log())`` dispatches them
    again, in a run of as many workers and the same partition.

    Attributes
    ----------
    logs : dict of str to list of Record
        By phase. Ids are in the order of the partition, as policies see them.
    """

    def __init__(self) -> None:
        self.logs: dict[str, list[Record]] = {}

    def before_run(self, run: Run) -> None:
        """Begin to record; what was recorded of another run is forgotten."""
        self.logs = {}
        run.executor.record()

    def after_step(self, run: Run, step: Step) -> None:
        """Take the rounds of the step."""
        for phase, rounds in run.executor.recorded().items():
            self.logs.setdefault(phase, []).extend(rounds)

    def log(self, phase: str | None = None) -> list[Record]:
        """Return the rounds of a phase, by default of the only one that has a schedule."""
        if phase is None:
            if len(self.logs) != 1:
                raise ProgramError(f"name the phase whose rounds to return: {sorted(self.logs)}")
            (phase,) = self.logs
        if phase not in self.logs:
            raise ProgramError(f"no rounds of a phase {phase!r}: there are {sorted(self.logs)}")
        return self.logs[phase]
