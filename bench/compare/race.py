"""Time to a target: the fewest iterations that reach it, then that fit timed, solvers taking turns.

No peer tells how good it was on the way, so every count of iterations is a fit from scratch. They
are looked for once, untimed; of a solver that does not repeat itself, the median of several fits
must be within the target. Every timed answer is judged again.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bench.compare import child
from bench.compare.problem import Problem
from bench.compare.solvers import Setting

#: Fits of a solver that does not repeat itself whose median must be within the target.
CONFIRMED = 5
#: Relative difference up to which it does.
SAME = 1e-5


@dataclass
class Lap:
    """One solver on its way to one target."""

    data: str
    rank: int
    target: str
    wanted: float
    solver: str
    version: str
    regularization: float
    iterations: int = 0  # 0: not reached within the most
    value: float = float("nan")
    ndcg: float = float("nan")
    cold: float = float("nan")
    warm: list[float] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        """Whether the median of the judged answers is within the target."""
        return self.iterations > 0 and self.value <= self.wanted

    @property
    def median(self) -> float:
        """Median warm time, in seconds."""
        return statistics.median(self.warm) if self.warm else float("nan")

    def row(self) -> dict[str, Any]:
        """Its line in a file of results."""
        seconds = " ".join(f"{each:.6f}" for each in self.warm)
        return asdict(self) | {"warm": seconds, "median": self.median, "reached": self.reached}


def run(problem: Problem, laps: Sequence[Lap], *, repeats: int, most: int, cold: bool) -> list[Lap]:
    """Race, and return the winners; a solver may start with several λ."""
    for lap in laps:
        lap.iterations = fewest(_measure(problem, lap), lap.wanted, most)
        _confirm(problem, lap, most)
    starters = [lap for lap in laps if lap.iterations]
    values: dict[int, list[float]] = {id(lap): [] for lap in starters}
    for _ in range(repeats):
        for lap in starters:
            seconds, factors = problem.fit(lap.solver, _setting(lap))
            lap.warm.append(seconds)
            values[id(lap)].append(problem.judged(factors, lap.regularization))
            lap.value = statistics.median(values[id(lap)])
            lap.ndcg = problem.ranked(factors)
    best = winners(laps)
    for lap in best if cold else ():
        if lap.iterations:
            lap.cold = child.cold(problem, lap.solver, _setting(lap))
    return best


def winners(laps: Sequence[Lap]) -> list[Lap]:
    """The quickest lap of every solver that was tried with several λ, or one that missed."""
    names = dict.fromkeys(lap.solver for lap in laps)
    return [min((lap for lap in laps if lap.solver == name), key=_rank) for name in names]


def _rank(lap: Lap) -> tuple[bool, float]:
    return not lap.reached, lap.median if lap.warm else float("inf")


def fewest(measure: Callable[[int], float], wanted: float, most: int) -> int:
    """Fewest iterations whose value is within `wanted`; 0 if none of those tried is.

    Counts grow by about a third, since a solver that overfits may pass the target for a while only;
    between the last that missed and the first that did not, they are bisected.
    """
    missed, count = 0, 1
    while measure(count) > wanted:
        if count >= most:
            return 0
        missed, count = count, min(most, count + max(1, count // 3))
    while count - missed > 1:
        middle = (count + missed) // 2
        if measure(middle) > wanted:
            missed = middle
        else:
            count = middle
    return count


def _confirm(problem: Problem, lap: Lap, most: int) -> None:
    """Iterate further until the median of several fits is within the target, if fits differ."""
    while lap.iterations:
        values = [problem.value(lap.solver, _setting(lap))]
        while len(values) < CONFIRMED and not _alike(values):
            _, factors = problem.fit(lap.solver, _setting(lap))
            values.append(problem.judged(factors, lap.regularization))
        if statistics.median(values) <= lap.wanted:
            return
        lap.iterations = lap.iterations + 1 if lap.iterations < most else 0


def _alike(values: list[float]) -> bool:
    return len(values) > 1 and max(values) - min(values) <= SAME * min(values)


def _measure(problem: Problem, lap: Lap) -> Callable[[int], float]:
    return lambda count: problem.value(lap.solver, replace(_setting(lap), iterations=count))


def _setting(lap: Lap) -> Setting:
    return Setting(lap.rank, lap.iterations, lap.regularization)
