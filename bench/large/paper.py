"""A hundred million columns on paper: lines through what was measured at smaller sizes.

A line a + b·J is fitted to bytes and to seconds so that relative errors count, not absolute ones;
sizes below `SMALLEST` are left out, since costs that do not depend on J dominate there. Beyond 2³¹
non-zeros, 86 million columns, SciPy demands row numbers as wide as pointers: 8 bytes instead of 4
for each, which no measurement below that can show and is added.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bench.large.planted import NONZEROS, index_type
from bench.large.tables import GIB, Titled

TARGET = 100_000_000
SMALLEST = 100_000


def predicted(fits: pd.DataFrame, plain: pd.DataFrame) -> Titled:
    """Every line, how far off it is where it was measured, and its value beyond."""
    lines = []
    for name, unit, columns, values in _series(fits, plain):
        kept = (columns >= SMALLEST) & values.notna()
        if kept.sum() < 2:
            continue
        x, y = columns[kept].to_numpy(float), values[kept].to_numpy(float)
        a, b = line(x, y)
        more = wider_bytes(TARGET) if unit == "bytes" else 0
        value = a + b * TARGET + more
        off = np.abs((a + b * x) / y - 1.0).max()
        formula = f"{a:.4g} + {b:.4g}·J" + (f" + {more:,}" if more else "")
        readable = f"{value / GIB:,.1f} GiB" if unit == "bytes" else f"{value:,.1f} s"
        lines.append((name, f"{formula} {unit}", f"{off:.0%}", readable))
    return f"J = {TARGET:,} on paper", ["", "line", "off by, at most", "value"], lines


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """(a, b) that minimise Σ ((a + b·x) / y − 1)²."""
    A = np.column_stack([1.0 / y, x / y])
    scale = np.linalg.norm(A, axis=0)
    found = np.linalg.lstsq(A / scale, np.ones(len(x)), rcond=None)[0] / scale
    return float(found[0]), float(found[1])


def wider_bytes(columns: int) -> int:
    """Bytes of X beyond those of 32-bit indices."""
    nonzeros = columns * NONZEROS
    return (index_type(nonzeros).itemsize - 4) * (nonzeros + columns + 1)


def _series(
    fits: pd.DataFrame, plain: pd.DataFrame
) -> Iterator[tuple[str, str, pd.Series, pd.Series]]:
    """Yield name, unit, columns and values of every figure."""
    reached = fits[fits["outcome"] == "converged"]
    for (divisor, solver), of in reached.groupby(["divisor", "solver"], sort=False):
        name = f"fit, αmax/{divisor:g}, {solver}"
        yield f"{name}: all processes", "bytes", of["columns"], of["peak_bytes"]
        yield f"{name}: time", "s", of["columns"], of["seconds"]
    for (schedule, workers), of in plain.groupby(["schedule", "workers"], sort=False):
        name, columns = f"{schedule}, {workers} workers", of["columns"]
        yield f"{name}: all processes", "bytes", columns, of["peak_bytes"]
        yield f"{name}: an epoch", "s", columns, of["id_seconds"] * columns
        if schedule == "round-robin":
            yield f"{workers} workers: a full pass", "s", columns, of["pass_seconds"]
