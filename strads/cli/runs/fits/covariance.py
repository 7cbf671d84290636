"""The fit of a sparse inverse covariance to a file; its edges are saved by the names of columns."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.cli.reports import show
from strads.cli.runs.fits.nonnegative import read_rows
from strads.cli.runs.fitting import Fitting

FIGURES = {"objective": ("objective", ".8g"), "gap": ("gap", ".2e"), "open": ("open", ".0f")}


def fit_glasso(
    kind: Any, settings: dict[str, Any], path: Path, drop: list[str], *, out: Path | None,
    quiet: bool,
) -> None:  # fmt: skip
    """Fit a graphical Lasso, save it with its edges, and tell."""
    fitting = Fitting(kind, settings, FIGURES, out, quiet)
    out = fitting.out
    X, names = fitting.read(
        lambda: read_rows(path, drop),
        lambda data: f"{data[0].shape[0]:,} rows × {data[0].shape[1]:,} columns",
    )
    dense = X.toarray() if sp.issparse(X) else X
    fitted = fitting.fit(lambda model: model.fit(dense), "step")
    model = fitted.model
    edges = edges_of(model.precision_)
    if out is not None:
        write_edges(out / "edges.csv", edges, names)
    record = {
        "shape": X.shape, "columns": names, "edges": len(edges[0]),
        "objective": model.objective_, "dual_gap": model.dual_gap_,
    }  # fmt: skip
    fitting.write(fitted, record, {"data": path, "drop": drop})
    sizes = np.bincount(model.labels_)
    show("Graphical Lasso", [
        ("data", f"{X.shape[0]:,} × {X.shape[1]:,}"),
        ("edges", f"{len(edges[0]):,}"),
        ("components", f"{len(sizes):,}, the largest of {sizes[0]:,} columns"),
        ("objective", f"{model.objective_:.8g}"),
        ("duality gap", f"{model.dual_gap_:.2e}"),
        ("steps", f"{model.n_iter_:,}"),
        *fitting.running(),
    ])  # fmt: skip


Edges = tuple[np.ndarray, np.ndarray, np.ndarray]


def edges_of(precision: Any) -> Edges:
    """Return the columns of each edge and its partial correlation, the strongest edge first."""
    theta = sp.coo_array(sp.triu(sp.csr_array(precision), 1))
    root = np.sqrt(precision.diagonal())
    values = -theta.data / (root[theta.row] * root[theta.col])
    order = np.argsort(-np.abs(values), kind="stable")
    return theta.row[order], theta.col[order], values[order]


def write_edges(path: Path, edges: Edges, names: tuple[str, ...] | None) -> None:
    """Write edges as a table of two columns' names and their partial correlation."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("one", "other", "partial_correlation"))
        for i, j, value in zip(*edges, strict=True):
            pair = (i, j) if names is None else (names[i], names[j])
            writer.writerow((*pair, value))
