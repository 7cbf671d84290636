"""Runs the command line as ``python -m strads.cli``."""

from strads.cli import app

app()
