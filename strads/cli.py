"""Command line: ``strads fit lasso DATA``, ``strads demo``.

Exit codes: 0 converged, 1 not converged, 2 bad input, 3 the run failed (a worker died, say).
"""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from sklearn.exceptions import ConvergenceWarning

from strads import __version__
from strads.algorithms.lasso import Lasso
from strads.algorithms.lasso_program import DEFAULT
from strads.demo import demo as run_demo
from strads.engine.errors import StradsError
from strads.engine.platform import available_cores
from strads.engine.schedules import Schedule
from strads.loading import read_data

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Scheduled model parallelism.")
fit_app = typer.Typer(no_args_is_help=True, help="Fit a model to a data file.")
app.add_typer(fit_app, name="fit")
console = Console()
errors = Console(stderr=True)

NOT_CONVERGED, BAD_INPUT, FAILED = 1, 2, 3


def _version(asked: bool) -> None:
    if asked:
        console.print(f"strads {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Scheduled model parallelism on one multicore machine."""


@app.command()
def demo(
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes.")] = None,
) -> None:
    """Solve a generated Lasso with 120,000 variables and compare schedules."""
    count = workers or max(2, available_cores())
    raise typer.Exit(0 if run_demo(console, count) else NOT_CONVERGED)


@fit_app.command()
def lasso(
    data: Annotated[Path, typer.Argument(help="svmlight, MatrixMarket, npz or npy file.")],
    alpha: Annotated[float, typer.Option(help="Weight of the L1 penalty.")],
    target: Annotated[Path | None, typer.Option(help="File with y.")] = None,
    workers: Annotated[int | None, typer.Option(help="Logical workers.")] = None,
    schedule: Annotated[str, typer.Option(help="priority, random or round-robin.")] = "priority",
    rho: Annotated[float, typer.Option(help="Largest correlation that moves together.")] = 0.3,
    tol: Annotated[float, typer.Option(help="Relative duality gap.")] = 1e-6,
    max_iter: Annotated[int, typer.Option(help="Epochs of coordinate rounds.")] = 100_000,
    intercept: Annotated[bool, typer.Option(help="Fit an intercept.")] = True,
    positive: Annotated[bool, typer.Option(help="Demand w ≥ 0.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the schedule.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for coefficients and record.")] = None,
) -> None:
    """Fit a Lasso: min ‖y − Xw − b‖² / 2n + alpha ‖w‖₁."""
    settings: dict[str, Any] = {
        "alpha": alpha, "n_workers": workers, "tol": tol, "max_iter": max_iter,
        "fit_intercept": intercept, "positive": positive, "random_state": seed,
    }  # fmt: skip
    try:
        X, y = read_data(data, target)
        model = Lasso(**settings, schedule=_schedule(schedule, rho))
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)  # an error here must not cost a fit
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the exit code says it
            since = time.perf_counter()
            model.fit(X, y)
            seconds = time.perf_counter() - since
        if out is not None:
            _write(out, model, {**settings, "data": str(data), "schedule": schedule, "rho": rho})
    except (StradsError, ValueError, OSError) as error:
        # No markup: a file may be called [bold].npz.
        message = " ".join(str(error).split())
        errors.print(
            f"strads: {message}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        bad = isinstance(error, (ValueError, OSError))
        raise typer.Exit(BAD_INPUT if bad else FAILED) from None
    console.print(_summary(model, X, seconds))
    raise typer.Exit(0 if model.dual_gap_ <= tol else NOT_CONVERGED)


def _schedule(name: str, rho: float) -> Schedule | str:
    if name != "priority":
        return name
    return replace(DEFAULT, rho=rho)


def _summary(model: Lasso, X: Any, seconds: float) -> Table:
    table = Table(title="Lasso", show_header=False)
    table.add_row("data", f"{X.shape[0]:,} × {X.shape[1]:,}")
    table.add_row("non-zero weights", f"{np.count_nonzero(model.coef_):,}")
    table.add_row("intercept", f"{model.intercept_:.6g}")
    table.add_row("objective", f"{model.history_[-1]['objective']:.8g}")
    table.add_row("relative duality gap", f"{model.dual_gap_:.2e} (asked for {model.tol:.0e})")
    table.add_row("epochs", f"{model.n_iter_:,}")
    table.add_row("workers", f"{model.statistics_['workers']} ({model.statistics_['executor']})")
    table.add_row("seconds", f"{seconds:.2f}")
    return table


def _write(out: Path, model: Lasso, settings: dict[str, Any]) -> None:
    nonzero = np.flatnonzero(model.coef_)
    np.savez(
        out / "coef.npz", index=nonzero, value=model.coef_[nonzero], size=len(model.coef_),
        intercept=model.intercept_,
    )  # fmt: skip
    record = {
        "version": __version__,
        "settings": {**settings, "n_workers": model.statistics_["workers"]},
        "dual_gap": model.dual_gap_,
        "n_iter": model.n_iter_,
        "history": model.history_,
        "statistics": model.statistics_,
    }
    (out / "run.json").write_text(json.dumps(record, indent=1, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    """Numbers stay numbers in a record; what has no counterpart in JSON becomes its text."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)


if __name__ == "__main__":
    app()
