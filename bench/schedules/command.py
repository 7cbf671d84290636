"""Run experiments, one file of rows each, and draw them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench.datasets import SCALING
from bench.harness.files import MissingData
from bench.harness.tables import RESULTS
from bench.schedules import conventional, defaults, grid, verdict
from bench.schedules.crew import fill
from bench.schedules.ledger import Ledger
from bench.schedules.setting import KEY
from strads.engine import available_cores

PARTS = ("updates", "pipelining", "conventional", "seconds", "defaults", "crowds", "figures")


def main(arguments: list[str] | None = None) -> None:
    """Run the parts that are asked for; rows that are there already are not measured again."""
    options = _options(arguments)
    scale = grid.TINY if options.tiny else grid.QUICK if options.quick else grid.FULL
    scale = replace(scale, data=tuple(options.data or scale.data),
                    divisors=tuple(options.divisors or scale.divisors),
                    seeds=options.seeds or scale.seeds)  # fmt: skip
    run: dict[str, Callable[[grid.Scale, argparse.Namespace], None]] = {
        "updates": _updates, "pipelining": _pipelining, "conventional": _conventional,
        "seconds": _seconds, "defaults": _defaults, "crowds": _crowds, "figures": _figures,
    }  # fmt: skip
    try:
        for part in options.parts or PARTS:
            run[part](scale, options)
    except MissingData as reason:
        print(reason)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.schedules", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part",
                        help=f"any of {', '.join(PARTS)}; by default all of them")  # fmt: skip
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="the shape of it, in a few minutes")
    size.add_argument("--tiny", action="store_true", help="random data: does it run at all")
    parser.add_argument("--data", nargs="+", choices=[*SCALING, "tiny"])
    parser.add_argument("--divisors", nargs="+", type=float, help="α_max / α")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--jobs", type=int, default=1,
                        help="runs at once; those that are timed run alone")  # fmt: skip
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the files")
    return parser.parse_args(arguments)


def file_of(options: argparse.Namespace, part: str) -> Path:
    """File of an experiment: those of other sizes have other names."""
    size = "-tiny" if options.tiny else "-quick" if options.quick else ""
    folder: Path = options.out
    return folder / f"schedules-{part}{size}.csv"


def _updates(scale: grid.Scale, options: argparse.Namespace) -> None:
    path = file_of(options, "updates")
    fill(Ledger(path, KEY), grid.updates(scale), options.jobs)
    verdict.tell(pd.read_csv(path))


def _pipelining(scale: grid.Scale, options: argparse.Namespace) -> None:
    fill(Ledger(file_of(options, "pipelining"), KEY), grid.pipelining(scale), options.jobs)


def _seconds(scale: grid.Scale, options: argparse.Namespace) -> None:
    settings = grid.seconds(scale, available_cores())
    fill(Ledger(file_of(options, "seconds"), KEY), settings, 1)


def _conventional(scale: grid.Scale, options: argparse.Namespace) -> None:
    ledger = Ledger(file_of(options, "conventional"), conventional.KEY)
    for race in conventional.races(scale):
        if conventional.key(race) not in ledger:
            ledger.add(conventional.run(race).row())


def _defaults(scale: grid.Scale, options: argparse.Namespace) -> None:
    path = file_of(options, "defaults")
    _choose(path, defaults.choices(scale, available_cores()))
    defaults.tell(pd.read_csv(path))


def _crowds(scale: grid.Scale, options: argparse.Namespace) -> None:
    _choose(file_of(options, "crowds"), defaults.crowds(scale))


def _choose(path: Path, choices: Iterable[defaults.Choice]) -> None:
    ledger = Ledger(path, defaults.KEY)
    for choice in choices:
        if defaults.key(choice) not in ledger:
            ledger.add(defaults.run(choice))


def _figures(scale: grid.Scale, options: argparse.Namespace) -> None:
    from bench.schedules import figures

    figures.draw({part: file_of(options, part) for part in PARTS[:-1]}, options.out)
