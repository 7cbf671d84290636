"""Time to a target: the fewest iterations that reach it, then that fit timed, solvers taking turns.

No peer tells how good it was on the way, so every count of iterations is a fit from scratch. They
are looked for once, untimed; of a solver that does not repeat itself, the median of several fits
must be within the target.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace

from bench.compare import child
from bench.compare.problem import Problem
from bench.compare.solver import Factors, Setting
from bench.harness.race import Contest, Entry, fewest

#: Fits of a solver that does not repeat itself whose median must be within the target.
CONFIRMED = 5
#: Relative difference of two fits of a solver that is said to repeat itself.
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
            return self.problem.value(entry.solver, replace(entry.setting, iterations=count))

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
        """Iterate further until the median of several fits is within the target, if fits differ."""
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
