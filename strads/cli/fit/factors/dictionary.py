"""The command ``strads fit dictionary DATA``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import names_of, reported


def dictionary(
    data: Annotated[
        Path,
        typer.Argument(
            help="CSV, Parquet, svmlight, MatrixMarket, npz or npy file, a signal a row."
        ),
    ],
    drop: options.Drop = None,
    rank: Annotated[
        int | None,
        typer.Option("--rank", "--n-components", help="Number of atoms; default: one a feature."),
    ] = None,
    alpha: Annotated[float, typer.Option(help="Penalty of the codes.")] = 1.0,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Learn from mini-batches of so many signals; default: from all at once."),
    ] = None,
    positive_code: Annotated[
        bool, typer.Option("--positive-code", help="Constrain codes to be ≥ 0.")
    ] = False,
    positive_dict: Annotated[
        bool, typer.Option("--positive-dict", help="Constrain atoms to be ≥ 0.")
    ] = False,
    tol: Annotated[
        float,
        typer.Option(
            help="Stop once an epoch lowers the objective by a smaller share or, with "
            "--batch-size, moves the mean atom by less."
        ),
    ] = 1e-8,
    max_iter: options.MaxIter = 1000,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    resume_from: options.ResumeFrom = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    max_seconds: options.MaxSeconds = None,
) -> None:
    """Learn atoms of which a few suffice for each signal, and the codes of the signals."""
    settings: dict[str, Any] = {
        "n_components": rank, "alpha": alpha, "positive_code": positive_code,
        "positive_dict": positive_dict, "tol": tol, "max_iter": max_iter, "n_workers": workers,
        "random_state": seed, "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds,
    }  # fmt: skip
    kind: Any = strads.DictionaryLearning
    if batch_size is not None:
        kind, settings["batch_size"] = strads.MiniBatchDictionaryLearning, batch_size
    with reported(names_of(settings, options.SHORT)):
        from strads.cli.runs.fits.dictionary import fit_dictionary

        fit_dictionary(kind, settings, data, drop or [], out=out, quiet=quiet)
