"""Time to an externally judged duality gap: strads and its peers on the Lasso.

    python -m bench.lasso --data imdb --intercept yes no --exact --peers sklearn celer

An α of 100 means a hundredth of the smallest α with an empty solution. Each solver's own
tolerance is first tightened until the judge finds a gap within `TARGET`, untimed; its timed runs
use that tolerance, turn by turn with the others', so that a busy moment hits all alike. Every
timed answer is judged again.

*Off* is the largest difference from scikit-learn's weights at a tolerance of `EXACT`, relative to
the largest weight. *Overhead* is the share of the fit's time that workers spent waiting for each
other or for the scheduler (with one worker: scheduling). *Cold* is the import and first fit in a
fresh process, *warm* the median of the later fits in one process.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from bench.datasets import SCALING, Dataset, MissingData, load
from bench.judge import Verdict, alpha_max, judge
from bench.results import RESULTS, machine
from bench.solvers import Answer, installed, quietly, solver

#: Relative duality gap that everybody must reach.
TARGET = 1e-6
#: Factor from one tolerance to the next while the judge is not content.
TIGHTER = 0.3
#: Tolerance of the solution that weights are compared with.
EXACT = 1e-10
MOST_TRIES = 12


@dataclass
class Entry:
    """One solver at one α."""

    data: str
    divisor: float  # α = α_max / divisor
    intercept: bool
    solver: str
    tol: float = 1e-6
    gap: float = float("inf")
    nonzeros: int = 0
    off: float = float("nan")
    overhead: float = float("nan")
    cold: float = float("nan")
    warm: list[float] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        """Whether every judged answer was within the target."""
        return self.gap <= TARGET

    @property
    def median(self) -> float:
        """Median warm time, in seconds."""
        return statistics.median(self.warm) if self.warm else float("nan")


def main(arguments: list[str] | None = None) -> list[Entry]:
    """Run the benchmark; return its entries."""
    options = _options(arguments)
    names = [f"strads-{workers}" for workers in options.workers]
    names += [peer for peer in options.peers if installed(peer)]
    entries: list[Entry] = []
    for name in ["tiny"] if options.tiny else options.data:
        try:
            data = load(name)
        except MissingData as reason:
            print(reason)
            continue
        for intercept, divisor in itertools.product(options.intercepts, options.alphas):
            group = [Entry(name, divisor, intercept, each) for each in names]
            _measure(data, group, options)
            _show(data, group)
            entries += group
    if entries and not options.tiny:
        print("written:", _write(entries))
    return entries


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.lasso", description=__doc__.split("\n")[0])
    parser.add_argument("--data", nargs="+", default=["imdb"], choices=[*SCALING, "tiny"])
    parser.add_argument("--alphas", nargs="+", type=float, default=[10.0, 100.0],
                        help="divisors of the smallest alpha with an empty solution")  # fmt: skip
    parser.add_argument("--intercept", dest="intercepts", nargs="+", default=[True],
                        type=lambda word: {"yes": True, "no": False}[word],
                        help="yes, no, or both")  # fmt: skip
    parser.add_argument(
        "--exact",
        action="store_true",
        help=f"compare weights with scikit-learn's at a tolerance of {EXACT}",
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--peers", nargs="*", default=[], choices=["sklearn", "celer", "skglm"])
    parser.add_argument("--no-cold", action="store_true", help="leave out fresh processes")
    parser.add_argument("--tiny", action="store_true", help="random data: does it run at all")
    parser.add_argument("--limit", type=float, default=900.0,
                        help="seconds after which a solver is no longer tightened")  # fmt: skip
    return parser.parse_args(arguments)


def _measure(data: Dataset, group: list[Entry], options: argparse.Namespace) -> None:
    alpha = alpha_max(data.X, data.y, fit_intercept=group[0].intercept) / group[0].divisor
    exact = None
    if options.exact:
        exact, _, _ = quietly(
            lambda: solver("sklearn")(data.X, data.y, alpha, EXACT, group[0].intercept)
        )
    for entry in group:
        _calibrate(data, entry, alpha, options.limit)
    for entry in group:
        entry.gap = 0.0
    if not options.no_cold:
        for entry in group:
            entry.cold = _cold(entry)
    for _ in range(options.repeats):
        for entry in group:
            seconds, answer, verdict = _timed(data, entry, alpha)
            entry.warm.append(seconds)
            entry.gap, entry.nonzeros = max(entry.gap, verdict.gap), verdict.nonzeros
            entry.overhead = _overhead(answer, seconds)
            if exact is not None:
                entry.off = float(np.abs(answer.coef - exact).max() / np.abs(exact).max())


def _calibrate(data: Dataset, entry: Entry, alpha: float, limit: float) -> None:
    """Loosest tolerance on a ladder from `TARGET` down that satisfies the judge.

    Where none does, the loosest that comes as near as any: a solver that has hit the floor of its
    arithmetic must not be timed at a tolerance that gains it nothing.
    """
    begin = time.perf_counter()
    tried: list[tuple[float, float]] = []
    for _ in range(MOST_TRIES):
        _, _, verdict = _timed(data, entry, alpha)
        tried.append((verdict.gap, entry.tol))
        if verdict.gap <= TARGET:
            return
        if time.perf_counter() - begin > limit:
            break
        entry.tol *= TIGHTER
    best = min(gap for gap, _ in tried)
    entry.tol = max(tol for gap, tol in tried if gap <= 1.1 * best)


def _timed(data: Dataset, entry: Entry, alpha: float) -> tuple[float, Answer, Verdict]:
    fit = solver(entry.solver)
    begin = time.perf_counter()
    answer = quietly(lambda: fit(data.X, data.y, alpha, entry.tol, entry.intercept))
    seconds = time.perf_counter() - begin
    verdict = judge(data.X, data.y, answer.coef, answer.intercept, alpha=alpha,
                    fit_intercept=entry.intercept)  # fmt: skip
    return seconds, answer, verdict


def _overhead(answer: Answer, seconds: float) -> float:
    """Share of the time that went into scheduling and synchronisation; NaN if unknown."""
    if answer.statistics is None:
        return float("nan")
    several = answer.statistics["executor"] == "processes"
    words = ("sync_seconds", "starved_seconds") if several else ("scheduling_seconds",)
    phases = answer.statistics["phases"].values()
    return sum(float(phase[word]) for phase in phases for word in words) / seconds


def _cold(entry: Entry) -> float:
    """Seconds of import and first fit in a fresh process."""
    command = [sys.executable, "-m", "bench.cold", entry.data, str(entry.divisor), entry.solver]
    command += [str(entry.tol), str(entry.intercept)]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          cwd=Path(__file__).parents[1])  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{entry.solver} failed in a fresh process:\n{done.stderr}")
    return float(done.stdout.split()[-1])


def _show(data: Dataset, group: list[Entry]) -> None:
    from rich.console import Console
    from rich.table import Table

    n, p = data.X.shape
    title = f"{data.name}: {n:,} × {p:,}, {data.entries:,} entries, α = α_max/{group[0].divisor:g}"
    title += "" if group[0].intercept else ", no intercept"
    table = Table(title=title)
    for column in ("solver", "tol", "judged gap", "nonzeros", "off", "overhead", "cold s",
                   "warm s", "min – max", "warm ÷ first"):  # fmt: skip
        table.add_column(column, justify="left" if column == "solver" else "right")
    for entry in group:
        spread = f"{min(entry.warm):.3f} – {max(entry.warm):.3f}" if entry.warm else "–"
        gap = f"{entry.gap:.1e}" + ("" if entry.reached else " (missed)")
        cold = f"{entry.cold:.2f}" if entry.cold == entry.cold else "–"
        off = f"{entry.off:.1e}" if entry.off == entry.off else "–"
        overhead = f"{entry.overhead:.0%}" if entry.overhead == entry.overhead else "–"
        table.add_row(entry.solver, f"{entry.tol:.1e}", gap, f"{entry.nonzeros:,}", off, overhead,
                      cold, f"{entry.median:.3f}", spread,
                      f"{entry.median / group[0].median:.2f}")  # fmt: skip
    # Piped output has no width of its own: 80 columns would fold the table.
    console = Console()
    (console if console.is_terminal else Console(width=130)).print(table)


def _write(entries: list[Entry]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"lasso-{time.strftime('%Y%m%d-%H%M%S')}.csv"
    rows = []
    for entry in entries:
        row = asdict(entry) | {"reached": entry.reached, "median": entry.median} | machine()
        row["warm"] = " ".join(f"{seconds:.6f}" for seconds in entry.warm)
        rows.append(row)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


if __name__ == "__main__":
    main()
