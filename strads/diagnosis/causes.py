"""Which of three causes took the time that more workers should have saved.

With P workers the ideal fit takes a P-th of the time of one. What it takes beyond that is divided:

*size*
    The leader alone: (1 − 1/P) of the time in which no worker has a launch. There is too little in
    a launch, or too little to divide.
*movement*
    Handing over of launches, waits for each other, and kernels that take longer for the same
    updates, because the workers share memory or repeat each other's work. Of the waits for leases,
    the share that the dependency filter did not cause.
*dependence*
    Updates beyond those of one worker, progress that updates promised and did not make together,
    and of the waits for leases the share of the ids that the dependency filter put off.
"""

from __future__ import annotations

from dataclasses import dataclass

from strads.diagnosis.trials.parts import Parts

#: The three causes.
SIZE, MOVEMENT, DEPENDENCE = CAUSES = ("size", "movement", "dependence")
#: No cause: more workers pay.
NONE = "none"


@dataclass(frozen=True)
class Losses:
    """Seconds beyond the ideal time, by cause.

    Attributes
    ----------
    seconds : float
        The whole fit.
    ideal : float
        The time of one worker, divided by the number of workers.
    size, movement, dependence : float
        What each cause took.
    """

    seconds: float
    ideal: float
    size: float
    movement: float
    dependence: float

    @property
    def largest(self) -> str:
        """The cause that took most."""
        return max(CAUSES, key=lambda name: getattr(self, name))

    @property
    def efficiency(self) -> float:
        """The ideal time divided by the time: 1 if every worker always works."""
        return self.ideal / self.seconds if self.seconds > 0.0 else 1.0


def losses_of(found: Parts, one: Parts | None = None, copying: float = 0.0) -> Losses:
    """Return what each cause took of a fit with several workers.

    Parameters
    ----------
    found : Parts
        The fit.
    one : Parts, optional
        The same fit with one worker. Without it, the work in kernels counts as what one worker
        would have done, less what is known to be in vain, and less the copying.
    copying : float, default=0.0
        Seconds for which each worker copied what the workers tell each other.
    """
    workers = found.workers
    vain = found.error * found.scheduled
    slower = more = 0.0
    if one is not None:
        updates = found.updates / one.updates - 1.0 if one.updates else 0.0
        more = min(max(updates, 0.0) * one.scheduled, max(found.busy - one.busy, 0.0))
        slower = max(found.busy - one.busy - more, 0.0)
    dependence = max(more, vain) / workers + found.rejected * found.starved
    movement = (
        slower / workers + found.handing + found.waiting + (1.0 - found.rejected) * found.starved
    )
    if one is None:
        movement += copying
        work = max(found.alone + found.busy - vain - workers * copying, 0.0)
    else:
        work = one.alone + one.busy
    return Losses(
        found.alone + found.launched, work / max(workers, 1),
        found.alone * (1.0 - 1.0 / workers), movement, dependence,
    )  # fmt: skip
