"""End a run when its time is used up."""

from __future__ import annotations

import math
import time
from typing import Any

from strads.engine import Instrument, ProgramError, Run, Step

#: The status of a run, and the verdict of a fit, that its budget of time has ended.
USED_UP = "max_seconds"


class TimeBudget(Instrument):
    """Ends a run after the step in which a number of seconds is used up.

    The status of the run is then ``"max_seconds"``. A run that resumes from its checkpoint goes on,
    with a new budget. Which step is the last one depends on the clock; all numbers up to that step
    do not.

    Parameters
    ----------
    seconds : float
        Above 0. They count from the begin of the first run that gets this instrument.

    Attributes
    ----------
    used_up : bool
        Whether it has ended a run.

    Raises
    ------
    ProgramError
        If `seconds` is not a positive number.
    """

    def __init__(self, seconds: float) -> None:
        if isinstance(seconds, str) or not seconds > 0.0 or math.isnan(seconds):
            raise ProgramError(f"TimeBudget({seconds!r}): give a positive number of seconds")
        self.seconds, self.used_up = float(seconds), False
        self._since: float | None = None

    def __reduce__(self) -> Any:
        """Copy what was asked for, and not what belongs to a run."""
        return type(self), (self.seconds,)

    def begin(self) -> None:
        """Let the time begin now, for all runs that follow."""
        self._since, self.used_up = time.perf_counter(), False

    def before_run(self, run: Run) -> None:
        """Let the time begin, unless it has begun."""
        if self._since is None:
            self.begin()

    def after_step(self, run: Run, step: Step) -> None:
        """End the run if the time is used up, unless it has reached its end anyway."""
        assert self._since is not None
        over = run.executor.agreed(time.perf_counter() - self._since >= self.seconds)
        if run.status == "running" and over:
            self.used_up = True
            run.stop(USED_UP)
