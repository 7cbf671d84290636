"""The command ``strads compare RUN RUN …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from strads.cli.reports import console, reported


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN …", help="Folders of two runs or more.")
    ],
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page with the curves of all runs as well."),
    ] = None,
) -> None:
    """Compare runs: settings that differ, key figures, time to the same accuracy."""
    with reported():
        from strads.cli.runs.telling import tell_comparison

        tell_comparison(runs, html, console())
