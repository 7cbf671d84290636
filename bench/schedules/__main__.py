"""``python -m bench.schedules``: what scheduling buys.

    python -m bench.schedules --jobs 2            # everything; more than an hour
    python -m bench.schedules --quick --jobs 2    # the shape of it, in minutes
    python -m bench.schedules updates figures     # some of it

An experiment that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd

from bench.datasets import SCALING
from bench.harness.files import MissingData
from bench.harness.tables import RESULTS
from bench.schedules import conventional, defaults, figures, grid, verdict
from bench.schedules.ledger import fill
from bench.schedules.trial import trial


class Experiment(NamedTuple):
    """What is run, what runs one task, whether it is timed, and what prints the rows."""

    tasks: Callable[[grid.Scale], Iterable[Any]]
    work: Callable[[Any], dict[str, Any]]
    timed: bool = True
    tell: Callable[[pd.DataFrame], None] | None = None


EXPERIMENTS: Final = {
    "updates": Experiment(grid.updates, trial, timed=False, tell=verdict.tell),
    "pipelining": Experiment(grid.pipelining, trial, timed=False),
    "conventional": Experiment(conventional.races, conventional.run),
    "seconds": Experiment(grid.seconds, trial),
    "defaults": Experiment(defaults.choices, defaults.run, tell=defaults.tell),
    "crowds": Experiment(defaults.crowds, defaults.run),
}
PARTS: Final = (*EXPERIMENTS, "figures")


def main(arguments: list[str] | None = None) -> None:
    """Run the parts that are asked for; rows that are there already are not measured again."""
    options = _options(arguments)
    scale = grid.TINY if options.tiny else grid.QUICK if options.quick else grid.FULL
    scale = replace(scale, data=tuple(options.data or scale.data),
                    divisors=tuple(options.divisors or scale.divisors),
                    seeds=options.seeds or scale.seeds)  # fmt: skip
    # Files of other sizes have other names.
    size = "-tiny" if options.tiny else "-quick" if options.quick else ""
    files = {name: options.out / f"schedules-{name}{size}.csv" for name in EXPERIMENTS}
    try:
        for part in options.parts or PARTS:
            if part == "figures":
                figures.draw(files, options.out)
                continue
            experiment, path = EXPERIMENTS[part], files[part]
            jobs = 1 if experiment.timed else options.jobs
            fill(path, experiment.tasks(scale), experiment.work, jobs)
            if experiment.tell is not None:
                experiment.tell(pd.read_csv(path))
    except MissingData as reason:
        print(reason)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    summary = "Run experiments, one file of rows each, and draw them."
    parser = argparse.ArgumentParser(prog="bench.schedules", description=summary)
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


if __name__ == "__main__":
    main()
