"""Implicit ratings: time to an objective, ours and peers'.

    python -m bench.compare implicit --data ml-1m --ranks 64 128

A rating x of training counts with confidence 1 + x for preference 1, everything else with 1 for 0.
The target is implicit's objective after 15 sweeps at the same λ. *NDCG* is that of the ten best
items of a user, on the held-out ratings, of the answer that reached the target.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bench.compare import race
from bench.compare.problem import Problem
from bench.compare.ratings import load
from bench.compare.solvers import Setting, present, version
from bench.compare.tables import figure, show, write
from bench.datasets import MissingData

PEERS = ("implicit", "cmfrec", "cmfrec-cholesky")
#: Sweeps of `implicit` that set the target; two of its fits differ in the last digits.
SWEEPS, NOISE = 15, 1.0 + 1e-6


def main(arguments: list[str] | None = None) -> list[race.Lap]:
    """Run the comparison; return its rows."""
    options = _options(arguments)
    laps: list[race.Lap] = []
    if not present("implicit", ["implicit"]):
        return laps
    for name in ["tiny"] if options.tiny else options.data:
        try:
            problem = Problem("implicit", load(name))
        except MissingData as reason:
            print(reason)
            continue
        for rank in options.ranks:
            group = _race(problem, rank, options)
            _show(group)
            laps += group
    if laps and not options.tiny:
        print("written:", write("implicit", [lap.row() for lap in laps]))
    return laps


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench.compare implicit", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--data", nargs="+", default=["ml-1m"],
                        help="ml-1m, anime, netflix[:ratings]")  # fmt: skip
    parser.add_argument("--ranks", nargs="+", type=int, default=[64, 128])
    parser.add_argument("--workers", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--regularization", type=float, default=0.01)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--most", type=int, default=60, help="sweeps at which to give up")
    parser.add_argument("--no-cold", action="store_true", help="leave out fresh processes")
    parser.add_argument("--tiny", action="store_true", help="generated data: does it run at all")
    return parser.parse_args(arguments)


def _race(problem: Problem, rank: int, options: argparse.Namespace) -> list[race.Lap]:
    names = present("implicit", [f"strads-{p}" for p in options.workers] + list(options.peers))
    setting = Setting(rank, min(SWEEPS, options.most), options.regularization)
    wanted = NOISE * problem.value("implicit", setting)
    laps = [race.Lap(problem.ratings.name, rank, "implicit", wanted, name,
                     version("implicit", name), options.regularization)
            for name in names]  # fmt: skip
    return race.run(problem, laps, repeats=options.repeats, most=options.most,
                    cold=not options.no_cold)  # fmt: skip


def _show(laps: Sequence[race.Lap]) -> None:
    rows = []
    for lap in laps:
        spread = f"{min(lap.warm):.3f} – {max(lap.warm):.3f}" if lap.warm else "–"
        value = figure(lap.value / lap.wanted, ".5f") + ("" if lap.reached else " (missed)")
        rows.append((f"{lap.solver} {lap.version}", str(lap.iterations or "–"), value,
                     figure(lap.ndcg, ".4f"), figure(lap.cold, ".2f"), figure(lap.median, ".3f"),
                     spread, figure(lap.median / laps[0].median, ".2f")))  # fmt: skip
    title = f"{laps[0].data}, rank {laps[0].rank}: time to objective {laps[0].wanted:,.1f}"
    columns = ("solver", "sweeps", "value ÷ target", "NDCG@10", "cold s", "warm s", "min – max",
               "÷ first")  # fmt: skip
    show(title, columns, rows)
