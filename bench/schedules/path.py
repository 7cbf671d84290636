"""The path of a run, and what it says: where it passed a gap, whether and where it diverged."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

#: A run whose objective is this many times that of w = 0 has diverged: interference that grows does
#: so exponentially, while a single overshoot at the start stays far below.
HOPELESS = 100.0


@dataclass
class Path:
    """Figures of a run after every measure."""

    start: float  # objective before the first update
    updates: list[int] = field(default_factory=list)  # ids dispatched so far
    rounds: list[int] = field(default_factory=list)  # micro-rounds so far
    gaps: list[float] = field(default_factory=list)
    objectives: list[float] = field(default_factory=list)
    promised: list[float] = field(default_factory=list)  # progress so far, by updates one by one
    seconds: list[float] = field(default_factory=list)  # so far, without measuring

    def add(self, **figures: float) -> None:
        """Record a measure, a figure for every list."""
        for name, figure in figures.items():
            getattr(self, name).append(figure)

    def fall_over(self) -> None:
        """Record that the next measure found values that are not finite."""
        last = {name: (getattr(self, name) or [0])[-1]
                for name in ("updates", "rounds", "promised", "seconds")}  # fmt: skip
        self.add(gaps=float("inf"), objectives=float("inf"), **last)

    def crossing(self, gap: float) -> int | None:
        """Index of the first measure within a gap."""
        within = np.flatnonzero(np.asarray(self.gaps) <= gap)  # NaN is not
        return int(within[0]) if len(within) else None

    @property
    def hopeless(self) -> bool:
        """Whether the last objective is beyond return, or not a number."""
        return bool(self.objectives) and not self.objectives[-1] <= HOPELESS * self.start

    def onset(self) -> int | None:
        """Index of the measure from which on the objective stayed above that of the start."""
        worse = ~(np.asarray(self.objectives) <= self.start)
        if not len(worse) or not worse[-1]:
            return None
        fine = np.flatnonzero(~worse)
        return int(fine[-1]) + 1 if len(fine) else 0

    def lost(self, at: int = -1) -> float:
        """Share of the promised progress that was not made, until a measure.

        Negative where updates helped each other; above 1 where together they did harm.
        """
        promised = self.promised[at] if self.promised else 0.0
        if not promised > 0.0:
            return float("nan")
        return 1.0 - (self.start - self.objectives[at]) / promised
