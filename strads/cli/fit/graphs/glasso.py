"""The command ``strads fit glasso DATA``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import names_of, reported


def glasso(
    data: options.Table,
    drop: options.Drop = None,
    alpha: Annotated[float, typer.Option(help="Penalty of the entries off the diagonal.")] = 0.01,
    assume_centered: Annotated[
        bool, typer.Option("--assume-centered", help="Take the means of the columns as zero.")
    ] = False,
    sparse_output: Annotated[
        bool,
        typer.Option("--sparse-output", help="Save sparse matrices, for very many columns."),
    ] = False,
    tol: Annotated[float, typer.Option(help="Duality gap to reach.")] = 1e-4,
    max_iter: Annotated[int, typer.Option(help="Largest number of Newton steps.")] = 100,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    resume_from: options.ResumeFrom = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    max_seconds: options.MaxSeconds = None,
) -> None:
    """Fit a sparse inverse covariance: the graph of the columns that depend on each other."""
    settings: dict[str, Any] = {
        "alpha": alpha, "assume_centered": assume_centered, "sparse_output": sparse_output,
        "tol": tol, "max_iter": max_iter, "n_workers": workers, "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds,
    }  # fmt: skip
    with reported(names_of(settings, options.SHORT)):
        from strads.cli.runs.fits.covariance import fit_glasso

        fit_glasso(strads.GraphicalLasso, settings, data, drop or [], out=out, quiet=quiet)
