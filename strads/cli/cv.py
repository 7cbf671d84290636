"""The command ``strads cv DATA``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import NOT_CONVERGED, names_of, reported


def cv(
    data: options.Table,
    target: options.Target = None,
    drop: options.Drop = None,
    l1_ratio: Annotated[
        list[float] | None,
        typer.Option(
            help="Share of the L1 penalty; may be given repeatedly, of which the best one is "
            "chosen. Default: 1, the Lasso.",
        ),
    ] = None,
    alphas: options.Alphas = 100,
    eps: options.Eps = 1e-3,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds.")] = 5,
    rule: Annotated[
        str,
        typer.Option(
            help="min (the least mean error) or 1se (the largest penalty within one standard "
            "error of it)."
        ),
    ] = "min",
    early_stopping: Annotated[
        int | None,
        typer.Option(help="End a fold after so many penalties in a row without a smaller error."),
    ] = None,
    tol: options.Gap = 1e-6,
    max_iter: options.MaxIter = 100_000,
    intercept: options.Intercept = True,
    positive: options.Positive = False,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    resume_from: options.ResumeFrom = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    max_seconds: options.MaxSeconds = None,
    max_memory: options.MaxMemory = None,
) -> None:  # fmt: skip
    """Choose the penalty of a Lasso or elastic net by cross-validation, and fit all data with it.

    Folds are consecutive rows: shuffle a file that is sorted. Ends with exit code 1 if the final
    fit does not reach its gap.
    """
    ratios = l1_ratio or [1.0]
    settings: dict[str, Any] = {
        "l1_ratio": ratios[0] if len(ratios) == 1 else ratios, "alphas": alphas, "eps": eps,
        "cv": folds, "rule": rule, "early_stopping": early_stopping, "tol": tol,
        "max_iter": max_iter, "fit_intercept": intercept, "positive": positive,
        "n_workers": workers, "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds, "max_memory": max_memory,
    }  # fmt: skip
    with reported(names_of(settings, {**options.SHORT, "fit_intercept": "intercept"})):
        from strads.cli.runs.fits.penalties import choose_penalty

        reached = choose_penalty(
            strads.ElasticNetCV, settings, data, target, drop or [], out=out, quiet=quiet
        )
    raise typer.Exit(0 if reached else NOT_CONVERGED)
