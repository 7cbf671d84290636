"""Explicit ratings: time to a held-out RMSE, ours and peers'.

    python -m bench.compare mf --grid        what each peer can reach, over λ and iterations
    python -m bench.compare mf --curves      RMSE over time at λ = 0.05
    python -m bench.compare mf               time to target

Targets: `libmf` is LIBMF's RMSE after 15 iterations at λ = 0.05, plus half a percent. `cmfrec` is
the best RMSE over the grid of cmfrec by conjugate gradients, with biases or without. Peers try each
λ that took them there on the grid, and the quickest counts; ours is 0.05.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from bench.compare import grid, ours
from bench.compare.problem import Problem
from bench.compare.race import Lap, Race
from bench.compare.ratings import load
from bench.compare.solver import Setting
from bench.compare.solvers import present, version
from bench.harness.command import loaded, parser
from bench.harness.race import judged, show_race
from bench.harness.tables import keep

PEERS = ("libmf", "cmfrec", "cmfrec-biased")
#: Not by default: exact solutions cost more than they gain in held-out error.
OTHERS = ("cmfrec-cholesky",)
TARGETS = ("libmf", "cmfrec")
#: λ and iterations of LIBMF that set its target, and how far above that will do.
LAMBDA, SWEEPS, SLACK = 0.05, 15, 1.005
#: Two fits of cmfrec on two threads differ in the last digits.
NOISE = 1.0 + 1e-5


def main(arguments: list[str] | None = None) -> list[Lap] | list[grid.Point]:
    """Run one of the three; return its rows."""
    options = _options(arguments)
    work = _grid if options.grid else _curves if options.curves else _race
    rows: list = []
    for ratings in loaded(["tiny"] if options.tiny else options.data, load):
        problem = Problem("explicit", ratings)
        for rank in options.ranks:
            rows += work(problem, rank, options)
    return rows


def _options(arguments: list[str] | None) -> argparse.Namespace:
    made = parser("bench.compare mf", __doc__)
    made.add_argument("--data", nargs="+", default=["ml-1m", "anime"],
                      help="ml-1m, anime, netflix[:N]")  # fmt: skip
    made.add_argument("--ranks", nargs="+", type=int, default=[16, 40, 128])
    made.add_argument("--workers", nargs="*", type=int, default=[1, 2])
    made.add_argument("--solvers", nargs="+", default=["auto"], help="ours: auto, sgd, als, ccd")
    made.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS + OTHERS)
    made.add_argument("--targets", nargs="+", default=list(TARGETS), choices=TARGETS)
    made.add_argument("--regularization", type=float, default=LAMBDA, help="our own λ")
    made.add_argument("--grid", action="store_true", help="what each peer can reach")
    made.add_argument("--curves", action="store_true", help="RMSE over time at λ = 0.05")
    made.add_argument("--most", type=int, default=60, help="iterations at which to give up")
    return made.parse_args(arguments)


def _names(options: argparse.Namespace) -> list[str]:
    return present("explicit", _own(options) + list(options.peers))


def _own(options: argparse.Namespace) -> list[str]:
    kinds = [f"strads-{each}-" if each != "auto" else "strads-" for each in options.solvers]
    return [f"{kind}{workers}" for kind in kinds for workers in options.workers]


def _grid(problem: Problem, rank: int, options: argparse.Namespace) -> list[grid.Point]:
    """Peers over the grid, ours as it comes."""
    points: list[grid.Point] = []
    for name in _names(options):
        if name.startswith("strads-"):
            chosen = [replace(ours.default("explicit"), rank=rank)]
        else:
            chosen = grid.settings(rank, options.most, grid.REGULARIZATIONS)
        points += grid.measure(problem, name, chosen)
    _finish(points, "mf-grid", options)
    return points


def _curves(problem: Problem, rank: int, options: argparse.Namespace) -> list[grid.Point]:
    points: list[grid.Point] = []
    for name in _names(options):
        chosen = grid.settings(rank, options.most, [LAMBDA])
        points += grid.measure(problem, name, chosen, options.repeats)
    _finish(points, "mf-curves", options)
    return points


def _finish(points: list[grid.Point], name: str, options: argparse.Namespace) -> None:
    grid.show(points)
    if points and not options.tiny:
        grid.keep(points, name)


def _race(problem: Problem, rank: int, options: argparse.Namespace) -> list[Lap]:
    names, laps = _names(options), []
    for target in options.targets:
        if not present("explicit", [target]):
            continue
        wanted, penalties = _target(problem, rank, target, options)
        group = [Lap(data=problem.ratings.name, rank=rank, target=target, wanted=wanted,
                     solver=name, version=version("explicit", name), regularization=penalty)
                 for name in names for penalty in penalties[name]]  # fmt: skip
        group = Race(problem, options.most).race(group, repeats=options.repeats,
                                                 cold=not options.no_cold)  # fmt: skip
        _show(group)
        laps += group
    if laps and not options.tiny:
        keep("mf", (lap.row() for lap in laps))
    return laps


def _target(
    problem: Problem, rank: int, target: str, options: argparse.Namespace
) -> tuple[float, dict[str, list[float]]]:
    """RMSE to be reached, and the λ that every solver tries on the way."""
    points, data = _known(problem, rank, options), problem.ratings.name
    if target == "libmf":
        sweeps = min(SWEEPS, options.most)
        wanted = SLACK * problem.value("libmf", Setting(rank, sweeps, LAMBDA))
    else:
        bests = [grid.best(points, data, rank, name) for name in ("cmfrec", "cmfrec-biased")]
        wanted = NOISE * min(point.rmse for point in bests if point)
    penalties = {name: grid.penalties(points, data, rank, name, wanted) for name in options.peers}
    penalties |= {name: [options.regularization] for name in _own(options)}
    return wanted, penalties


def _known(problem: Problem, rank: int, options: argparse.Namespace) -> list[grid.Point]:
    """The peers' grid: what is kept, and what has yet to be measured."""
    points = [] if options.tiny else grid.kept()
    missing = [name for name in dict.fromkeys((*options.peers, "cmfrec", "cmfrec-biased"))
               if not grid.best(points, problem.ratings.name, rank, name)]  # fmt: skip
    for name in present("explicit", missing):
        found = grid.measure(problem, name, grid.settings(rank, options.most, grid.REGULARIZATIONS))
        _finish(found, "mf-grid", options)
        points += found
    return points


def _show(laps: Sequence[Lap]) -> None:
    if not laps:
        return
    title = f"{laps[0].data}, rank {laps[0].rank}: time to RMSE {laps[0].wanted:.4f}"
    show_race(f"{title} ({laps[0].target})", laps, {
        "λ": lambda lap: f"{lap.regularization:g}",
        "iterations": lambda lap: str(lap.iterations or "–"),
        "RMSE": lambda lap: judged(lap, lap.value, ".4f"),
    })  # fmt: skip
