"""The command ``strads top RUN``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from strads.cli.reports import console, reported


def top(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN",
            help="Folder of a run, or a folder of such folders, of which the latest is shown.",
        ),
    ],
    once: Annotated[
        bool, typer.Option("--once", help="Print one picture, and end, as without a terminal.")
    ] = False,
) -> None:
    """Show a run while it goes on, from another terminal; q or Ctrl-C ends.

    A run that has ended, or whose processes are gone, is shown a last time.
    """
    with reported():
        from strads.monitoring.live.watching import print_once, watch

        if once:
            print_once(run, console())
        else:
            watch(run, console())
