"""Time to tomotopy's log-likelihood: our fewest sweeps that reach it, timed whole.

tomotopy sets the target by a fixed number of sweeps with all its workers. Our fewest are found once
by the model's own account, which the judge confirms; then all solvers take turns, and every timed
answer is judged again.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.compare.lda import child, judge, ours, solvers
from bench.compare.lda.corpora import Corpus
from bench.compare.lda.solvers import Setting, Solver, fit, present, version, workers
from bench.compare.tables import figure, show

#: Ours may take so many times the sweeps of tomotopy before it is said to miss.
PATIENCE = 4


@dataclass
class Lap:
    """One solver on its way to the target."""

    data: str
    topics: int
    wanted: float
    solver: str
    version: str
    sweeps: int = 0  # 0: not reached
    value: float = float("nan")  # median of the judged answers
    cold: float = float("nan")
    warm: list[float] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        """Whether the median of the judged answers is the target or better."""
        return self.sweeps > 0 and self.value >= self.wanted

    @property
    def median(self) -> float:
        """Median warm time, in seconds."""
        return statistics.median(self.warm) if self.warm else float("nan")

    def row(self) -> dict[str, Any]:
        """Its line in a file of results."""
        seconds = " ".join(f"{each:.6f}" for each in self.warm)
        return asdict(self) | {"warm": seconds, "median": self.median, "reached": self.reached}


def run(corpus: Corpus, topics: int, options: argparse.Namespace) -> list[Lap]:
    """Race on one corpus with so many topics."""
    names = present([f"tomotopy-{p}" for p in options.peer_workers] if "tomotopy" in options.peers
                    else [])  # fmt: skip
    if not names:
        return []
    sweeps = options.sweeps_of(topics)
    setting = Setting(topics, sweeps, max(map(workers, names)), options.seed)
    wanted = _judged(corpus, fit(names[-1], corpus.counts, setting)[1])
    laps = [Lap(corpus.name, topics, wanted, name, version(name), sweeps) for name in names]
    for name in reversed(present(solvers.ours(options))):
        setting = _setting(name, topics, PATIENCE * sweeps, options.seed)
        found = _fewest(corpus, name, setting, wanted)
        laps.insert(0, Lap(corpus.name, topics, wanted, name, version(name), found))
    _take_turns(corpus, laps, options)
    _show(laps)
    return laps


def _take_turns(corpus: Corpus, laps: Sequence[Lap], options: argparse.Namespace) -> None:
    values: dict[str, list[float]] = {lap.solver: [] for lap in laps}
    starters = [lap for lap in laps if lap.sweeps]
    for _ in range(options.repeats):
        for lap in starters:
            setting = _setting(lap.solver, lap.topics, lap.sweeps, options.seed)
            seconds, model = fit(lap.solver, corpus.counts, setting)
            lap.warm.append(seconds)
            values[lap.solver].append(_judged(corpus, model))
            lap.value = statistics.median(values[lap.solver])
    for lap in () if options.no_cold else starters:
        setting = _setting(lap.solver, lap.topics, lap.sweeps, options.seed)
        lap.cold = child.cold(corpus.name, lap.solver, setting)


def _fewest(corpus: Corpus, name: str, setting: Setting, wanted: float) -> int:
    """Our fewest sweeps; fits repeat themselves, and a short one is the beginning of a long one."""
    init = ours.SOLVERS[name.partition("-")[0]].init
    found = ours.sweeps_until(corpus.counts, setting, lambda value: value >= wanted, init)
    while 0 < found < setting.sweeps:
        model = fit(name, corpus.counts, setting._replace(sweeps=found))[1]
        if _judged(corpus, model) >= wanted:
            return found
        found += 1  # the two accounts differ in the last digits
    return 0


def _judged(corpus: Corpus, model: Solver) -> float:
    tokens = model.tokens()
    assert tokens is not None
    return judge.log_likelihood(tokens, corpus.counts, model.setting.topics)


def _setting(name: str, topics: int, sweeps: int, seed: int) -> Setting:
    return Setting(topics, sweeps, workers(name), seed)


def _show(laps: Sequence[Lap]) -> None:
    first, rows = laps[0], []
    for lap in laps:
        spread = f"{min(lap.warm):.3f} – {max(lap.warm):.3f}" if lap.warm else "–"
        value = figure(lap.value, ".4f") + ("" if lap.reached else " (missed)")
        rows.append((f"{lap.solver} {lap.version}", str(lap.sweeps or "–"), value,
                     figure(lap.cold, ".2f"), figure(lap.median, ".3f"), spread,
                     figure(lap.median / first.median, ".2f")))  # fmt: skip
    title = f"{first.data}, K = {first.topics}: time to log-likelihood {first.wanted:.4f} a token"
    columns = ("solver", "sweeps", "LL a token", "cold s", "warm s", "min – max", "÷ first")
    show(title, columns, rows)
