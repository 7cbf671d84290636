"""The command ``strads convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from strads.cli.reports import reported


def convert(
    data: Annotated[Path, typer.Argument(help="svmlight, MatrixMarket, .npz or .npy.")],
    to: Annotated[Path, typer.Argument(help="New folder; of a dense matrix, a new .npy.")],
    by: Annotated[
        str,
        typer.Option(
            help="columns (for a Lasso), rows (for a support vector machine) or both (for a "
            "factorisation)."
        ),
    ] = "columns",
) -> None:
    """Write a matrix anew so that fits can leave it in its file, in bounded memory."""
    with reported():
        from strads.datasets import convert_matrix, map_matrix

        found = map_matrix(convert_matrix(data, to, by=by))
        typer.echo(str(found))
