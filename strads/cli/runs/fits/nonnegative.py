"""The fit of a non-negative factorisation to a file; both factors are saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from strads.cli.reports import show
from strads.cli.runs.fitting import Fitting
from strads.datasets import read_matrix, read_table
from strads.datasets.table import is_table
from strads.engine import DataError

#: Coordinate descent tells the objective, multiplicative updates now and then the error.
FIGURES = {"objective": ("objective", ".6g"), "reconstruction_err": ("error", ".6g")}


def fit_nmf(
    kind: Any, settings: dict[str, Any], path: Path, drop: list[str], *, out: Path | None,
    quiet: bool,
) -> None:  # fmt: skip
    """Fit a non-negative factorisation, save it with W, and tell."""
    fitting = Fitting(kind, settings, FIGURES, out, quiet)
    out = fitting.out
    X, names = fitting.read(
        lambda: read_columns(path, drop),
        lambda data: f"{data[0].shape[0]:,} rows × {data[0].shape[1]:,} columns",
    )
    rows: list[np.ndarray] = []
    fitted = fitting.fit(lambda model: rows.append(model.fit_transform(X)))
    error = fitted.model.reconstruction_err_
    if out is not None:
        np.save(out / "W.npy", rows[0])
    record = {"shape": X.shape, "columns": names, "reconstruction_err": error}
    fitting.write(fitted, record, {"data": path, "drop": drop})
    show("Non-negative factorisation", [
        ("data", f"{X.shape[0]:,} × {X.shape[1]:,}"),
        ("rank", f"{len(fitted.model.components_)}"),
        ("reconstruction error", f"{error:.6g}"),
        ("epochs", f"{fitted.model.n_iter_:,}"),
        *fitting.running(),
    ])  # fmt: skip


def read_columns(path: Path, drop: list[str]) -> tuple[Any, tuple[str, ...] | None]:
    """Read a table without the columns to leave out, with its names, or a matrix."""
    if is_table(path):
        table = read_table(path, drop=drop)
        return table.X, table.names
    if drop:
        raise DataError(f"{path} is no table with named columns; leave out --drop")
    return read_matrix(path)[0], None
