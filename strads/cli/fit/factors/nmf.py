"""The command ``strads fit nmf DATA``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import names_of, reported


def nmf(
    data: Annotated[
        Path,
        typer.Argument(help="CSV, Parquet, svmlight, MatrixMarket, npz or npy file, entries ≥ 0."),
    ],
    drop: options.Drop = None,
    rank: options.Rank = 10,
    init: Annotated[
        str | None,
        typer.Option(help="random, nndsvd, nndsvda or nndsvdar; default: chosen by the solver."),
    ] = None,
    solver: Annotated[str, typer.Option(help="cd (coordinate descent) or mu.")] = "cd",
    beta_loss: Annotated[
        str,
        typer.Option(help="frobenius; with solver mu kullback-leibler, itakura-saito or a number."),
    ] = "frobenius",
    shuffle: Annotated[
        bool, typer.Option("--shuffle", help="Visit components in random order (solver cd).")
    ] = False,
    alpha_W: Annotated[
        float, typer.Option("--alpha-W", "--alpha-w", help="Weight of the penalty on W.")
    ] = 0.0,
    alpha_H: Annotated[
        str, typer.Option("--alpha-H", "--alpha-h", help="Weight of the penalty on H, or same.")
    ] = "same",
    l1_ratio: Annotated[float, typer.Option(help="Share of the L1 penalty, from 0 to 1.")] = 0.0,
    tol: options.Change = 1e-4,
    max_iter: options.MaxIter = 200,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    resume_from: options.ResumeFrom = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    max_seconds: options.MaxSeconds = None,
) -> None:
    """Factorise a matrix: X ≈ WH with W, H ≥ 0, where entries that are not stored are 0."""
    settings: dict[str, Any] = {
        "n_components": rank, "init": init, "solver": solver, "beta_loss": _number(beta_loss),
        "shuffle": shuffle, "alpha_W": alpha_W, "alpha_H": _number(alpha_H), "l1_ratio": l1_ratio,
        "tol": tol, "max_iter": max_iter, "n_workers": workers,
        "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds,
    }  # fmt: skip
    with reported(names_of(settings, options.SHORT)):
        from strads.cli.runs.fits.nonnegative import fit_nmf

        fit_nmf(strads.NMF, settings, data, drop or [], out=out, quiet=quiet)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # the estimator knows which words there are
