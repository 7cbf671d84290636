"""The steps of all runs of a fit, one after the other, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

#: Figures that say best how far a run has come, the best one first.
HEADLINES = ("certificate", "gap", "kkt", "objective", "held_out_rmse", "train_rmse",
             "log_likelihood_per_token")  # fmt: skip


@dataclass(frozen=True)
class Steps:
    """Series of the steps of a fit.

    Attributes
    ----------
    fit, run, step : ndarray of int64
        Number of the fit, of the run over all fits, and of the step in the run.
    time : ndarray
        Seconds since the fit began, by the clock.
    seconds : ndarray
        Seconds of the runs alone, without the time to prepare them, summed over earlier runs.
    updates : ndarray
        Updates since the fit began.
    figures : dict of str to ndarray
        Figures by name; NaN where a step has none of that name.
    """

    fit: np.ndarray
    run: np.ndarray
    step: np.ndarray
    time: np.ndarray
    seconds: np.ndarray
    updates: np.ndarray
    figures: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.step)

    def headline(self) -> str | None:
        """Return the name of the figure that says best how far a run has come."""
        known = [name for name, values in self.figures.items() if np.isfinite(values).any()]
        return next((name for name in HEADLINES if name in known), known[0] if known else None)

    def last(self, name: str) -> float:
        """Return the last value of a figure, NaN if there is none."""
        values = self.figures.get(name, np.empty(0))
        values = values[~np.isnan(values)]
        return float(values[-1]) if len(values) else float("nan")

    def axis(self, against: str) -> np.ndarray:
        """Return the series to show others against: seconds, updates or steps."""
        if against == "steps":
            return np.arange(1.0, len(self) + 1.0)
        return self.seconds if against == "seconds" else self.updates


class Row(NamedTuple):
    """A step as an event tells it: seconds and updates count from the begin of its run."""

    fit: int
    run: int
    step: int
    time: float
    seconds: float
    updates: float
    figures: Mapping[str, float]


def of_rows(rows: Sequence[Row], continued: Mapping[int, int] | None = None) -> Steps:
    """Return the series of rows, in which seconds and updates go on from run to run.

    Parameters
    ----------
    rows : sequence of Row
    continued : dict of int to int, optional
        Run → the earlier run from whose checkpoint it went on: its updates include those before.
    """
    fit, run, step = (np.array([row[k] for row in rows], dtype=np.int64) for k in range(3))
    time, seconds, updates = (
        np.array([row[k] for row in rows], dtype=np.float64) for k in range(3, 6)
    )
    took = made = 0.0
    begins: dict[int, float] = {}
    for number in dict.fromkeys(run.tolist()):  # in the order in which they began
        of_run = run == number
        begins[number] = begins.get((continued or {}).get(number, -1), made)
        seconds[of_run] += took
        updates[of_run] += begins[number]
        took, made = _top(seconds[of_run]), _top(updates[of_run])
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    figures = {
        name: np.array([row.figures.get(name, np.nan) for row in rows], dtype=np.float64)
        for name in names
    }
    return Steps(fit, run, step, time, seconds, updates, figures)


def _top(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else 0.0


def rises(values: np.ndarray) -> bool:
    """Whether a figure becomes better by growing, judged by its first and last value."""
    known = values[np.isfinite(values)]
    return len(known) > 1 and known[-1] > known[0]


def best_so_far(values: np.ndarray, rising: bool) -> np.ndarray:
    """Return the best value up to every step."""
    worst = -np.inf if rising else np.inf
    known = np.where(np.isnan(values), worst, values)
    return np.maximum.accumulate(known) if rising else np.minimum.accumulate(known)
