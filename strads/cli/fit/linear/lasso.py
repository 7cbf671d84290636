"""The command ``strads fit lasso DATA``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import NOT_CONVERGED, names_of, reported


def lasso(
    data: options.Table,
    alpha: Annotated[float, typer.Option(help="Weight of the L1 penalty.")],
    target: options.Target = None,
    drop: options.Drop = None,
    schedule: Annotated[
        str | None,
        typer.Option(help="auto, priority, random or round-robin; default: chosen by the data."),
    ] = None,
    rho: Annotated[
        float | None,
        typer.Option(
            help="Features with a larger correlation never move together (schedule priority); "
            "default: 0.3."
        ),
    ] = None,
    tol: options.Gap = 1e-6,
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
    max_memory: options.MaxMemory = None,
) -> None:  # fmt: skip
    """Fit a Lasso: min ‖y − Xw − b‖² / 2n + alpha ‖w‖₁, with a certified duality gap.

    Ends with exit code 1 if the gap is not reached.
    """
    settings: dict[str, Any] = {
        "alpha": alpha, "schedule": schedule, "tol": tol, "max_iter": max_iter,
        "fit_intercept": intercept, "positive": positive, "n_workers": workers,
        "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds, "max_memory": max_memory,
    }  # fmt: skip
    with reported(names_of(settings, {**options.SHORT, "fit_intercept": "intercept"})):
        from strads.cli.runs.fits.regression import fit_linear

        reached = fit_linear(
            strads.Lasso,
            settings,
            data,
            target,
            drop or [],
            rho=rho,
            out=out,
            quiet=quiet,
            start=start,
            priorities=priorities,
        )
    raise typer.Exit(0 if reached else NOT_CONVERGED)
