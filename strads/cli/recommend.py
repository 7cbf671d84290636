"""The command ``strads recommend RUN USER …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from strads.cli import options
from strads.cli.reports import reported


def recommend(
    run: options.RunFolder,
    users: Annotated[
        list[str] | None, typer.Argument(metavar="[USER]...", help="Ids of users of the fit.")
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="Recommend to all users of the fit.")
    ] = False,
    new: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Recommend to the users of this file of ratings."),
    ] = None,
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="Number of items for a user.")] = 10,
    filter_seen: Annotated[
        bool, typer.Option(help="Leave out items that the user has rated.")
    ] = True,
    user: options.User = None,
    item: options.Item = None,
    rating: options.Rating = None,
    unknown: Annotated[
        str,
        typer.Option(help="Ratings in FILE of items that the fit lacks: raise (an error) or drop."),
    ] = "raise",
    out: options.ResultFile = None,
) -> None:
    """Recommend items, best first, to users of the fit or to new ones (mf, implicit)."""
    with reported():
        from strads.cli.runs.applying import recommend

        columns = {"user": user, "item": item, "rating": rating}
        recommend(
            run, users or [], new, everybody=everybody, n=n, filter_seen=filter_seen,
            columns=columns, unknown=unknown, out=out,
        )  # fmt: skip
