"""Time to an externally judged duality gap: strads and its peers on the Lasso.

    python -m bench.lasso --data imdb --intercept yes no --exact --peers sklearn celer

An α of 100 means a hundredth of the smallest α with an empty solution. Each solver's own tolerance
is first tightened, untimed, until the judge finds a gap within `TARGET`; see `bench.harness.race`.

*Off* is the largest difference from scikit-learn's weights at a tolerance of `EXACT`, relative to
the largest weight. *Overhead* is the share of the fit's time that workers spent waiting for each
other or for the scheduler (with one worker: scheduling).
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.datasets import SCALING, Dataset, load
from bench.harness.command import loaded, parser, present
from bench.harness.process import Process
from bench.harness.race import Contest, Entry, judged, show_race, tightened
from bench.harness.tables import keep, number
from bench.judge import alpha_max, judge
from bench.solvers import PEERS, Answer, installed, quietly, solver

#: Relative duality gap that everybody must reach.
TARGET = 1e-6
#: Tolerance of the solution that weights are compared with.
EXACT = 1e-10
MOST_TRIES = 12


@dataclass(kw_only=True)
class Run(Entry):
    """One solver at one α; its values are judged gaps."""

    divisor: float  # α = α_max / divisor
    intercept: bool
    tol: float = 1e-6
    nonzeros: int = 0
    off: float = float("nan")
    overhead: float = float("nan")

    @property
    def gap(self) -> float:
        """Largest judged gap of the timed fits."""
        return max(self.values, default=float("inf"))

    @property
    def reached(self) -> bool:
        """Whether every judged answer was within the target."""
        return self.gap <= TARGET

    def row(self) -> dict[str, Any]:
        """The run's line in a file of results."""
        return super().row() | {"gap": self.gap}


class Penalty(Contest[Run]):
    """The Lasso on one data set at one α, with or without an intercept."""

    def __init__(self, data: Dataset, divisor: float, intercept: bool,
                 options: argparse.Namespace) -> None:  # fmt: skip
        self.data, self.intercept, self.limit = data, intercept, options.limit
        self.alpha = alpha_max(data.X, data.y, fit_intercept=intercept) / divisor
        self.exact = self._answer("sklearn", EXACT).coef if options.exact else None

    def calibrate(self, entry: Run) -> bool:
        """Tighten the solver's tolerance; a solver that misses the target races all the same."""

        def gap(tol: float) -> float:
            entry.tol = tol
            return self.judge(entry, *self.fit(entry))

        entry.tol = tightened(gap, TARGET, entry.tol, MOST_TRIES, self.limit)
        return True

    def fit(self, entry: Run) -> tuple[float, Answer]:
        """Fit at the entry's tolerance."""
        begin = time.perf_counter()
        answer = self._answer(entry.solver, entry.tol)
        return time.perf_counter() - begin, answer

    def judge(self, entry: Run, seconds: float, answer: Answer) -> float:
        """Return the judged gap."""
        verdict = judge(self.data.X, self.data.y, answer.coef, answer.intercept, alpha=self.alpha,
                        fit_intercept=self.intercept)  # fmt: skip
        entry.nonzeros, entry.overhead = verdict.nonzeros, _overhead(answer, seconds)
        if self.exact is not None:
            entry.off = float(np.abs(answer.coef - self.exact).max() / np.abs(self.exact).max())
        return verdict.gap

    def cold(self, entry: Run) -> float:
        """Seconds of import and first fit in a fresh process."""
        words = (entry.data, entry.divisor, entry.solver, entry.tol, entry.intercept)
        answer = Process("bench.cold", entry.solver, words).run()
        return answer["end"] - answer["begin"]

    def _answer(self, name: str, tol: float) -> Answer:
        fit = solver(name)
        return quietly(lambda: fit(self.data.X, self.data.y, self.alpha, tol, self.intercept))


def main(arguments: list[str] | None = None) -> list[Run]:
    """Run the benchmark; return its entries."""
    options = _options(arguments)
    names = [f"strads-{workers}" for workers in options.workers]
    names += present(options.peers, installed)
    runs: list[Run] = []
    for data in loaded(["tiny"] if options.tiny else options.data, load):
        for intercept, divisor in itertools.product(options.intercepts, options.alphas):
            contest = Penalty(data, divisor, intercept, options)
            group = [Run(data=data.name, divisor=divisor, intercept=intercept, solver=each)
                     for each in names]  # fmt: skip
            group = contest.race(group, repeats=options.repeats, cold=not options.no_cold)
            _show(data, group)
            runs += group
    if runs and not options.tiny:
        keep("lasso", (run.row() for run in runs))
    return runs


def _options(arguments: list[str] | None) -> argparse.Namespace:
    made = parser("bench.lasso", __doc__)
    made.add_argument("--data", nargs="+", default=["imdb"], choices=[*SCALING, "tiny"])
    made.add_argument("--alphas", nargs="+", type=float, default=[10.0, 100.0],
                      help="divisors of the smallest alpha with an empty solution")  # fmt: skip
    made.add_argument("--intercept", dest="intercepts", nargs="+", default=[True],
                      type=lambda word: {"yes": True, "no": False}[word],
                      help="yes, no, or both")  # fmt: skip
    made.add_argument("--exact", action="store_true",
                      help=f"compare weights with scikit-learn's at {EXACT}")  # fmt: skip
    made.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    made.add_argument("--peers", nargs="*", default=[], choices=list(PEERS))
    made.add_argument("--limit", type=float, default=900.0,
                      help="seconds after which a solver is no longer tightened")  # fmt: skip
    return made.parse_args(arguments)


def _overhead(answer: Answer, seconds: float) -> float:
    """Share of the time that went into scheduling and synchronisation; NaN if unknown."""
    if answer.statistics is None:
        return float("nan")
    several = answer.statistics["executor"] == "processes"
    words = ("sync_seconds", "starved_seconds") if several else ("scheduling_seconds",)
    phases = answer.statistics["phases"].values()
    return sum(float(phase[word]) for phase in phases for word in words) / seconds


def _show(data: Dataset, group: Sequence[Run]) -> None:
    n, p = data.X.shape
    title = f"{data.name}: {n:,} × {p:,}, {data.entries:,} entries, α = α_max/{group[0].divisor:g}"
    title += "" if group[0].intercept else ", no intercept"
    show_race(title, group, {
        "tol": lambda run: f"{run.tol:.1e}", "judged gap": lambda run: judged(run, run.gap, ".1e"),
        "nonzeros": lambda run: f"{run.nonzeros:,}", "off": lambda run: number(run.off, ".1e"),
        "overhead": lambda run: number(run.overhead, ".0%"),
    }, "warm ÷ first")  # fmt: skip


if __name__ == "__main__":
    main()
