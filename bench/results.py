"""Rows of a microbenchmark: their statistics, a table on the screen, a file of results."""

from __future__ import annotations

import csv
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """Microseconds of one operation: median and 99th percentile of many."""

    group: str
    what: str
    median: float
    p99: float
    samples: int
    target: float = float("nan")  # of the median
    p99_target: float = float("nan")

    @staticmethod
    def of(
        group: str, what: str, times: np.ndarray, target: float = float("nan"),
        p99_target: float = float("nan"), window: int = 1,
    ) -> Row:  # fmt: skip
        """Summarise times in microseconds.

        The median is that of the means of so many in a row: processes that keep step often take
        turns in being early, and half of single steps then look as if they cost nothing.
        """
        whole = times[: len(times) // window * window]
        median = float(np.median(whole.reshape(-1, window).mean(axis=1)))
        p99 = float(np.percentile(times, 99))
        return Row(group, what, median, p99, len(times), target, p99_target)

    @property
    def missed(self) -> bool:
        """Whether a target was missed."""
        return self.median > self.target or self.p99 > self.p99_target


def machine() -> dict[str, str | int]:
    """What the figures depend on."""
    kind = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        kind = names[0].split(":")[1].strip() if names else kind
    return {"cores": os.cpu_count() or 1, "cpu": kind, "python": platform.python_version(),
            "date": time.strftime("%Y-%m-%d")}  # fmt: skip


def show(rows: Sequence[Row]) -> None:
    """Print one table a group."""
    for group in dict.fromkeys(row.group for row in rows):
        table = Table(title=group)
        for column in ("what", "median µs", "99 % µs", "samples", "target"):
            table.add_column(column, justify="left" if column == "what" else "right")
        for row in rows:
            if row.group == group:
                table.add_row(row.what, _short(row.median), _short(row.p99), f"{row.samples:,}",
                              _wanted(row))  # fmt: skip
        # Piped output has no width of its own: 80 columns would fold the table.
        console = Console()
        (console if console.is_terminal else Console(width=110)).print(table)


def write(name: str, rows: Sequence[Row]) -> Path:
    """Write rows as CSV into the folder of results."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=[*asdict(rows[0]), *machine()])
        writer.writeheader()
        writer.writerows(asdict(row) | machine() for row in rows)
    return path


def _short(x: float) -> str:
    return f"{x:.3f}" if x < 10.0 else f"{x:,.1f}"


def _wanted(row: Row) -> str:
    words = []
    if row.target == row.target:
        words.append(f"≤ {row.target:g}")
    if row.p99_target == row.p99_target:
        words.append(f"99 % ≤ {row.p99_target:g}")
    return ", ".join(words) + (" (missed)" if row.missed else "")
