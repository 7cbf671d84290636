"""What the leader does for a timed schedule: it measures between steps, and chooses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from strads.engine.errors import ProgramError
from strads.engine.schedules.base import Schedule
from strads.engine.schedules.timed.schedule import Choice, Timed

#: Windows of one setting before another one is tried; it doubles with every trial.
PATIENCE = 4
#: The message by which a policy learns which setting to use.
MESSAGE = "choose"


class Windows:
    """Which setting comes next, from the rates of windows; see :class:`Timed`.

    Parameters
    ----------
    names : iterable of str
        The settings.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self.rates: dict[str, float] = {}  # of the last window of each
        self.best, self.used = self.names[0], self.names[0]
        self.patience, self.stayed, self.tried = PATIENCE, 0, 0

    def ended(self, rate: float) -> str:
        """Take the rate of the window that has ended; return the setting of the next one."""
        begins = len(self.rates) < len(self.names)
        self.rates[self.used] = rate
        untried = [name for name in self.names if name not in self.rates]
        if untried:
            self.used = untried[0]
            return self.used
        if begins or self.used != self.best:  # a window was a trial
            self.best = max(self.names, key=self.rates.__getitem__) if begins else self._better()
            self.used, self.stayed = self.best, 0
            return self.used
        self.stayed += 1
        if self.stayed >= self.patience and len(self.names) > 1:
            others = [name for name in self.names if name != self.best]
            self.used = others[self.tried % len(others)]
            self.tried, self.patience = self.tried + 1, 2 * self.patience
        return self.used

    def _better(self) -> str:
        return self.used if self.rates[self.used] > self.rates[self.best] else self.best


class _Phase:
    """The choices of one phase."""

    def __init__(self, schedule: Timed, choices: Iterable[Choice]) -> None:
        self.schedule = schedule
        self.choices = [(int(step), str(name)) for step, name in choices]
        self.windows = Windows(schedule.settings)
        if self.choices:
            self.windows.used = self.windows.best = self.choices[-1][1]
        self.begun: tuple[int, float, float] | None = None  # step, seconds, certificate

    def after(self, step: int, seconds: float, certificate: float | None) -> str | None:
        """Return the setting to use after a step; None if none is to be chosen now."""
        if self.schedule.choices is not None:
            return dict(self.schedule.choices).get(step)
        if certificate is None:
            return None
        if self.begun is not None:
            since, began, before = self.begun
            if step - since < self.schedule.window:
                return None
            used = max(seconds - began, 1e-9)
            name = self.windows.ended(_fall(before, certificate) / used)
        else:
            name = self.windows.used
        self.begun = step, seconds, certificate
        return name


class Choosing:
    """An instrument that tells timed schedules which setting to use; it is the first of a run's."""

    def __init__(self) -> None:
        self.phases: dict[str, _Phase] = {}

    def before_run(self, run: Any) -> None:
        """Take over the choices that were made before a checkpoint."""
        known = run.executor.schedule_statistics() if run.history else {}
        self.phases = {
            phase: _Phase(schedule, known.get(phase, {}).get("choices", ()))
            for phase, schedule in run.executor.schedules.items()
            if isinstance(schedule, Timed)
        }
        for phase, one in self.phases.items():
            first = dict(one.schedule.choices or ()).get(0)
            if first is not None and not run.history:
                self._choose(run, phase, one, 0, first)

    def after_step(self, run: Any, step: Any) -> None:
        """Choose, where a window has ended, and tell policies that have begun anew."""
        certificate = step.figures.get("certificate")
        for phase, one in self.phases.items():
            if run.executor.schedules[phase] is not one.schedule:  # exchanged for another
                continue
            if step.figures and certificate is None and one.schedule.choices is None:
                raise ProgramError(
                    f"phase {phase!r} is Timed, which goes by the certificate, and the program's "
                    'progress() returns none: return a figure "certificate", or use Auto'
                )
            seconds, given = run.executor.agreed((step.seconds, certificate))
            name = one.after(step.epoch, seconds, given)
            used = one.choices[-1][1] if one.choices else next(iter(one.schedule.settings))
            if name is not None and name != used:
                self._choose(run, phase, one, step.epoch, name)
            elif one.choices and MESSAGE not in run.executor.told.get(phase, {}):
                self._tell(run, phase, one)  # the axis has grown, and with it the policy is new

    def after_run(self, run: Any, result: Any) -> None:
        """Do nothing: the choices are in the statistics of the schedules."""

    def _choose(self, run: Any, phase: str, one: _Phase, step: int, name: str) -> None:
        one.choices.append((step, name))
        self._tell(run, phase, one)

    @staticmethod
    def _tell(run: Any, phase: str, one: _Phase) -> None:
        run.executor.tell(phase, MESSAGE, (list(one.choices),))


def choosing(schedules: Mapping[str, Schedule]) -> list[Choosing]:
    """Return the instrument that chooses, if any phase's schedule is timed."""
    timed = any(isinstance(schedule, Timed) for schedule in schedules.values())
    return [Choosing()] if timed else []


def _fall(before: float, after: float) -> float:
    """Return by how much the logarithm of a certificate has fallen."""
    if not after > 0.0:
        return math.inf
    return math.log(before / after) if before < math.inf else 0.0
