"""The demonstration of ``strads demo``: a generated Lasso with 120,000 features."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import scipy.sparse as sp
from rich.console import Console
from rich.table import Table

from strads.algorithms.lasso.coordinate import CoordinateLasso
from strads.algorithms.lasso.lasso import Lasso
from strads.engine import Correlation, Priority, Random, default_engine

ROWS, FEATURES, PER_COLUMN, PLANTED = 8_000, 120_000, 40, 400
GROUP = 20  # features that share most of their rows, so that the dependency filter has effect


def problem(
    rows: int = ROWS, features: int = FEATURES, seed: int = 0
) -> tuple[sp.csc_array, np.ndarray, float]:
    """Generate X with groups of correlated columns of norm 1, y, and the penalty αmax/20."""
    rng = np.random.default_rng(seed)
    groups = -(-features // GROUP)
    common = rng.integers(rows, size=(groups, PER_COLUMN))
    indices = np.repeat(common, GROUP, axis=0)[:features]
    own = rng.random(indices.shape) < 0.5
    indices = np.where(own, rng.integers(rows, size=indices.shape), indices)
    values = rng.standard_normal(indices.shape) * 0.3 + 1.0
    columns = np.repeat(np.arange(features), PER_COLUMN)
    X = sp.csc_array((values.ravel(), (indices.ravel(), columns)), shape=(rows, features))
    X.sum_duplicates()
    X.data /= np.repeat(np.sqrt(np.add.reduceat(X.data**2, X.indptr[:-1])), np.diff(X.indptr))
    w = np.zeros(features)
    w[rng.choice(features, PLANTED, replace=False)] = rng.standard_normal(PLANTED)
    signal = X @ w
    y = signal + rng.standard_normal(rows) * signal.std() / 3.0
    alpha = float(np.abs(X.T @ (y - y.mean())).max()) / rows / 20
    return X, y, alpha


def demo(console: Console, workers: int = 2, *, features: int = FEATURES) -> bool:
    """Fit a Lasso, then compare schedules; return whether the tolerance was certified."""
    X, y, alpha = problem(features=features)
    console.print(
        f"Lasso: {X.shape[0]:,} samples × {X.shape[1]:,} variables, {X.nnz:,} non-zeros, "
        f"α = αmax/20, {workers} workers and a scheduler process"
    )
    console.print("Kernels are compiled the first time, which takes about half a minute …")
    model = Lasso(alpha, n_workers=workers, tol=1e-6, callbacks=_Progress(console))
    since = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - since
    reached = model.dual_gap_ <= model.tol
    console.print(_certificate(model, seconds))
    console.print(_comparison(X, y, alpha, workers))
    return bool(reached)


class _Progress:
    """A callback that prints a line for every full pass."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def __call__(self, step: Any) -> None:
        f = step.figures
        self.console.print(
            f"  pass {step.epoch:2d}  {step.seconds:6.2f} s  gap {f['certificate']:.1e}  "
            f"objective {f['objective']:.6f}  working set {f['working_set']:,.0f}"
        )


def _certificate(model: Lasso, seconds: float) -> Table:
    counted = model.statistics_["schedules"]["descend"]
    table = Table(title="Certificate", show_header=False)
    table.add_row("relative duality gap", f"{model.dual_gap_:.1e}")
    table.add_row("non-zero weights", f"{np.count_nonzero(model.coef_):,} of {len(model.coef_):,}")
    compiling = model.statistics_["prepare_seconds"]["compile"]
    table.add_row("seconds", f"{seconds:.2f}, starting processes included")
    table.add_row("of these, compilation", f"{compiling:.2f} (compiled once, then cached)")
    table.add_row("executor", model.statistics_["executor"])
    table.add_row("candidates deferred by dependency", f"{counted['deferred']:,}")
    return table


def _comparison(X: Any, y: np.ndarray, alpha: float, workers: int) -> Table:
    """Run plain coordinate rounds on a twentieth of the features under two schedules."""
    part = X[:, : X.shape[1] // 20]
    centred = y - y.mean()
    schedules = {
        "random": Random("features", lease=512, micro=8),
        "priority + dependency": Priority(
            "features", coupling=Correlation("X"), rho=0.1, lease=512, micro=8
        ),
    }
    table = Table(title=f"Plain coordinate rounds on {part.shape[1]:,} variables, equal updates")
    for heading in ("schedule", "updates", "objective", "relative gap"):
        table.add_column(heading, justify="right")
    for name, schedule in schedules.items():
        program = CoordinateLasso(
            X=part, y=centred, alpha=alpha / 4, centred=True, schedule=schedule
        )
        result = default_engine().run(program, workers=workers, epochs=10, seed=0)
        updates = int(result.statistics["phases"]["main"]["updates"])
        figures = result.figures
        table.add_row(
            name, f"{updates:,}", f"{figures['objective']:.6f}", f"{figures['certificate']:.1e}"
        )
    return table
