"""The command ``strads fit mf RATINGS``."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from sklearn.exceptions import ConvergenceWarning

from strads.algorithms.factorization.matrix_factorization import MatrixFactorization
from strads.cli.reports import History, add_running, console, demand_share, reported, write_record
from strads.datasets import Ratings, read_ratings, split_ratings
from strads.engine import Step

OPTIONS = {
    "n_components": "rank", "max_iter": "max-iter", "n_workers": "workers", "random_state": "seed",
}  # fmt: skip


def mf(
    ratings: Annotated[
        Path, typer.Argument(help="Text (user, item, rating), parquet, npz or MatrixMarket file.")
    ],
    rank: Annotated[int, typer.Option(help="Number of factors of a user and of an item.")] = 40,
    regularization: Annotated[
        float, typer.Option(help="Weight of the penalty, for each rating.")
    ] = 0.06,
    solver: Annotated[str, typer.Option(help="auto, sgd, als or ccd.")] = "auto",
    tol: Annotated[
        float, typer.Option(help="Stop once the error changes by a smaller share.")
    ] = 1e-4,
    max_iter: Annotated[int, typer.Option(help="Largest number of epochs.")] = 10,
    workers: Annotated[int | None, typer.Option(help="Number of workers.")] = None,
    test: Annotated[float, typer.Option(help="Share of the ratings to withhold; 0: none.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the withheld ratings and the fit.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for model and record.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the summary only.")] = False,
) -> None:
    """Factorise ratings: r ≈ μ + b + c + w·h, with a squared penalty on b, c, w and h."""
    settings: dict[str, Any] = {
        "n_components": rank, "regularization": regularization, "solver": solver, "tol": tol,
        "max_iter": max_iter, "n_workers": workers, "random_state": seed,
    }  # fmt: skip
    history = History(quiet, _line)
    with reported(OPTIONS):
        model = MatrixFactorization(**settings, callbacks=history)
        model._validate_params()  # raises errors before a long read
        demand_share(test)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)  # an error here must not cost a fit
        train, withheld = _read(ratings, test, seed, quiet)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the summary shows the errors
            since = time.perf_counter()
            model.fit_ratings(train, validation=withheld.matrix() if withheld else None)
            seconds = time.perf_counter() - since
        if out is not None:
            model.save(out / "model.npz")
            given = {**settings, "data": str(ratings), "test": test}
            write_record(out, _record(model, given, history.steps, train, withheld))
    console.print(_summary(model, history.steps, train, withheld, seconds))


def _line(step: Step) -> str:
    errors = "  ".join(f"{name} {error:.4f}" for name, error in _errors(step.figures))
    return f"epoch {step.epoch:3d}  {errors}  {step.seconds:8.2f} s"


def _errors(figures: dict[str, float]) -> list[tuple[str, float]]:
    names = {"train_rmse": "training RMSE", "validation_rmse": "held-out RMSE"}
    return [(text, figures[name]) for name, text in names.items() if name in figures]


def _read(path: Path, test: float, seed: int, quiet: bool) -> tuple[Ratings, Ratings | None]:
    since = time.perf_counter()
    known = read_ratings(path)
    if not quiet:
        users, items = known.shape
        again = f" (duplicates dropped: {known.duplicates:,})" if known.duplicates else ""
        console.print(
            f"{len(known):,} ratings of {items:,} items by {users:,} users{again}, read in "
            f"{time.perf_counter() - since:.2f} s"
        )
    return split_ratings(known, test, seed) if test else (known, None)


def _summary(
    model: MatrixFactorization,
    steps: list[dict[str, float]],
    train: Ratings,
    withheld: Ratings | None,
    seconds: float,
) -> Table:
    table = Table(title="Matrix factorisation", show_header=False)
    table.add_row("data", f"{train.shape[0]:,} users × {train.shape[1]:,} items")
    table.add_row("ratings", f"{len(train):,} to fit, {len(withheld or ()):,} held out")
    table.add_row("rank", f"{model.n_components}")
    for name, error in _errors(steps[-1]):
        table.add_row(name, f"{error:.6f}")
    table.add_row("epochs", f"{model.n_iter_:,}")
    add_running(table, model.statistics_, seconds)
    return table


def _record(
    model: MatrixFactorization,
    settings: dict[str, Any],
    steps: list[dict[str, float]],
    train: Ratings,
    withheld: Ratings | None,
) -> dict[str, Any]:
    return {
        "settings": {**settings, "n_workers": model.statistics_["workers"]},
        "shape": train.shape,
        "ratings": {"train": len(train), "test": len(withheld or ())},
        **{
            name: steps[-1][name] for name in ("train_rmse", "validation_rmse") if name in steps[-1]
        },
        "n_iter": model.n_iter_,
        "history": steps,
        "statistics": model.statistics_,
    }
