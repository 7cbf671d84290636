"""Time to a target: the fewest iterations that reach it, then that fit timed, solvers taking turns.

No peer tells how good it was on the way, so every count of iterations is a fit from scratch. They
are looked for once, untimed. Every timed answer is judged again.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bench.compare import child
from bench.compare.problem import Problem
from bench.compare.solvers import Setting


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


def run(problem: Problem, laps: Sequence[Lap], *, repeats: int, most: int, cold: bool) -> None:
    """Fill in what a race finds out."""
    for lap in laps:
        lap.iterations = fewest(_measure(problem, lap), lap.wanted, most)
    starters = [lap for lap in laps if lap.iterations]
    for lap in starters if cold else ():
        lap.cold = child.cold(problem, lap.solver, _setting(lap))
    values: dict[int, list[float]] = {id(lap): [] for lap in starters}
    for _ in range(repeats):
        for lap in starters:
            seconds, factors = problem.fit(lap.solver, _setting(lap))
            lap.warm.append(seconds)
            values[id(lap)].append(problem.judged(factors, lap.regularization))
            lap.value = statistics.median(values[id(lap)])
            lap.ndcg = problem.ranked(factors)


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


def _measure(problem: Problem, lap: Lap) -> Callable[[int], float]:
    return lambda count: problem.value(lap.solver, replace(_setting(lap), iterations=count))


def _setting(lap: Lap) -> Setting:
    return Setting(lap.rank, lap.iterations, lap.regularization)
