"""Implicit ratings: time to an objective, ours and peers'.

    python -m bench.compare implicit --data ml-1m --ranks 64 128

A rating x of training counts with confidence 1 + x for preference 1, everything else with 1 for 0.
The target is implicit's objective after 15 sweeps at the same λ. *NDCG* is that of the ten best
items of a user, on the held-out ratings, of the answer that reached the target.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bench.compare.problem import Problem
from bench.compare.race import Lap, Race
from bench.compare.ratings import load
from bench.compare.solver import Setting
from bench.compare.solvers import present, version
from bench.harness.command import loaded, parser
from bench.harness.race import judged, show_race
from bench.harness.tables import keep, number

PEERS = ("implicit", "cmfrec", "cmfrec-cholesky")
#: Sweeps of `implicit` that set the target; two of its fits differ in the last digits.
SWEEPS, NOISE = 15, 1.0 + 1e-6


def main(arguments: list[str] | None = None) -> list[Lap]:
    """Run the comparison; return its rows."""
    options = _options(arguments)
    laps: list[Lap] = []
    if not present("implicit", ["implicit"]):
        return laps
    for ratings in loaded(["tiny"] if options.tiny else options.data, load):
        problem = Problem("implicit", ratings)
        for rank in options.ranks:
            group = _race(problem, rank, options)
            _show(group)
            laps += group
    if laps and not options.tiny:
        keep("implicit", (lap.row() for lap in laps))
    return laps


def _options(arguments: list[str] | None) -> argparse.Namespace:
    made = parser("bench.compare implicit", __doc__)
    made.add_argument("--data", nargs="+", default=["ml-1m"], help="ml-1m, anime, netflix[:N]")
    made.add_argument("--ranks", nargs="+", type=int, default=[64, 128])
    made.add_argument("--workers", nargs="*", type=int, default=[1, 2])
    made.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    made.add_argument("--regularization", type=float, default=0.01)
    made.add_argument("--most", type=int, default=60, help="sweeps at which to give up")
    return made.parse_args(arguments)


def _race(problem: Problem, rank: int, options: argparse.Namespace) -> list[Lap]:
    names = present("implicit", [f"strads-{p}" for p in options.workers] + list(options.peers))
    setting = Setting(rank, min(SWEEPS, options.most), options.regularization)
    wanted = NOISE * problem.value("implicit", setting)
    laps = [Lap(data=problem.ratings.name, rank=rank, target="implicit", wanted=wanted, solver=name,
                version=version("implicit", name), regularization=options.regularization)
            for name in names]  # fmt: skip
    return Race(problem, options.most).race(laps, repeats=options.repeats, cold=not options.no_cold)


def _show(laps: Sequence[Lap]) -> None:
    title = f"{laps[0].data}, rank {laps[0].rank}: time to objective {laps[0].wanted:,.1f}"
    show_race(title, laps, {
        "sweeps": lambda lap: str(lap.iterations or "–"),
        "value ÷ target": lambda lap: judged(lap, lap.value / lap.wanted, ".5f"),
        "NDCG@10": lambda lap: number(lap.ndcg, ".4f"),
    })  # fmt: skip
