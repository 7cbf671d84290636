"""The command ``strads predict RUN DATA``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from strads.cli import options
from strads.cli.reports import reported


def predict(
    run: options.RunFolder,
    data: Annotated[
        Path,
        typer.Argument(
            help="Lasso: a file of features. Factorisations: pairs of user and item. medlda: "
            "documents."
        ),
    ],
    user: options.User = None,
    item: options.Item = None,
    unknown: Annotated[
        str, typer.Option(help="Users and items that the fit lacks: raise (an error) or mean.")
    ] = "raise",
    out: options.ResultFile = None,
) -> None:
    """Predict targets (lasso), ratings of pairs (mf, implicit) or labels of documents (medlda).

    Columns of a table of features are found by their names; others are ignored.
    """
    with reported():
        from strads.cli.runs.applying import predict

        predict(run, data, user=user, item=item, unknown=unknown, out=out)
