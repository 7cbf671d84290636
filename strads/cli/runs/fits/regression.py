"""The fit of a linear model to a file, its record, and its weights by the names of the features."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from strads.algorithms.linear.solver.lasso_program import DEFAULT
from strads.cli.reports import show
from strads.cli.runs.fitting import Fitting
from strads.cli.runs.priorities import given_priorities
from strads.datasets.regression import read_named_data

#: Figures of a full pass.
FIGURES = {
    "epochs": ("epochs", ",.0f"),
    "certificate": ("gap", ".2e"),
    "nonzeros": ("support", ",.0f"),
    "working_set": ("working set", ",.0f"),
    "unsolved": ("unsolved", ",.0f"),
}

#: What fits are judged by.
REACHED = {"dual_gap_": "relative duality gap", "stationarity_": "stationarity residual"}

TITLES = {
    "Lasso": "Lasso", "ElasticNet": "Elastic net",
    "GroupLasso": "Group Lasso",
    "GeneralizedLinearRegressor": "Generalised linear model",
    "NonconvexRegressor": "Linear model with a concave penalty",
    "LinearSVR": "Linear support vector regression",
}  # fmt: skip


def fit_linear(
    kind: Any, settings: dict[str, Any], path: Path, target: str | None, drop: list[str], *,
    rho: float | None = None, out: Path | None, quiet: bool, start: Path | None = None,
    priorities: Path | None = None,
) -> bool:  # fmt: skip
    """Fit a linear regression, save it and tell; return whether the gap was reached."""
    if rho is not None:
        if settings["schedule"] not in (None, "priority"):
            raise ValueError(f"--rho is for --schedule priority, not {settings['schedule']}")
        settings = {**settings, "schedule": replace(DEFAULT, rho=rho)}
    fitting = Fitting(kind, settings, FIGURES, out, quiet, start=start)
    out = fitting.out
    X, y, names = read(fitting, path, target, drop)
    fitted = fitting.fit(
        lambda model: fitting.started(model, y).fit(X, y), unit="pass",
        **given_priorities(priorities, names, X.shape[1], settings.get("groups")),
    )  # fmt: skip
    model = fitted.model
    if out is not None:
        write_weights(out, model, names)
    more: dict[str, Any] = {
        "data": path, "target": target, "drop": drop, "start": start, "priorities": priorities,
    }  # fmt: skip
    if "schedule" in settings:
        more["rho"] = rho
        fitting.settings = {**settings, "schedule": _name(settings["schedule"])}
    record = {
        "shape": X.shape,
        "columns": names,
        **{name.rstrip("_"): value for name, value in _reached(model).items()},
        "verdict": model.verdict_,
    }
    fitting.write(fitted, record, more)
    show(TITLES[kind.__name__], [*rows_of(model, X.shape), *fitting.running()])
    return bool(max(_reached(model).values()) <= model.tol)


def _reached(model: Any) -> dict[str, float]:
    """Return what a fit is to bring below `tol`, by the name of the attribute."""
    return {name: getattr(model, name) for name in REACHED if hasattr(model, name)}


def read(fitting: Fitting, path: Path, target: str | None, drop: list[str]) -> Any:
    """Return X, y and the names of the features."""
    return fitting.read(
        lambda: read_named_data(
            path, target, drop, mapped=fitting.settings.get("max_memory") is not None
        ),
        lambda data: f"{data[0].shape[0]:,} rows × {data[0].shape[1]:,} features",
    )


def _name(schedule: Any) -> str | None:
    return schedule if schedule is None or isinstance(schedule, str) else "priority"


def write_weights(out: Path, model: Any, names: tuple[str, ...] | None) -> None:
    """Write the non-zero weights: for NumPy, and as text, the largest first."""
    nonzero = np.flatnonzero(model.coef_)
    np.savez(
        out / "coef.npz", index=nonzero, value=model.coef_[nonzero], size=len(model.coef_),
        intercept=model.intercept_,
    )  # fmt: skip
    order = nonzero[np.argsort(-np.abs(model.coef_[nonzero]), kind="stable")]
    with (out / "coef.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("feature", "weight"))
        for j in order:
            writer.writerow((j if names is None else names[j], model.coef_[j]))


def rows_of(model: Any, shape: tuple[int, int]) -> list[tuple[str, str]]:
    """Return rows of a table about a fitted model."""
    objective = model.history_[-1]["objective"]
    return [
        ("data", f"{shape[0]:,} × {shape[1]:,}"),
        ("non-zero weights", f"{np.count_nonzero(model.coef_):,}"),
        ("intercept", f"{model.intercept_:.6g}"),
        ("objective", f"{objective:.8g}"),
        *(
            (REACHED[name], f"{value:.2e} (asked for {model.tol:.0e})")
            for name, value in _reached(model).items()
        ),
        ("verdict", model.verdict_),
        ("epochs", f"{model.n_iter_:,}"),
    ]
