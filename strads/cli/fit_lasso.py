"""The command ``strads fit lasso DATA``."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table
from sklearn.exceptions import ConvergenceWarning

from strads.algorithms.common.warnings import NotCertifiedWarning
from strads.algorithms.lasso.lasso import Lasso
from strads.algorithms.lasso.solver.program import DEFAULT
from strads.cli.reports import NOT_CONVERGED, console, reported, write_record
from strads.datasets import read_data
from strads.engine import Schedule


def lasso(
    data: Annotated[Path, typer.Argument(help="svmlight, MatrixMarket, npz or npy file.")],
    alpha: Annotated[float, typer.Option(help="Weight of the L1 penalty.")],
    target: Annotated[Path | None, typer.Option(help="File with y.")] = None,
    workers: Annotated[int | None, typer.Option(help="Number of workers.")] = None,
    schedule: Annotated[str, typer.Option(help="priority, random or round-robin.")] = "priority",
    rho: Annotated[
        float, typer.Option(help="Features with a larger correlation never move together.")
    ] = DEFAULT.rho,
    tol: Annotated[float, typer.Option(help="Relative duality gap to reach.")] = 1e-6,
    max_iter: Annotated[int, typer.Option(help="Most epochs of coordinate rounds.")] = 100_000,
    intercept: Annotated[bool, typer.Option(help="Fit an intercept.")] = True,
    positive: Annotated[bool, typer.Option(help="Constrain the weights to w ≥ 0.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the schedule.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for coefficients and record.")] = None,
) -> None:
    """Fit a Lasso: min ‖y − Xw − b‖² / 2n + alpha ‖w‖₁."""
    settings: dict[str, Any] = {
        "alpha": alpha, "n_workers": workers, "tol": tol, "max_iter": max_iter,
        "fit_intercept": intercept, "positive": positive, "random_state": seed,
    }  # fmt: skip
    with reported():
        X, y = read_data(data, target)
        model = Lasso(**settings, schedule=_schedule(schedule, rho))
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)  # an error here must not cost a fit
        with warnings.catch_warnings():
            for said_below in (ConvergenceWarning, NotCertifiedWarning):
                warnings.simplefilter("ignore", said_below)
            since = time.perf_counter()
            model.fit(X, y)
            seconds = time.perf_counter() - since
        if out is not None:
            _write(out, model, {**settings, "data": str(data), "schedule": schedule, "rho": rho})
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
    table.add_row("verdict", model.verdict_)
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
        "settings": {**settings, "n_workers": model.statistics_["workers"]},
        "dual_gap": model.dual_gap_,
        "verdict": model.verdict_,
        "n_iter": model.n_iter_,
        "history": model.history_,
        "statistics": model.statistics_,
    }
    write_record(out, record)
