"""The command ``strads report RUN``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from strads.cli import options
from strads.cli.reports import reported


def report(
    run: options.RunFolder,
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="Folder of a run on the same data in the conventional way, to "
            "compare with at equal resources."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The page; default: report.html in RUN.")
    ] = None,
) -> None:  # fmt: skip
    """Write a page about a run, which opens in any browser and needs nothing else.

    It begins with what was spent and what was gained, in plain sentences.
    """
    with reported():
        from strads.reporting.page.report import write_report

        typer.echo(write_report(run, baseline, out))
