"""A hundred million columns on paper: lines through what was measured at smaller sizes.

A line a + b·J is fitted to bytes and to seconds so that relative errors count, not absolute ones;
sizes below `SMALLEST` are left out, since costs that do not depend on J dominate there. Beyond 2³¹
non-zeros, 86 million columns, SciPy demands row numbers as wide as pointers: 8 bytes instead of 4
for each, which no measurement below that can show and is added.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.harness.tables import show
from bench.large.planted import NONZEROS, index_type

TARGET = 100_000_000
SMALLEST = 100_000
GIB = 2.0**30
TITLE = f"J = {TARGET:,} on paper"
HEAD = ("", "line", "off by, at most", "value")

Row = dict[str, Any]


def predict(fits: list[Row], plain: list[Row]) -> None:
    """Print every line with its value at a hundred million columns."""
    show(TITLE, HEAD, predicted(fits, plain))


def predicted(fits: list[Row], plain: list[Row]) -> list[tuple[str, ...]]:
    """Every line, how far off it is where it was measured, and its value beyond."""
    lines = []
    for name, (points, unit) in _series(fits, plain).items():
        points = {columns: y for columns, y in points.items() if columns >= SMALLEST and y == y}
        if len(points) < 2:
            continue
        a, b = line(np.array(list(points)), np.array(list(points.values())))
        more = wider_bytes(TARGET) if unit == "bytes" else 0
        value = a + b * TARGET + more
        off = max(abs((a + b * columns) / y - 1.0) for columns, y in points.items())
        formula = f"{a:.4g} + {b:.4g}·J" + (f" + {more:,}" if more else "")
        lines.append((name, f"{formula} {unit}", f"{off:.0%}", _readable(value, unit)))
    return lines


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


def _series(fits: list[Row], plain: list[Row]) -> dict[str, tuple[dict[int, float], str]]:
    """Name of a figure → its value by number of columns, and its unit."""
    series: dict[str, tuple[dict[int, float], str]] = {}

    def note(name: str, columns: int, value: Any, unit: str) -> None:
        points = series.setdefault(name, ({}, unit))[0]
        points[columns] = float("nan") if value is None else float(value)

    for fit in fits:
        if fit["outcome"] == "converged":
            name = f"fit, αmax/{fit['divisor']:g}, {fit['solver']}"
            note(f"{name}: all processes", fit["columns"], fit["peak_bytes"], "bytes")
            note(f"{name}: time", fit["columns"], fit["seconds"], "s")
    for each in plain:
        name = f"{each['schedule']}, {each['workers']} workers"
        note(f"{name}: all processes", each["columns"], each["peak_bytes"], "bytes")
        note(f"{name}: an epoch", each["columns"], each["id_seconds"] * each["columns"], "s")
        if each["schedule"] == "round-robin":
            note(f"{each['workers']} workers: a full pass", each["columns"],
                 each["pass_seconds"], "s")  # fmt: skip
    return series


def _readable(value: float, unit: str) -> str:
    return f"{value / GIB:,.1f} GiB" if unit == "bytes" else f"{value:,.1f} s"
