"""The command ``strads transform RUN DATA``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from strads.cli import options
from strads.cli.reports import reported


def transform(
    run: options.RunFolder,
    data: Annotated[Path, typer.Argument(help="New data, in a file as strads fit reads.")],
    user: options.User = None,
    item: options.Item = None,
    rating: options.Rating = None,
    unknown: Annotated[
        str, typer.Option(help="Ratings of items that the fit lacks: raise (an error) or drop.")
    ] = "raise",
    out: options.ResultFile = None,
) -> None:
    """Compute factors of users (mf, implicit), W (nmf) or codes (dictionary) of rows, or topics.

    Each row of the result stands for a user, in the order of their ids, or for a row or document.
    """
    with reported():
        from strads.cli.runs.applying import transform

        columns = {"user": user, "item": item, "rating": rating}
        transform(run, data, columns, unknown=unknown, out=out)
