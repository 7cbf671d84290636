"""Time to tomotopy's log-likelihood: our fewest sweeps that reach it, timed whole.

tomotopy sets the target by a fixed number of sweeps with all its workers. Our fewest are found once
by the model's own account, which the judge confirms.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from bench.compare.lda import child, ours, solvers
from bench.compare.lda.corpora import Corpus
from bench.compare.lda.solver import Setting, Solver
from bench.compare.lda.solvers import fit, heading, judged, kind, wanted, workers
from bench.harness import race

#: Ours has missed the target if it needs more than this many times tomotopy's sweeps.
PATIENCE = 4


@dataclass(kw_only=True)
class Lap(race.Entry):
    """One solver on its way to the target."""

    topics: int
    wanted: float
    sweeps: int = 0  # 0: not reached

    @property
    def reached(self) -> bool:
        """Whether the median of the judged answers is the target or better."""
        return self.sweeps > 0 and self.value >= self.wanted

    @property
    def setting(self) -> Setting:
        """The fit that is timed."""
        return Setting(self.topics, self.sweeps, workers(self.solver))


class Race(race.Contest[Lap]):
    """A corpus and tomotopy's log-likelihood, by so many sweeps."""

    def __init__(self, corpus: Corpus, sweeps: int) -> None:
        self.corpus, self.sweeps = corpus, sweeps

    def calibrate(self, entry: Lap) -> bool:
        """Find our fewest sweeps; tomotopy's are given.

        Our fits repeat themselves, and a short one is the beginning of a long one.
        """
        family = kind(entry.solver)
        if not issubclass(family, ours.Strads):
            entry.sweeps = self.sweeps
            return True
        most = entry.setting._replace(sweeps=PATIENCE * self.sweeps)
        entry.sweeps = ours.sweeps_until(
            self.corpus.counts, most, lambda value: value >= entry.wanted, family.init
        )
        while 0 < entry.sweeps < most.sweeps:
            if judged(self.fit(entry)[1]) >= entry.wanted:
                return True
            entry.sweeps += 1  # the two accounts differ in the last digits
        entry.sweeps = 0
        return False

    def fit(self, entry: Lap) -> tuple[float, Solver]:
        """Fit with the entry's sweeps."""
        return fit(entry.solver, self.corpus.counts, entry.setting)

    def judge(self, entry: Lap, seconds: float, answer: Solver) -> float:
        """Return the log-likelihood a token."""
        return judged(answer)

    def cold(self, entry: Lap) -> float:
        """Seconds of import and first fit in a fresh process."""
        process = child.start(entry.data, entry.solver, entry.topics, [entry.sweeps], cold=True)
        return process.run()["seconds"]


def run(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Race on one corpus with so many topics."""
    names = solvers.samplers(options)
    if not names:
        return []
    target = wanted(names[-1], topics, options)._replace(workers=max(map(workers, names)))
    value = judged(fit(names[-1], corpus.counts, target)[1])
    laps = [Lap(wanted=value, **heading(corpus.name, topics, name))
            for name in solvers.own(options) + names]  # fmt: skip
    contest = Race(corpus, target.sweeps)
    laps = contest.race(laps, repeats=options.repeats, cold=not options.no_cold)
    title = f"{corpus.name}, K = {topics}: time to log-likelihood {value:.4f} a token"
    race.show_race(title, laps, {
        "sweeps": lambda lap: str(lap.sweeps or "–"),
        "LL a token": lambda lap: race.judged(lap, lap.value, ".4f"),
    })  # fmt: skip
    return [lap.row() for lap in laps]
