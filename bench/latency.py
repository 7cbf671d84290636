"""Rows of a microbenchmark: median and 99th percentile of what one operation takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.harness import tables

NAN = float("nan")


@dataclass(frozen=True)
class Row:
    """Microseconds of one operation: median and 99th percentile of many."""

    group: str
    what: str
    median: float
    p99: float
    samples: int
    target: float = NAN  # of the median
    p99_target: float = NAN

    @staticmethod
    def of(
        group: str, what: str, times: np.ndarray, target: float = NAN, p99_target: float = NAN,
        window: int = 1,
    ) -> Row:  # fmt: skip
        """Summarise times in microseconds.

        The median is taken over means of `window` operations in a row: processes that keep step
        often take turns in being early, and half of the single steps then seem to cost nothing.
        """
        whole = times[: len(times) // window * window]
        median = float(np.median(whole.reshape(-1, window).mean(axis=1)))
        p99 = float(np.percentile(times, 99))
        return Row(group, what, median, p99, len(times), target, p99_target)

    @property
    def missed(self) -> bool:
        """Whether a target was missed."""
        return self.median > self.target or self.p99 > self.p99_target


def show(rows: Sequence[Row]) -> None:
    """Print one table for each group."""
    for group in dict.fromkeys(row.group for row in rows):
        tables.show(
            group, ("what", "median µs", "99 % µs", "samples", "target"),
            [(row.what, _short(row.median), _short(row.p99), f"{row.samples:,}", _wanted(row))
             for row in rows if row.group == group],
        )  # fmt: skip


def _short(x: float) -> str:
    return f"{x:.3f}" if x < 10.0 else f"{x:,.1f}"


def _wanted(row: Row) -> str:
    words = []
    if row.target == row.target:
        words.append(f"≤ {row.target:g}")
    if row.p99_target == row.p99_target:
        words.append(f"99 % ≤ {row.p99_target:g}")
    return ", ".join(words) + (" (missed)" if row.missed else "")
