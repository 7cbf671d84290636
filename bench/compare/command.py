"""Time to a target on explicit or implicit ratings, ours and peers'.

    python -m bench.compare mf --grid        what each peer can reach, over λ and iterations
    python -m bench.compare mf --curves      RMSE over time at λ = 0.05
    python -m bench.compare mf               time to a held-out RMSE
    python -m bench.compare implicit         time to an objective

Targets of explicit ratings: `libmf` is LIBMF's RMSE after 15 iterations at λ = 0.05, plus half a
percent. `cmfrec` is the best RMSE over the grid of cmfrec by conjugate gradients, with biases or
without. Peers try each λ that took them there on the grid, and the quickest counts; ours is 0.05.

A rating x of implicit training counts with confidence 1 + x for preference 1, everything else with
1 for 0. The target is implicit's objective after 15 sweeps at the same λ. *NDCG* is that of the ten
best items of a user, on the held-out ratings, of the answer that reached the target.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from bench.compare import grid
from bench.compare.problem import Problem
from bench.compare.race import Lap, Race
from bench.compare.ratings import load
from bench.compare.solver import Setting
from bench.compare.solvers import our_default, present, version
from bench.harness.command import loaded, parser
from bench.harness.race import judged, show_race
from bench.harness.tables import keep, number

Rows = list[dict[str, Any]]
#: Iterations of the solver that sets a target.
SWEEPS = 15
#: Solvers whose best point of the grid is a target, and the name of that target.
BEST, OF_GRID = ("cmfrec", "cmfrec-biased"), "cmfrec"


class Comparison(NamedTuple):
    """One kind of ratings: its defaults, its targets, and what a race of it prints."""

    kind: str
    data: list[str]
    ranks: list[int]
    peers: list[str]
    others: list[str]  # peers that do not run unless they are asked for
    regularization: float
    targets: Mapping[str, float]  # name → the factor above the value of its solver that will do
    title: str
    columns: Mapping[str, Callable[[Lap], str]]


COMPARISONS = {
    # Exact solutions of cmfrec cost more than they gain in held-out error. Two fits of cmfrec or of
    # implicit on two threads differ in the last digits.
    "mf": Comparison(
        "explicit", ["ml-1m", "anime"], [16, 40, 128], ["libmf", "cmfrec", "cmfrec-biased"],
        ["cmfrec-cholesky"], 0.05, {"libmf": 1.005, OF_GRID: 1.0 + 1e-5},
        "{0.data}, rank {0.rank}: time to RMSE {0.wanted:.4f} ({0.target})",
        {"λ": lambda lap: f"{lap.regularization:g}",
         "iterations": lambda lap: str(lap.iterations or "–"),
         "RMSE": lambda lap: judged(lap, lap.value, ".4f")},
    ),
    "implicit": Comparison(
        "implicit", ["ml-1m"], [64, 128], ["implicit", "cmfrec", "cmfrec-cholesky"],
        [], 0.01, {"implicit": 1.0 + 1e-6},
        "{0.data}, rank {0.rank}: time to objective {0.wanted:,.1f}",
        {"sweeps": lambda lap: str(lap.iterations or "–"),
         "value ÷ target": lambda lap: judged(lap, lap.value / lap.wanted, ".5f"),
         "NDCG@10": lambda lap: number(lap.ndcg, ".4f")},
    ),
}  # fmt: skip


def main(name: str, arguments: list[str] | None = None) -> Rows:
    """Run one comparison; return its rows."""
    comparison = COMPARISONS[name]
    options = _options(name, comparison, arguments)
    work = _race if options.mode == "race" else _points
    found: Rows = []
    for ratings in loaded(["tiny"] if options.tiny else options.data, load):
        problem = Problem(comparison.kind, ratings)
        for rank in options.ranks:
            rows = work(problem, rank, comparison, options)
            if rows and not options.tiny:
                keep(name if options.mode == "race" else f"{name}-{options.mode}", rows)
            found += rows
    return found


def _options(name: str, comparison: Comparison, arguments: list[str] | None) -> argparse.Namespace:
    made = parser(f"bench.compare {name}", __doc__)
    made.add_argument("--data", nargs="+", default=comparison.data,
                      help="ml-1m, anime, netflix[:N]")  # fmt: skip
    made.add_argument("--ranks", nargs="+", type=int, default=comparison.ranks)
    made.add_argument("--workers", nargs="*", type=int, default=[1, 2])
    made.add_argument("--peers", nargs="*", default=comparison.peers,
                      choices=comparison.peers + comparison.others)  # fmt: skip
    made.add_argument("--most", type=int, default=60, help="iterations at which to give up")
    made.set_defaults(mode="race")
    if OF_GRID in comparison.targets:
        made.add_argument("--grid", dest="mode", action="store_const", const="grid",
                          help="what each peer can reach")  # fmt: skip
        made.add_argument("--curves", dest="mode", action="store_const", const="curves",
                          help="RMSE over time at λ = 0.05")  # fmt: skip
    return made.parse_args(arguments)


def _names(comparison: Comparison, options: argparse.Namespace) -> list[str]:
    return present(comparison.kind, [f"strads-{p}" for p in options.workers] + options.peers)


def _points(
    problem: Problem, rank: int, comparison: Comparison, options: argparse.Namespace
) -> Rows:
    """Peers over the grid and ours as it comes, or the curves of all at our penalty."""
    points: Rows = []
    for name in _names(comparison, options):
        repeats, chosen = 1, grid.settings(rank, options.most, grid.REGULARIZATIONS)
        if options.mode == "curves":
            repeats = options.repeats
            chosen = grid.settings(rank, options.most, [comparison.regularization])
        elif name.startswith("strads-"):
            chosen = [our_default(comparison.kind)._replace(rank=rank)]
        points += grid.measure(problem, name, chosen, repeats)
    grid.show(points)
    return points


def _race(problem: Problem, rank: int, comparison: Comparison, options: argparse.Namespace) -> Rows:
    """All solvers to every target whose solver is installed."""
    targets = present(comparison.kind, comparison.targets)
    if not targets:
        return []
    names, rows = _names(comparison, options), []
    points = _known(problem, rank, options) if OF_GRID in comparison.targets else None
    for target in targets:
        wanted = comparison.targets[target]
        if target == OF_GRID:
            wanted *= points[points["solver"].isin(BEST)]["rmse"].min()
        else:
            setting = Setting(rank, min(SWEEPS, options.most), comparison.regularization)
            wanted *= problem.value(target, setting)
        laps = []
        for name in names:
            penalties = [comparison.regularization]
            if points is not None and name in options.peers:
                penalties = grid.penalties(points, name, wanted)
            laps += [Lap(data=problem.ratings.name, rank=rank, target=target, wanted=wanted,
                         solver=name, version=version(comparison.kind, name),
                         regularization=penalty) for penalty in penalties]  # fmt: skip
        laps = Race(problem, options.most).race(
            laps, repeats=options.repeats, cold=not options.no_cold
        )
        if laps:
            show_race(comparison.title.format(laps[0]), laps, comparison.columns)
        rows += [lap.row() for lap in laps]
    return rows


def _known(problem: Problem, rank: int, options: argparse.Namespace) -> pd.DataFrame:
    """The peers' grid: what is kept, and what has yet to be measured."""
    points = grid.kept("" if options.tiny else problem.ratings.name, rank)
    peers = dict.fromkeys((*options.peers, *BEST))
    missing = [name for name in peers if name not in points["solver"].values]
    for name in present(problem.kind, missing):
        found = grid.measure(problem, name, grid.settings(rank, options.most, grid.REGULARIZATIONS))
        grid.show(found)
        if not options.tiny:
            keep("mf-grid", found)
        points = pd.concat([points, pd.DataFrame(found)])
    return points
