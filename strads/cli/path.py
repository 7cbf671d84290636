"""The command ``strads path DATA``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from strads.cli import options
from strads.cli.reports import NOT_CONVERGED, names_of, reported


def path(
    data: options.Table,
    target: options.Target = None,
    drop: options.Drop = None,
    l1_ratio: Annotated[
        float, typer.Option(help="Share of the L1 penalty; 1 is the Lasso.")
    ] = 1.0,
    alphas: options.Alphas = 100,
    eps: options.Eps = 1e-3,
    tol: options.Gap = 1e-6,
    max_iter: options.MaxIter = 100_000,
    intercept: options.Intercept = True,
    positive: options.Positive = False,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    resume_from: options.ResumeFrom = None,
    out: Annotated[
        Path | None,
        typer.Option(help="New folder for path.csv, path.npz, run.json and events."),
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    max_seconds: options.MaxSeconds = None,
    max_memory: options.MaxMemory = None,
) -> None:  # fmt: skip
    """Fit a Lasso or elastic net for every penalty of a grid, from the largest to the smallest.

    Prints a line for every penalty: alpha, non-zero weights, share of the variance of y that the
    model explains, relative duality gap. Ends with exit code 1 if a gap is not reached.
    """
    settings: dict[str, Any] = {
        "l1_ratio": l1_ratio, "alphas": alphas, "eps": eps, "tol": tol, "max_iter": max_iter,
        "fit_intercept": intercept, "positive": positive, "n_workers": workers,
        "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds, "max_memory": max_memory,
    }  # fmt: skip
    with reported(names_of(settings, {**options.SHORT, "fit_intercept": "intercept"})):
        from strads.cli.runs.fits.penalties import fit_path

        reached = fit_path(settings, data, target, drop or [], out=out, quiet=quiet)
    raise typer.Exit(0 if reached else NOT_CONVERGED)
