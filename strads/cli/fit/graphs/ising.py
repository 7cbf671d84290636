"""The command ``strads fit ising COUPLINGS``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import names_of, reported

#: Options whose names differ from the parameters of the estimator.
SHORT = {**options.SHORT, "n_states": "states", "n_sweeps": "sweeps", "n_chains": "chains"}


def ising(
    couplings: Annotated[
        Path, typer.Argument(help="Square matrix: MatrixMarket, npz, npy, CSV or Parquet file.")
    ],
    fields: Annotated[
        Path | None, typer.Option(help="File of the fields: a row a site; of Potts, q columns.")
    ] = None,
    problem: Annotated[
        str, typer.Option(help="What the matrix is: ising (couplings), qubo or maxcut (weights).")
    ] = "ising",
    states: Annotated[
        int, typer.Option("--states", "--n-states", help="States of a site; above 2: Potts.")
    ] = 2,
    sweeps: Annotated[
        int, typer.Option("--sweeps", "--n-sweeps", help="Number of sweeps after burn-in.")
    ] = 1000,
    burn_in: Annotated[int, typer.Option(help="Number of sweeps before the first sample.")] = 100,
    thin: Annotated[int, typer.Option(help="Number of sweeps between two samples.")] = 1,
    chains: Annotated[
        int, typer.Option("--chains", "--n-chains", help="Number of independent chains.")
    ] = 1,
    temperature: Annotated[float, typer.Option(help="Temperature, or the first of them.")] = 1.0,
    final_temperature: Annotated[
        float | None, typer.Option(help="Cool down to this temperature, by equal factors.")
    ] = None,
    collect: Annotated[
        str, typer.Option(help="Moments to add up: pairs, sites or none.")
    ] = "pairs",
    workers: options.Workers = None,
    seed: options.Seed = 0,
    checkpoint: options.Checkpoint = None,
    resume_from: options.ResumeFrom = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    max_seconds: options.MaxSeconds = None,
) -> None:
    """Sample an Ising or Potts model on a graph, or look for its state of lowest energy.

    A matrix entry is the coupling of two sites: positive ones want equal states.
    """
    settings: dict[str, Any] = {
        "n_states": states, "n_sweeps": sweeps, "burn_in": burn_in, "thin": thin,
        "n_chains": chains, "temperature": temperature, "collect": collect, "n_workers": workers,
        "random_state": seed, "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds,
    }  # fmt: skip
    with reported(names_of(settings, SHORT)):
        from strads.cli.runs.fits.sampling import fit_ising

        fit_ising(
            strads.GraphSampler, settings, couplings, fields=fields, problem=problem,
            final=final_temperature, out=out, quiet=quiet,
        )  # fmt: skip
