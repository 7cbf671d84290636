"""The command ``strads resume RUN``."""

from __future__ import annotations

import typer

from strads.cli import options
from strads.cli.reports import reported


def resume(context: typer.Context, run: options.RunFolder) -> None:
    """Go on with a fit that has ended before it was done, and that had --out and --checkpoint.

    The same command is given again, in the same folder, with --resume-from.
    """
    with reported():
        from strads.cli.runs.resuming import command_of

        arguments = command_of(run)
    strads = context.find_root().command
    raise typer.Exit(strads.main(arguments, "strads", standalone_mode=False) or 0)
