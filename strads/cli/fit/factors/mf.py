"""The command ``strads fit mf RATINGS``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import names_of, reported


def mf(
    ratings: Annotated[
        Path,
        typer.Argument(
            help="Table of users, items and ratings (text, Parquet, npz), a matrix, or a folder of "
            "strads convert."
        ),
    ],
    user: options.User = None,
    item: options.Item = None,
    rating: options.Rating = None,
    rank: options.Rank = 40,
    regularization: Annotated[float, typer.Option(help="Weight of the penalty.")] = 0.06,
    regularization_scale: Annotated[
        str, typer.Option(help="Penalty for each rating (count) or for each row (plain).")
    ] = "count",
    l1: Annotated[float, typer.Option(help="Weight of an L1 penalty (solver ccd).")] = 0.0,
    nonnegative: options.Nonnegative = False,
    biases: Annotated[bool, typer.Option(help="Learn biases of users and items.")] = True,
    solver: Annotated[str, typer.Option(help="auto, sgd, als or ccd.")] = "auto",
    schedule: options.Schedule = "round-robin",
    learning_rate: Annotated[float, typer.Option(help="Step size of solver sgd.")] = 0.07,
    tol: options.Change = 1e-4,
    max_iter: options.MaxIter = 10,
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
    """Factorise ratings: r ≈ μ + b + c + w·h, with a squared penalty on b, c, w and h.

    The error is judged on a held-out share of the ratings; then the model is fitted to all of them.
    """
    settings: dict[str, Any] = {
        "n_components": rank, "regularization": regularization,
        "regularization_scale": regularization_scale, "l1": l1, "nonnegative": nonnegative,
        "biases": biases, "solver": solver, "schedule": schedule, "learning_rate": learning_rate,
        "tol": tol, "max_iter": max_iter, "early_stopping": early_stopping,
        "n_iter_no_change": n_iter_no_change, "dtype": dtype, "n_workers": workers,
        "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds,
    }  # fmt: skip
    with reported(names_of(settings, options.SHORT)):
        from strads.cli.runs.fits.factors import Judgement, RatingFile, fit_factors

        figures = {
            "train_rmse": ("training RMSE", ".4f"),
            "validation_rmse": ("held-out RMSE", ".4f"),
        }
        judgement = Judgement("Matrix factorisation", "ratings", figures, "validation_rmse", min)
        file = RatingFile(ratings, user, item, rating)
        fit_factors(
            strads.MatrixFactorization, settings, file, judgement, test=test, out=out, quiet=quiet
        )
