"""The command ``strads fit svr DATA``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import NOT_CONVERGED, names_of, reported


def svr(
    data: options.Table,
    c: options.Cost = 1.0,
    epsilon: Annotated[
        float, typer.Option(help="Errors up to this size cost nothing, in the units of y.")
    ] = 0.0,
    loss: Annotated[
        str, typer.Option(help="epsilon_insensitive or squared_epsilon_insensitive.")
    ] = "epsilon_insensitive",
    target: options.Target = None,
    drop: options.Drop = None,
    tol: options.Gap = 1e-4,
    max_iter: options.MaxIter = 10_000,
    intercept: options.Intercept = True,
    intercept_scaling: options.InterceptScaling = 1.0,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    resume_from: options.ResumeFrom = None,
    start: options.Start = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    max_seconds: options.MaxSeconds = None,
    max_memory: options.MaxMemory = None,
) -> None:
    """Fit a linear support vector regression.

    min ½ ‖w‖² + C Σ max(0, |y − Xw − b| − epsilon), with a certified duality gap.

    Ends with exit code 1 if the gap is not reached.
    """
    settings: dict[str, Any] = {
        "C": c, "epsilon": epsilon, "loss": loss, "tol": tol, "max_iter": max_iter,
        "fit_intercept": intercept, "intercept_scaling": intercept_scaling, "n_workers": workers,
        "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds, "max_memory": max_memory,
    }  # fmt: skip
    with reported(names_of(settings, {**options.SHORT, "fit_intercept": "intercept"})):
        from strads.cli.runs.fits.regression import fit_linear

        reached = fit_linear(
            strads.LinearSVR, settings, data, target, drop or [], out=out, quiet=quiet, start=start
        )
    raise typer.Exit(0 if reached else NOT_CONVERGED)
