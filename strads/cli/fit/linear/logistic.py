"""The command ``strads fit logistic DATA``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import NOT_CONVERGED, names_of, reported


def logistic(
    data: options.Table,
    alpha: Annotated[
        float | None, typer.Option(help="Weight of the penalties; default: 1 / (C n).")
    ] = None,
    c: Annotated[
        float, typer.Option("--C", help="Inverse weight of the penalties, as in scikit-learn.")
    ] = 1.0,
    l1_ratio: Annotated[float, typer.Option(help="Share of the L1 penalty, from 0 to 1.")] = 1.0,
    multi_class: Annotated[
        str, typer.Option(help="More than two labels: ovr (each from all others) or multinomial.")
    ] = "ovr",
    class_weight: options.ClassWeight = None,
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
) -> None:
    """Fit a logistic regression with an L1 penalty to labels, which are numbers.

    min Σ log(1 + exp(−y (Xw + b))) / n + alpha ‖w‖₁, with a certified duality gap. Of more than two
    labels, each is separated from all others, or all are fitted together (--multi-class).

    Ends with exit code 1 if the gap is not reached.
    """
    settings: dict[str, Any] = {
        "alpha": alpha, "C": c, "l1_ratio": l1_ratio, "multi_class": multi_class,
        "class_weight": class_weight, "tol": tol,
        "max_iter": max_iter, "fit_intercept": intercept, "positive": positive,
        "n_workers": workers, "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds, "max_memory": max_memory,
    }  # fmt: skip
    with reported(names_of(settings, {**options.SHORT, "fit_intercept": "intercept"})):
        from strads.cli.runs.fits.classification import fit_labels

        reached = fit_labels(
            strads.SparseLogisticRegression, settings, data, target, drop or [], out=out,
            quiet=quiet, start=start, priorities=priorities,
        )  # fmt: skip
    raise typer.Exit(0 if reached else NOT_CONVERGED)
