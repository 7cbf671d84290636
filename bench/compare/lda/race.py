"""Time to tomotopy's log-likelihood: our fewest sweeps that reach it, timed whole.

tomotopy sets the target by a fixed number of sweeps with all its workers. Our fewest are found once
by the model's own account, which the judge confirms.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from bench.compare.lda import child, ours, solvers
from bench.compare.lda.corpora import Corpus
from bench.compare.lda.solver import Setting, Solver
from bench.compare.lda.solvers import fit, judged, kind, version, workers
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


class Race(race.Contest[Lap]):
    """A corpus and tomotopy's log-likelihood, by so many sweeps."""

    def __init__(self, corpus: Corpus, sweeps: int, seed: int) -> None:
        self.corpus, self.sweeps, self.seed = corpus, sweeps, seed

    def setting(self, lap: Lap, sweeps: int | None = None) -> Setting:
        """The fit that is timed, or another of so many sweeps."""
        return Setting(lap.topics, sweeps or lap.sweeps, workers(lap.solver), self.seed)

    def calibrate(self, entry: Lap) -> bool:
        """Find our fewest sweeps; tomotopy's are given.

        Our fits repeat themselves, and a short one is the beginning of a long one.
        """
        family = kind(entry.solver)
        if not issubclass(family, ours.Strads):
            entry.sweeps = self.sweeps
            return True
        most = self.setting(entry, PATIENCE * self.sweeps)
        found = ours.sweeps_until(
            self.corpus.counts, most, lambda value: value >= entry.wanted, family.init
        )
        while 0 < found < most.sweeps:
            model = fit(entry.solver, self.corpus.counts, self.setting(entry, found))[1]
            if judged(model) >= entry.wanted:
                entry.sweeps = found
                return True
            found += 1  # the two accounts differ in the last digits
        return False

    def fit(self, entry: Lap) -> tuple[float, Solver]:
        """Fit with the entry's sweeps."""
        return fit(entry.solver, self.corpus.counts, self.setting(entry))

    def judge(self, entry: Lap, seconds: float, answer: Solver) -> float:
        """Return the log-likelihood a token."""
        return judged(answer)

    def cold(self, entry: Lap) -> float:
        """Seconds of import and first fit in a fresh process."""
        return child.cold(entry.data, entry.solver, self.setting(entry))


def run(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[Lap]:
    """Race on one corpus with so many topics."""
    names = solvers.samplers(options)
    if not names:
        return []
    sweeps = options.sweeps_of(topics)
    setting = Setting(topics, sweeps, max(map(workers, names)), options.seed)
    wanted = judged(fit(names[-1], corpus.counts, setting)[1])
    laps = [Lap(data=corpus.name, topics=topics, wanted=wanted, solver=name, version=version(name))
            for name in solvers.own(options) + names]  # fmt: skip
    contest = Race(corpus, sweeps, options.seed)
    laps = contest.race(laps, repeats=options.repeats, cold=not options.no_cold)
    title = f"{corpus.name}, K = {topics}: time to log-likelihood {wanted:.4f} a token"
    race.show_race(title, laps, {
        "sweeps": lambda lap: str(lap.sweeps or "–"),
        "LL a token": lambda lap: race.judged(lap, lap.value, ".4f"),
    })  # fmt: skip
    return laps
