"""The command ``strads fit svm DATA``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import NOT_CONVERGED, names_of, reported


def svm(
    data: options.Table,
    penalty: Annotated[str, typer.Option(help="l2, or l1 for sparse weights.")] = "l2",
    c: options.Cost = 1.0,
    loss: Annotated[str, typer.Option(help="squared_hinge or hinge.")] = "squared_hinge",
    class_weight: options.ClassWeight = None,
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
    """Fit a linear support vector machine to labels, which are numbers.

    min ½ ‖w‖² + C Σ max(0, 1 − y (Xw + b))², with a certified duality gap. Of more than two labels,
    each is separated from all others.

    Ends with exit code 1 if the gap is not reached.
    """
    settings: dict[str, Any] = {
        "penalty": penalty, "C": c, "loss": loss, "class_weight": class_weight, "tol": tol,
        "max_iter": max_iter, "fit_intercept": intercept, "intercept_scaling": intercept_scaling,
        "n_workers": workers, "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds, "max_memory": max_memory,
    }  # fmt: skip
    with reported(names_of(settings, {**options.SHORT, "fit_intercept": "intercept"})):
        from strads.cli.runs.fits.classification import fit_labels

        reached = fit_labels(
            strads.LinearSVC, settings, data, target, drop or [], out=out, quiet=quiet, start=start
        )
    raise typer.Exit(0 if reached else NOT_CONVERGED)
