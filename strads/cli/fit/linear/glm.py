"""The command ``strads fit glm DATA``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import NOT_CONVERGED, names_of, reported


def glm(
    data: options.Table,
    alpha: Annotated[float, typer.Option(help="Weight of both penalties.")],
    loss: Annotated[
        str, typer.Option(help="huber (outliers count less) or poisson (y is a count).")
    ] = "huber",
    l1_ratio: Annotated[float, typer.Option(help="Share of the L1 penalty, from 0 to 1.")] = 1.0,
    target: options.Target = None,
    drop: options.Drop = None,
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
    """Fit a generalised linear model with an L1 and a squared L2 penalty.

    min Σ loss(Xw + b, y) / n + alpha l1_ratio ‖w‖₁ + alpha (1 − l1_ratio) ‖w‖² / 2, with a
    certified duality gap.

    Ends with exit code 1 if the gap is not reached.
    """
    settings: dict[str, Any] = {
        "loss": loss, "alpha": alpha, "l1_ratio": l1_ratio, "tol": tol, "max_iter": max_iter,
        "fit_intercept": intercept, "positive": positive, "n_workers": workers,
        "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds, "max_memory": max_memory,
    }  # fmt: skip
    with reported(names_of(settings, {**options.SHORT, "fit_intercept": "intercept"})):
        from strads.cli.runs.fits.regression import fit_linear

        reached = fit_linear(
            strads.GeneralizedLinearRegressor, settings, data, target, drop or [], out=out,
            quiet=quiet, start=start, priorities=priorities,
        )  # fmt: skip
    raise typer.Exit(0 if reached else NOT_CONVERGED)
