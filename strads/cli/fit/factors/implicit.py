"""The command ``strads fit implicit CLICKS``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import names_of, reported


def implicit(
    clicks: Annotated[
        Path,
        typer.Argument(
            help="Table of users and items, perhaps with counts (text, Parquet, npz), or a matrix."
        ),
    ],
    user: options.User = None,
    item: options.Item = None,
    rating: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Column of the counts, likewise; without one, each row counts 1."
        ),
    ] = None,
    rank: options.Rank = 64,
    regularization: Annotated[float, typer.Option(help="Weight of the penalty.")] = 0.01,
    alpha: Annotated[float, typer.Option(help="Weight of an observation.")] = 1.0,
    confidence: Annotated[
        str, typer.Option(help="Confidence of a count x: stored (alpha·x) or linear (1 + alpha·x).")
    ] = "stored",
    solver: Annotated[str, typer.Option(help="als or ccd.")] = "als",
    nonnegative: options.Nonnegative = False,
    schedule: options.Schedule = "round-robin",
    tol: options.Change = 1e-4,
    max_iter: options.MaxIter = 15,
    early_stopping: options.EarlyStopping = False,
    n_iter_no_change: options.Patience = 3,
    dtype: options.Dtype = "float32",
    workers: options.Workers = None,
    test: options.Test = 0.1,
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    resume_from: options.ResumeFrom = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    max_seconds: options.MaxSeconds = None,
) -> None:
    """Factorise clicks or counts: what users do not look at counts as a weak dislike.

    Recommendations are judged on a held-out share of the observations, by NDCG@10; then the model
    is fitted to all of them.
    """
    settings: dict[str, Any] = {
        "n_components": rank, "regularization": regularization, "alpha": alpha,
        "confidence": confidence, "solver": solver, "nonnegative": nonnegative,
        "schedule": schedule, "tol": tol, "max_iter": max_iter, "early_stopping": early_stopping,
        "n_iter_no_change": n_iter_no_change, "dtype": dtype, "n_workers": workers,
        "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds,
    }  # fmt: skip
    with reported(names_of(settings, options.SHORT)):
        from strads.cli.runs.fits.factors import Judgement, RatingFile, fit_factors

        figures = {
            "objective": ("objective", ".6g"),
            "validation_ndcg": ("held-out NDCG@10", ".4f"),
        }
        judgement = Judgement(
            "Implicit factorisation", "observations", figures, "validation_ndcg", max
        )
        file = RatingFile(clicks, user, item, rating, clicks=True)
        fit_factors(
            strads.ImplicitFactorization, settings, file, judgement, test=test, out=out, quiet=quiet
        )
