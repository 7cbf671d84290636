"""The command ``strads show RUN``."""

from __future__ import annotations

from strads.cli import options
from strads.cli.reports import console, reported


def show(run: options.RunFolder) -> None:
    """Print what a run was, what it spent and what it reached."""
    with reported():
        from strads.cli.runs.telling import tell_run

        tell_run(run, console())
