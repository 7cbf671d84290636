"""Time to a target: the fewest iterations that reach it, then that fit timed, solvers taking turns.

No peer tells how good its factors are after each iteration, so each number of iterations that is
tried is a fit from scratch. The fewest are looked for once, untimed. If the fits of a solver differ
from one another, the median of several must be within the target.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from bench.compare import child
from bench.compare.problem import Problem
from bench.compare.solver import Factors, Setting
from bench.harness.race import Contest, Entry, fewest

#: Number of fits whose median must be within the target, if a solver's fits differ.
CONFIRMED = 5
#: Relative difference of two values up to which fits count as alike.
SAME = 1e-5


@dataclass(kw_only=True)
class Lap(Entry):
    """One solver on its way to one target."""

    rank: int
    target: str
    wanted: float
    regularization: float
    iterations: int = 0  # 0: not reached within the most
    ndcg: float = float("nan")

    @property
    def reached(self) -> bool:
        """Whether the median of the judged answers is within the target."""
        return self.iterations > 0 and self.value <= self.wanted

    @property
    def setting(self) -> Setting:
        """The fit that is timed."""
        return Setting(self.rank, self.iterations, self.regularization)


class Race(Contest[Lap]):
    """A set of ratings, and the iterations at which a solver gives up."""

    def __init__(self, problem: Problem, most: int) -> None:
        self.problem, self.most = problem, most

    def calibrate(self, entry: Lap) -> bool:
        """Find the fewest iterations that reach the target, if any do."""

        def value(count: int) -> float:
            return self.problem.value(entry.solver, entry.setting._replace(iterations=count))

        entry.iterations = fewest(value, entry.wanted, self.most)
        self._confirm(entry)
        return entry.iterations > 0

    def fit(self, entry: Lap) -> tuple[float, Factors]:
        """Fit at the entry's setting."""
        return self.problem.fit(entry.solver, entry.setting)

    def judge(self, entry: Lap, seconds: float, answer: Factors) -> float:
        """Return the held-out RMSE or the objective, and note the NDCG."""
        entry.ndcg = self.problem.ranked(answer)
        return self.problem.judged(answer, entry.regularization)

    def cold(self, entry: Lap) -> float:
        """Seconds of import and first fit in a fresh process."""
        answer = child.start(self.problem.kind, entry.data, entry.solver, entry.setting,
                             cold=True).run()  # fmt: skip
        return answer["end"] - answer["begin"]

    def _confirm(self, lap: Lap) -> None:
        """If fits differ, add iterations until the median of several is within the target."""
        while lap.iterations:
            values = [self.problem.value(lap.solver, lap.setting)]
            while len(values) < CONFIRMED and not _alike(values):
                _, factors = self.fit(lap)
                values.append(self.problem.judged(factors, lap.regularization))
            if statistics.median(values) <= lap.wanted:
                return
            lap.iterations = lap.iterations + 1 if lap.iterations < self.most else 0


def _alike(values: list[float]) -> bool:
    return len(values) > 1 and max(values) - min(values) <= SAME * min(values)
