"""The course of a run: some of its steps, how fast it goes, and when it will have ended."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

#: At most so many steps are kept.
LIMIT = 128
#: The slope of the certificate is that of at most so many steps.
LATEST = 24
#: The rate of updates is that of so many steps.
LAST_FEW = 8
TOO_FEW = "too few steps yet"


@dataclass(frozen=True)
class Sample:
    """What is kept of a step; the certificate is NaN if the step has none."""

    step: int
    seconds: float
    updates: float
    certificate: float


@dataclass(frozen=True)
class Estimate:
    """How long a run will still take.

    Attributes
    ----------
    seconds : float or None
        None if it cannot be told.
    reason : str
        What will end the run: ``"certificate"``, ``"epochs"`` or ``"max_seconds"``. If `seconds` is
        None, why it cannot be told.
    at_most : bool
        Whether the run may end earlier, at a time that cannot be told.
    """

    seconds: float | None
    reason: str
    at_most: bool = False


class Thinned:
    """Steps that are kept: all at first, later every 2nd, 4th, 8th, … and the last."""

    def __init__(self) -> None:
        self._kept: list[Sample] = []
        self._stride, self._seen = 1, 0
        self.last: Sample | None = None

    def add(self, sample: Sample) -> None:
        """Add a step."""
        self.last = sample
        if self._seen % self._stride == 0:
            self._kept.append(sample)
        self._seen += 1
        if len(self._kept) > LIMIT:
            self._kept = self._kept[::2]
            self._stride *= 2

    def samples(self) -> list[Sample]:
        """Return the steps that are kept, the last one among them."""
        if self.last is None or self._kept[-1] is self.last:
            return list(self._kept)
        return [*self._kept, self.last]


class Course:
    """The steps of a run.

    Attributes
    ----------
    steps : Thinned
        Steps of all kinds.
    judged : Thinned
        Those that have a certificate: a program may compute it after every tenth step only.
    """

    def __init__(self) -> None:
        self.steps, self.judged = Thinned(), Thinned()

    def add(self, sample: Sample) -> None:
        """Add a step; one that is not later than the last is left out."""
        last = self.steps.last
        if last is not None and (sample.step <= last.step or sample.seconds < last.seconds):
            return
        self.steps.add(sample)
        if not math.isnan(sample.certificate):
            self.judged.add(sample)

    def rate(self) -> float | None:
        """Updates a second in the last few steps; None if there are too few."""
        return self._growth([s.updates for s in self.steps.samples()])

    def seconds_per_step(self) -> float | None:
        """Seconds that each of the last few steps took; None if there are too few."""
        growth = self._growth([float(s.step) for s in self.steps.samples()])
        return 1.0 / growth if growth else None

    def rates(self, count: int) -> list[float]:
        """Updates a second in so many equal parts of the time of the run; empty if not known."""
        known = self.steps.samples()
        if len(known) < 3 or known[-1].seconds <= known[0].seconds:
            return []
        edges = np.linspace(known[0].seconds, known[-1].seconds, count + 1)
        updates = np.interp(edges, [s.seconds for s in known], [s.updates for s in known])
        rates: list[float] = (np.diff(updates) / np.diff(edges)).tolist()
        return rates

    def fall(self) -> float | None:
        """Return by how much the logarithm of the certificate falls in a second, of late.

        None if fewer than three steps have a certificate, or took any time.
        """
        known = [s for s in self.judged.samples() if 0.0 < s.certificate < math.inf]
        latest = known[-min(max(3, len(known) // 2), LATEST) :]
        seconds = np.array([s.seconds for s in latest])
        if len(latest) < 3:
            return None
        offsets = seconds - seconds[0]
        offsets = offsets - offsets.mean()
        spread = float(offsets @ offsets)
        if not 0.0 < spread < math.inf:
            return None
        logarithms = np.log([s.certificate for s in latest])
        return -float(offsets @ logarithms) / spread

    def _growth(self, values: list[float]) -> float | None:
        """By how much a value of the last few steps grows in a second."""
        latest = self.steps.samples()[-LAST_FEW:]
        if len(latest) < 2 or latest[-1].seconds <= latest[0].seconds:
            return None
        return (values[-1] - values[-len(latest)]) / (latest[-1].seconds - latest[0].seconds)


def time_left(
    course: Course, *, target: float | None, epochs: float | None, budget: float | None
) -> Estimate:
    """Estimate how long a run will still take.

    Parameters
    ----------
    course : Course
    target : float or None
        The bound that the certificate is to reach.
    epochs : float or None
        The largest number of steps.
    budget : float or None
        Seconds that the run may still take.

    Returns
    -------
    Estimate
        By the earliest of the three. Where the certificate has a target and does not fall, or has
        not fallen for long enough, the others are upper bounds.
    """
    limits = {} if budget is None else {"max_seconds": max(budget, 0.0)}
    last, each = course.steps.last, course.seconds_per_step()
    if last is not None and epochs is not None and each is not None:
        limits["epochs"] = max(epochs - last.step, 0.0) * each
    judged = course.judged.last
    if target is None or target <= 0 or (judged is None and last is not None):
        return _earliest(limits, TOO_FEW if each is None else "nothing bounds the run")
    if judged is not None and judged.certificate <= target:
        return Estimate(0.0, "certificate")
    fall = course.fall()
    if judged is None or fall is None:
        limits.pop("epochs", None)  # a run that converges ends long before its last epoch
        return _earliest(limits, TOO_FEW, at_most=True)
    if fall <= 0.0 or judged.certificate == math.inf:
        return _earliest(limits, "the certificate does not fall", at_most=True)
    limits["certificate"] = (math.log(judged.certificate) - math.log(target)) / fall
    return _earliest(limits, "")


def _earliest(limits: dict[str, float], why: str, *, at_most: bool = False) -> Estimate:
    known = {name: one for name, one in limits.items() if math.isfinite(one)}
    if not known:
        return Estimate(None, why)
    reason = min(known, key=known.__getitem__)
    return Estimate(known[reason], reason, at_most)
