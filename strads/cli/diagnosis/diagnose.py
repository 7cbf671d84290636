"""The command ``strads diagnose PATH``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from strads.cli import options
from strads.cli.diagnosis import options as own
from strads.cli.reports import reported


def diagnose(
    path: Annotated[
        Path, typer.Argument(metavar="DATA|RUN", help="File of data, or folder of a finished run.")
    ],
    problem: own.Problem = "lasso",
    target: options.Target = None,
    drop: options.Drop = None,
    user: options.User = None,
    item: options.Item = None,
    rating: options.Rating = None,
    alpha: own.Alpha = None,
    c: own.Cost = None,
    rank: own.Rank = None,
    topics: own.Topics = None,
    max_iter: own.MaxIter = None,
    seconds: Annotated[float, typer.Option(help="Budget of the timed trial fits.")] = 20.0,
    seed: options.Seed = 0,
    as_json: own.Json = False,
) -> None:
    """Say what limits a fit on this machine: size, movement of data, or dependence of variables.

    Of data: trial fits with one and two workers, a sample of correlations, a predicted speed-up
    with 1 to 64 workers, and the settings to use. Of a folder with run.json: what took the time of
    the finished run, and what to change.
    """
    with reported(own.NAMES):
        from strads.cli.diagnosis.reading import read_problem, show_json, show_sections

        if path.is_dir() and ((path / "run.json").exists() or problem != "lda"):
            from strads.diagnosis.finished import diagnose_run

            of_run = diagnose_run(path)
            return show_json(of_run.to_dict()) if as_json else show_sections(of_run.sections())
        from strads.cli.diagnosis.next_step import after_diagnosis
        from strads.diagnosis.diagnose import diagnose as diagnosed

        settings = own.settings_of(problem, alpha, c, rank, topics, max_iter)
        columns = {"user": user, "item": item, "rating": rating}
        X, y, _ = read_problem(problem, path, target, drop or [], columns)
        found = diagnosed(X, y, problem=problem, seconds=seconds, random_state=seed, **settings)
        if as_json:
            show_json(found.to_dict())
        else:
            show_sections(found.sections())
            after_diagnosis(
                problem, path, {"target": target, "drop": drop or [], **columns}, settings,
                found.verdict.workers,
            )  # fmt: skip
    return None
