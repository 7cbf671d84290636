"""The data of a problem, as its ``strads fit`` reads them, and tables of results."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from strads.cli.reports import console, say
from strads.datasets import read_corpus, read_ratings
from strads.datasets.regression import read_named_data
from strads.diagnosis.trials.problems import problem_of
from strads.engine import DataError


def read_problem(
    problem: str, path: Path, target: str | None, drop: list[str], columns: dict[str, Any]
) -> tuple[Any, Any, tuple[str, ...] | None]:
    """Read X, y and the names of the features, the last two only where the problem has them.

    Raises
    ------
    ValueError
        If there is no such problem, or an option does not belong to it.
    DataError
        If a file is missing or damaged, or holds other data.
    """
    kind = problem_of(problem)
    if not kind.target and (target is not None or drop):
        raise DataError(f"--problem {problem} has no target and no features; leave out --target")
    if problem != "mf" and any(columns.values()):
        raise DataError(f"--user, --item and --rating are for --problem mf, not {problem}")
    if problem == "mf":
        X, y, names = read_ratings(path, **columns).matrix(), None, None
    elif problem == "lda":
        X, y, names = read_corpus(path).counts, None, None
    else:
        X, y, names = read_named_data(path, target, drop)
    say(f"{X.shape[0]:,} {kind.rows} × {X.shape[1]:,} {kind.columns}")
    return X, y, names


def show_sections(sections: Iterable[tuple[str, list[tuple[str, str]]]]) -> None:
    """Print a table for each section on stdout."""
    from rich.table import Table

    for title, rows in sections:
        table = Table(title=title, show_header=False, title_justify="left")
        for row in rows:
            table.add_row(*row)
        console().print(table)


def show_json(found: dict[str, Any]) -> None:
    """Print a result as JSON on stdout."""
    typer.echo(json.dumps(found, indent=1, allow_nan=False))
