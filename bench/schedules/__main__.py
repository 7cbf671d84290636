"""``python -m bench.schedules``: what scheduling buys.

python -m bench.schedules --jobs 2            # everything; more than an hour
python -m bench.schedules --quick --jobs 2    # the shape of it, in minutes
python -m bench.schedules updates figures     # some of it
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import pandas as pd
from typer import Argument, Option

from bench.harness.command import command
from bench.harness.files import MissingData
from bench.harness.tables import RESULTS, fill, made
from bench.schedules import automatic, beside, figures, learned, settings
from bench.schedules.run import trial
from bench.schedules.tables import TABLES


class Experiment(NamedTuple):
    """What is run, what runs one task, and whether it is timed."""

    tasks: Callable[[settings.Scale], Iterable[Any]]
    work: Callable[[Any], dict[str, Any]]
    timed: bool = True


EXPERIMENTS: Final = {
    "updates": Experiment(settings.updates, trial, timed=False),
    "pipelining": Experiment(settings.pipelining, trial, timed=False),
    "conventional": Experiment(beside.races, beside.raced),
    "seconds": Experiment(settings.seconds, trial),
    "defaults": Experiment(beside.choices, beside.timed),
    "crowds": Experiment(beside.crowds, beside.timed),
    "automatic": Experiment(automatic.tasks, automatic.solved),
    "learned": Experiment(learned.trials, learned.tried),
}
PARTS: Final = (*EXPERIMENTS, "figures")


def main(
    parts: Annotated[list[str], Argument(metavar="|".join(PARTS))] = PARTS,
    quick: Annotated[bool, Option(help="the shape of it, in a few minutes")] = False,
    tiny: Annotated[bool, Option(help="random data: does it run at all")] = False,
    data: list[str] | None = None,
    divisors: Annotated[list[float] | None, Option(help="α_max / α")] = None,
    seeds: int | None = None,
    jobs: Annotated[int, Option(help="runs at once; those that are timed run alone")] = 1,
    out: Annotated[Path, Option(help="folder of the files")] = RESULTS,
) -> None:
    """Run experiments, one file of rows each, print their tables, and draw them.

    An experiment that was interrupted goes on where it stopped: rows that are there already are not
    measured again.
    """
    scale = settings.TINY if tiny else settings.QUICK if quick else settings.FULL
    scale = replace(scale, data=tuple(data or scale.data), seeds=seeds or scale.seeds,
                    divisors=tuple(divisors or scale.divisors))  # fmt: skip
    # Files of other sizes have other names.
    size = "-tiny" if tiny else "-quick" if quick else ""
    files = {name: out / f"schedules-{name}{size}.csv" for name in EXPERIMENTS}
    for part in parts:
        if part == "figures":
            rows = {name: pd.read_csv(file) for name, file in files.items() if file.exists()}
            figures.draw(rows, out, size)
            continue
        experiment = EXPERIMENTS[part]
        try:
            fill(files[part], experiment.tasks(scale), experiment.work,
                 1 if experiment.timed else jobs)  # fmt: skip
        except MissingData as reason:
            print(reason)
            continue
        for tables in made(TABLES, {f"schedules-{part}": pd.read_csv(files[part])}).values():
            for table in tables:
                table.show()


if __name__ == "__main__":
    command(main)
