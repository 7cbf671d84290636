"""The command ``strads pilot DATA``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from strads.cli import options
from strads.cli.diagnosis import options as own
from strads.cli.reports import reported


def pilot(
    data: Annotated[Path, typer.Argument(help="File of data, as for strads fit.")],
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
    share: Annotated[
        float, typer.Option(help="Share of the features, users or documents; 1: all.")
    ] = 0.1,
    seconds: Annotated[float, typer.Option(help="Budget of seconds of the fit.")] = 60.0,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Number of workers; default: by the data.")
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(metavar="BYTES", help="Bytes that the fit may take; the part is made to fit."),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Folder of an earlier pilot, to start from its weights."),
    ] = None,
    seed: options.Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for model.npz and run.json; made if missing.")
    ] = None,
    as_json: own.Json = False,
) -> None:
    """Fit a part of a model within a budget, and predict the time and memory of the whole fit.

    Of linear models the part has the features with the highest scores, and the model that is saved
    has zeros for all others: a larger pilot, or the estimator in Python, starts from it.
    """
    with reported(own.NAMES):
        from strads.cli.diagnosis.piloting import run_pilot

        settings = own.settings_of(problem, alpha, c, rank, topics, max_iter)
        run_pilot(
            data, problem, target, drop or [], {"user": user, "item": item, "rating": rating},
            settings, out=out, as_json=as_json, share=share, seconds=seconds, cores=cores,
            memory=memory, start=start, random_state=seed,
        )  # fmt: skip
