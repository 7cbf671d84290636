"""Runs the command line as ``python -m strads``."""

from strads.cli import app

app()
