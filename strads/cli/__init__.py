"""The command line: ``strads fit``, ``path``, ``cv``, ``predict``, ``transform`` and others.

Modules of commands import nothing but typer at their top; what takes long to import is imported
within the commands, so that ``strads --version`` and ``strads … --help`` answer at once.

Exit codes: 0 success, 1 not converged (linear models and ``demo``), 2 bad input, 3 the run failed
(for example, a worker died), 130 interrupted by Ctrl-C (a fit saves what it has).
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from strads import __version__
from strads.cli.convert import convert
from strads.cli.cv import cv
from strads.cli.diagnosis.diagnose import diagnose
from strads.cli.diagnosis.pilot import pilot
from strads.cli.fit import COMMANDS
from strads.cli.inspect.compare import compare
from strads.cli.inspect.listing import runs
from strads.cli.inspect.report import report
from strads.cli.inspect.show import show
from strads.cli.inspect.top import top
from strads.cli.like import LikeCommand
from strads.cli.path import path
from strads.cli.predict import predict
from strads.cli.recommend import recommend
from strads.cli.reports import NOT_CONVERGED, Invocation, console
from strads.cli.resume import resume
from strads.cli.transform import transform
from strads.cli.warm import warm

#: Plain help is shorter than rich's, and appears in half the time.
LOOK: dict[str, Any] = {
    "no_args_is_help": True, "rich_markup_mode": None, "add_completion": False
}  # fmt: skip
NAMES = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(**LOOK, cls=Invocation, context_settings=NAMES)
fit_app = typer.Typer(**LOOK)
app.add_typer(fit_app, name="fit", help="Fit a model to a data file.")
for fit_command, about in COMMANDS:
    fit_app.command(short_help=about, cls=LikeCommand)(fit_command)
app.command(short_help="Lasso or elastic net for a grid of penalties.")(path)
app.command(short_help="Choose their penalty by cross-validation.", cls=LikeCommand)(cv)
app.command(short_help="Say what limits a fit, or limited a run.")(diagnose)
app.command(short_help="Fit a part, and predict the whole.")(pilot)
app.command(short_help="Predict targets, or ratings.")(predict)
app.command(short_help="Compute factors or topics of new data.")(transform)
app.command(short_help="Recommend items to users.")(recommend)
app.command(short_help="Go on with a fit that ended before it was done.")(resume)
app.command(short_help="Show a run while it goes on.")(top)
app.command(short_help="List the runs in a folder.")(runs)
app.command(short_help="Print the key figures of a run.")(show)
app.command(short_help="Compare runs.")(compare)
app.command(short_help="Write a page about a run.")(report)
app.command(short_help="Write a matrix so that fits can leave it in its file.")(convert)
app.command(short_help="Compile kernels ahead of the first fit.")(warm)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"strads {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Scheduled model parallelism on one multicore machine."""


@app.command(short_help="See it work: solve a generated Lasso.")
def demo(
    workers: Annotated[int | None, typer.Option(min=1, help="Number of workers.")] = None,
) -> None:
    """Solve a generated Lasso with 120,000 variables, here and in scikit-learn."""
    from strads.demo import demo as run_demo
    from strads.engine import available_cores

    count = workers or max(2, available_cores())
    raise typer.Exit(0 if run_demo(console(), count) else NOT_CONVERGED)
