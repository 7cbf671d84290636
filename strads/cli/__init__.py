"""The command line: ``strads fit lasso``, ``strads fit mf``, ``strads fit lda``, ``strads demo``.

Exit codes: 0 success, 1 not converged (``fit lasso`` and ``demo`` only), 2 bad input, 3 the run
failed (for example, a worker died).
"""

from __future__ import annotations

from typing import Annotated

import typer

from strads import __version__
from strads.cli.fit_lasso import lasso
from strads.cli.fit_lda import lda
from strads.cli.fit_mf import mf
from strads.cli.reports import NOT_CONVERGED, console
from strads.demo import demo as run_demo
from strads.engine import available_cores

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Scheduled model parallelism.")
fit_app = typer.Typer(no_args_is_help=True, help="Fit a model to a data file.")
app.add_typer(fit_app, name="fit")
fit_app.command()(lasso)
fit_app.command()(mf)
fit_app.command()(lda)


def _version(asked: bool) -> None:
    if asked:
        console.print(f"strads {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Scheduled model parallelism on one multicore machine."""


@app.command()
def demo(
    workers: Annotated[int | None, typer.Option(min=1, help="Number of workers.")] = None,
) -> None:
    """Solve a generated Lasso with 120,000 variables and compare schedules."""
    count = workers or max(2, available_cores())
    raise typer.Exit(0 if run_demo(console, count) else NOT_CONVERGED)
