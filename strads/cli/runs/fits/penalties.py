"""Fits of many penalties to a file: a path, and the choice of one by cross-validation."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads import enet_path
from strads.cli.reports import console, say, show
from strads.cli.runs.fits.regression import read, rows_of, write_weights
from strads.cli.runs.fitting import Fitting, how_shown, told_warnings
from strads.cli.runs.record import Recorded
from strads.datasets.regression import read_named_data

#: Heading of the table of a path.
COLUMNS = ("alpha", "nonzeros", "explained", "gap")


def fit_path(
    settings: dict[str, Any], path: Path, target: str | None, drop: list[str], *,
    out: Path | None, quiet: bool,
) -> bool:  # fmt: skip
    """Fit a path, save it and tell; return whether all gaps were reached."""
    recorded = Recorded(out, settings, model="path")
    out = recorded.path
    X, y, names = read_named_data(path, target, drop, mapped=settings["max_memory"] is not None)
    since = time.perf_counter()
    recorded.begun = True
    watched = {"verbose": how_shown(quiet, settings["verbose"]), "run_dir": recorded.folder}
    with told_warnings():
        alphas, coefs, gaps, epochs = enet_path(
            X, y, return_n_iter=True, on_interrupt="return", **{**settings, **watched}
        )
    seconds = time.perf_counter() - since
    if not quiet:
        say(f"{len(alphas)} penalties in {seconds:.2f} s, {sum(epochs):,} epochs")
    rows = _table(X, y, alphas, coefs, gaps, centred=settings["fit_intercept"])
    _print(rows)
    if out is not None:
        with (out / "path.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
        weights = sp.csc_array(coefs)
        np.savez(
            out / "path.npz", alphas=alphas, gaps=gaps, data=weights.data,
            indices=weights.indices, indptr=weights.indptr, shape=weights.shape,
        )  # fmt: skip
        given = {**settings, "data": path, "target": target, "drop": drop}
        record = {"model": "path", "settings": given, "shape": X.shape, "columns": names}
        recorded.complete({**record, "seconds": seconds, "n_iter": epochs})
    return bool(np.all(gaps <= settings["tol"]))


def _table(
    X: Any, y: np.ndarray, alphas: np.ndarray, coefs: np.ndarray, gaps: np.ndarray, *,
    centred: bool,
) -> list[tuple[float, int, float, float]]:  # fmt: skip
    """Return a row for every penalty: alpha, non-zero weights, explained share, gap."""
    left = y[:, None] - X @ coefs
    whole = y - y.mean() if centred else y
    if centred:
        left -= left.mean(axis=0)
    share = 1.0 - np.square(left).sum(axis=0) / max(float(whole @ whole), 1e-300)
    counts = np.count_nonzero(coefs, axis=0)
    return [
        (float(a), int(k), float(r), float(g))
        for a, k, r, g in zip(alphas, counts, share, gaps, strict=True)
    ]


def _print(rows: list[tuple[float, int, float, float]]) -> None:
    from rich.table import Table

    table = Table(*COLUMNS)
    for alpha, count, share, gap in rows:
        table.add_row(f"{alpha:.6g}", f"{count:,}", f"{share:.2%}", f"{gap:.1e}")
    console().print(table)


def choose_penalty(
    kind: Any, settings: dict[str, Any], path: Path, target: str | None, drop: list[str], *,
    out: Path | None, quiet: bool,
) -> bool:  # fmt: skip
    """Cross-validate, save the chosen model and tell; return whether its gap was reached."""
    fitting = Fitting(kind, settings, {}, out, quiet)
    out = fitting.out
    X, y, names = read(fitting, path, target, drop)
    fitted = fitting.fit(lambda model: model.fit(X, y), told=False)
    model = fitted.model
    if out is not None:
        write_weights(out, model, names)
    record = {
        "shape": X.shape, "columns": names, "dual_gap": model.dual_gap_, "verdict": model.verdict_,
        "alpha": model.alpha_, "l1_ratio": model.l1_ratio_, "alphas": model.alphas_,
        "errors": model.mse_path_,
    }  # fmt: skip
    fitting.write(fitted, record, {"data": path, "target": target, "drop": drop})
    errors = np.nanmin(model.mse_path_.mean(axis=-1))
    chosen = [
        ("alpha", f"{model.alpha_:.6g}"),
        ("l1_ratio", f"{model.l1_ratio_:g}"),
        ("least mean squared error", f"{errors:.6g}, {model.mse_path_.shape[-1]} folds"),
    ]
    show("Cross-validation", [*chosen, *rows_of(model, X.shape), *fitting.running()])
    return bool(model.dual_gap_ <= model.tol)
