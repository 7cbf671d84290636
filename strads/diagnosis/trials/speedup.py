"""The model of a fit's time with any number of workers, from the parts of two timed fits.

    T(1) = a₁ + B
    T(P) = a₂ + [B·b(P) + (w + s + h)·log₂ P] · max(1, P / cores)        for P ≥ 2
    b(P) = (1 − e) / P + e   if e ≥ 0,   (1 + e) / P   if e < 0

B and B₂ are the seconds in kernels with one worker, and with two, summed over both; e = B₂/B − 1 is
the share of the work that every worker repeats, or that memory slows down (Karp and Flatt, CACM 33,
1990, determine the serial share of a program in the same way). a₁ and a₂ are what the leader does
alone; w, s and h are waiting, starving and handing over with two workers, all as in
:class:`strads.diagnosis.trials.parts.Parts`. They grow with the depth of a tree of P workers. The
kernels are never quicker than memory: B·b(P) is at least B·m / min(P, M), where m is the share of B
that the bytes of the sweeps take at the bandwidth of one core, and M the bandwidth of all cores
divided by that of one.

At P = 2 this is the time of the trial with two workers, so what the model adds there is the step
from the trial to the whole fit: launches that the trial left out, and rows that it did not see.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from strads.diagnosis.machine import Machine
from strads.diagnosis.trials.parts import Parts
from strads.diagnosis.trials.trial import Trial

#: Numbers of workers for which the speed-up is predicted.
WORKERS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class TimeModel:
    """Seconds of a fit by the number of workers.

    Attributes
    ----------
    one, two : Parts
        Fits of all the data, with one worker and with two.
    cores : int
        Cores of the machine.
    in_memory : float
        m: share of the time in kernels that the bytes of the sweeps take on one core.
    bandwidths : float
        M: bandwidth of all cores divided by that of one.
    divisible : bool
        Whether the solver divides its work at all.
    """

    one: Parts
    two: Parts
    cores: int
    in_memory: float
    bandwidths: float

    @property
    def divisible(self) -> bool:
        """Whether the solver had work for a second worker."""
        return self.two.workers > 1

    @property
    def repeated(self) -> float:
        """The share e of the work: B₂/B − 1."""
        return self.two.busy / self.one.busy - 1.0 if self.one.busy > 0.0 else 0.0

    def seconds(self, workers: int) -> float:
        """Return T(P)."""
        if workers == 1:
            return self.one.alone + self.one.busy
        if not self.divisible:  # the second fit was the first one again
            return self.seconds(1)
        two, e = self.two, self.repeated
        share = (1.0 - e) / workers + e if e >= 0.0 else (1.0 + e) / workers
        least = self.in_memory / min(workers, self.bandwidths)
        kernels = self.one.busy * max(share, least if workers > 2 else 0.0)
        together = (two.waiting + two.starved + two.handing) * math.log2(workers)
        return two.alone + (kernels + together) * max(1.0, workers / max(self.cores, 2))

    def speedup(self, workers: int) -> float:
        """Return T(1) / T(P)."""
        return self.seconds(1) / max(self.seconds(workers), 1e-12)

    def best(self) -> int:
        """Return the number of workers, at most one a core, with which a fit takes least.

        More workers than one must save a twentieth of the time.
        """
        counts = [p for p in {*WORKERS, self.cores} if p <= self.cores]
        quickest = min(counts, key=self.seconds)
        return quickest if self.seconds(quickest) < 0.95 * self.seconds(1) else 1


def model_of(trial: Trial, machine: Machine, bytes_a_sweep: float, sweeps: int | None) -> TimeModel:
    """Return the model of a fit of all the data.

    Parameters
    ----------
    trial : Trial
    machine : Machine
    bytes_a_sweep : float
        Bytes that a sweep over all the data reads and writes.
    sweeps : int, optional
        Number of sweeps of a fit; None: as many steps as the trial had.
    """
    one, two = (scaled(each, trial.share, sweeps) for each in (trial.one, trial.two))
    sweeping = bytes_a_sweep * max(one.steps, 1.0) / machine.bandwidth
    in_memory = min(sweeping / one.busy, 1.0) if one.busy > 0.0 else 0.0
    many = max(machine.bandwidth_all / machine.bandwidth, 1.0)
    return TimeModel(one, two, machine.cores, in_memory, many)


def scaled(parts: Parts, share: float, sweeps: int | None) -> Parts:
    """Return the parts of a fit of all rows, with all sweeps.

    What grows with the rows are the kernels, the waits for the slowest worker, and the leader's own
    work. What grows with the sweeps is all but the leader's own work, which is mostly done once.
    """
    found = replace(
        parts, alone=parts.alone / share, busy=parts.busy / share, waiting=parts.waiting / share,
        scheduled=parts.scheduled / share, held=parts.held / share,
    )  # fmt: skip
    found = replace(found, wall=found.alone + found.launched)
    return found if sweeps is None else found.times(sweeps / max(parts.steps, 1.0))
