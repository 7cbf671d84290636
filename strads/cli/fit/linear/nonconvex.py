"""The command ``strads fit nonconvex DATA``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import NOT_CONVERGED, names_of, reported


def nonconvex(
    data: options.Table,
    alpha: Annotated[float, typer.Option(help="Slope of the penalty at zero.")],
    penalty: Annotated[str, typer.Option(help="mcp or scad.")] = "mcp",
    gamma: Annotated[
        float | None,
        typer.Option(help="Weights above gamma·alpha are not shrunk; default: 3, or 3.7 (scad)."),
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="huber or poisson; default: half the squared error.")
    ] = None,
    target: options.Target = None,
    drop: options.Drop = None,
    tol: Annotated[float, typer.Option(help="Stationarity residual to reach.")] = 1e-6,
    max_iter: options.MaxIter = 100_000,
    intercept: options.Intercept = True,
    positive: options.Positive = False,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    resume_from: options.ResumeFrom = None,
    priorities: options.Priorities = None,
    start: options.Start = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    max_seconds: options.MaxSeconds = None,
) -> None:  # fmt: skip
    """Fit a linear model with a concave penalty, which does not shrink large weights.

    Finds a stationary point, as a rule a local minimum, of ‖y − Xw − b‖² / 2n + Σ ρ(|w_j|).

    Ends with exit code 1 if the stationarity residual is not reached.
    """
    settings: dict[str, Any] = {
        "penalty": penalty, "alpha": alpha, "gamma": gamma, "loss": loss, "tol": tol,
        "max_iter": max_iter, "fit_intercept": intercept, "positive": positive,
        "n_workers": workers, "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds,
    }  # fmt: skip
    with reported(names_of(settings, {**options.SHORT, "fit_intercept": "intercept"})):
        from strads.cli.runs.fits.regression import fit_linear

        reached = fit_linear(
            strads.NonconvexRegressor,
            settings,
            data,
            target,
            drop or [],
            out=out,
            quiet=quiet,
            start=start,
            priorities=priorities,
        )
    raise typer.Exit(0 if reached else NOT_CONVERGED)
