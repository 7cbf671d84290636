"""The command ``strads runs [FOLDER]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from strads.cli.reports import console, reported


def runs(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="Folder that holds folders of runs.")
    ] = Path("."),
) -> None:
    """List the runs in a folder: what they were, how they ended, and how good the result is."""
    with reported():
        from strads.cli.runs.telling import tell_runs

        tell_runs(folder, console())
