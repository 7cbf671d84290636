"""The command ``strads fit group DATA``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import strads
from strads.cli import options
from strads.cli.reports import NOT_CONVERGED, names_of, reported


def sizes(groups: Any) -> int | list[int]:
    """Return the size of all groups, or the sizes of each."""
    words = str(groups).split(",")
    if not all(word.strip().isdigit() for word in words):
        raise typer.BadParameter(
            f"{groups!r} is neither a number nor numbers with commas between them"
        )
    numbers = [int(word) for word in words]
    return numbers[0] if len(numbers) == 1 else numbers


def group(
    data: options.Table,
    alpha: Annotated[float, typer.Option(help="Weight of the penalty.")],
    groups: Annotated[
        Any, typer.Option(parser=sizes, help="Size of all groups of features, or sizes: 3,2,4.")
    ] = 1,
    weights: Annotated[
        str | None, typer.Option(help="sqrt: a group's penalty is weighed by the root of its size.")
    ] = None,
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
) -> None:  # fmt: skip
    """Fit a group Lasso: features that stand one after another have weights together, or none.

    min ‖y − Xw − b‖² / 2n + alpha Σ_g weights_g ‖w_g‖, with a certified duality gap.

    Ends with exit code 1 if the gap is not reached.
    """
    settings: dict[str, Any] = {
        "groups": groups, "alpha": alpha, "weights": weights, "tol": tol,
        "max_iter": max_iter, "fit_intercept": intercept, "positive": positive,
        "n_workers": workers, "random_state": seed,
        "checkpoint": checkpoint, "resume_from": resume_from,
        "verbose": verbose, "max_seconds": max_seconds,
    }  # fmt: skip
    with reported(names_of(settings, {**options.SHORT, "fit_intercept": "intercept"})):
        from strads.cli.runs.fits.regression import fit_linear

        reached = fit_linear(
            strads.GroupLasso,
            settings,
            data,
            target,
            drop or [],
            out=out,
            quiet=quiet,
            start=start,
            priorities=priorities,
        )
    raise typer.Exit(0 if reached else NOT_CONVERGED)
