"""The fit of a linear classifier to a file, its record, and its weights by names of features."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.multiclass import type_of_target

from strads.cli.reports import show
from strads.cli.runs.fits.regression import FIGURES, read
from strads.cli.runs.fitting import Fitting
from strads.cli.runs.priorities import given_priorities
from strads.engine import DataError

TITLES = {
    "SparseLogisticRegression": "Logistic regression", "LinearSVC": "Linear support vector machine",
}  # fmt: skip


def fit_labels(
    kind: Any, settings: dict[str, Any], path: Path, target: str | None, drop: list[str], *,
    out: Path | None, quiet: bool, start: Path | None = None, priorities: Path | None = None,
) -> bool:  # fmt: skip
    """Fit a classifier, save it and tell; return whether all gaps were reached."""
    fitting = Fitting(kind, settings, FIGURES, out, quiet, start=start)
    out = fitting.out
    X, y, names = read(fitting, path, target, drop)
    if type_of_target(y) == "continuous":
        raise DataError(
            f"the target {target or path} holds no labels but numbers such as {y[0]:g}; use strads "
            "fit lasso for these"
        )
    fitted = fitting.fit(
        lambda model: fitting.started(model, y).fit(X, y), unit="pass",
        **given_priorities(priorities, names, X.shape[1]),
    )  # fmt: skip
    model = fitted.model
    if out is not None:
        write_rows(out, model, names)
    record = {
        "shape": X.shape, "columns": names, "classes": model.classes_,
        "dual_gap": model.dual_gap_, "verdict": model.verdict_,
    }  # fmt: skip
    more = {
        "data": path, "target": target, "drop": drop, "start": start, "priorities": priorities,
    }  # fmt: skip
    fitting.write(fitted, record, more)
    right = float(np.mean(model.predict(X) == y))
    rows = [*rows_of(model, X.shape), ("right on these data", f"{right:.2%}")]
    show(TITLES[kind.__name__], [*rows, *fitting.running()])
    return bool(np.max(model.dual_gap_) <= model.tol)


def write_rows(out: Path, model: Any, names: tuple[str, ...] | None) -> None:
    """Write the non-zero weights of every class: for NumPy, and as text, the largest first."""
    weights = model.sparse_coef_
    np.savez(
        out / "coef.npz", data=weights.data, indices=weights.indices, indptr=weights.indptr,
        shape=weights.shape, intercept=model.intercept_, classes=model.classes_,
    )  # fmt: skip
    labels = model.classes_[-weights.shape[0] :]  # of two classes, the weights are the second's
    with (out / "coef.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("class", "feature", "weight"))
        for label, coef in zip(labels, model.coef_, strict=True):
            nonzero = np.flatnonzero(coef)
            for j in nonzero[np.argsort(-np.abs(coef[nonzero]), kind="stable")]:
                writer.writerow((label, j if names is None else names[j], coef[j]))


def rows_of(model: Any, shape: tuple[int, int]) -> list[tuple[str, str]]:
    """Return rows of a table about a fitted model."""
    return [
        ("data", f"{shape[0]:,} × {shape[1]:,}"),
        ("classes", f"{len(model.classes_):,}"),
        ("non-zero weights", f"{np.count_nonzero(model.coef_):,}"),
        ("relative duality gap", f"{np.max(model.dual_gap_):.2e} (asked for {model.tol:.0e})"),
        ("verdict", model.verdict_),
        ("epochs", f"{np.sum(model.n_iter_):,}"),
    ]
