"""Updates that a schedule saved, and the same accuracy reached in two ways."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from strads.reporting.run_record import RunRecord
from strads.reporting.spending import spent
from strads.reporting.steps import Steps, best_so_far, rises

#: An axis of this name is that of the variables of a linear model, whatever phases work on.
FEATURES = "features"


@dataclass(frozen=True)
class Saving:
    """Updates made, against those of a way that updates every variable in every epoch.

    Attributes
    ----------
    variables : int
        Number of ids of the largest axis that a schedule hands out, or all features.
    updates : float
        Updates that were made.
    epochs : float
        Epochs of the scheduled phases, as the schedules count them, or else steps.
    axis : str
        Name of the axis.
    """

    variables: int
    updates: float
    epochs: float
    axis: str

    @property
    def all_of_them(self) -> float:
        """Updates of all variables in every epoch."""
        return self.variables * self.epochs

    @property
    def sweeps(self) -> float:
        """Updates as sweeps over all variables."""
        return self.updates / self.variables if self.variables else math.nan

    @property
    def factor(self) -> float:
        """How many times fewer updates were made."""
        return self.all_of_them / self.updates if self.updates > 0.0 else math.nan

    @property
    def saves(self) -> bool:
        """Whether the schedule left out updates worth speaking of."""
        return self.factor >= 1.1


def saving(record: RunRecord) -> Saving | None:
    """Return the updates that the schedules of a fit saved; None if it does not count any."""
    axes: dict[str, int] = {}
    for run in record.runs:
        for phase in run.phases.values():
            axis = str(phase.get("axis"))
            if phase.get("schedule"):
                axes[axis] = max(axes.get(axis, 0), run.axes.get(axis, 0))
        if axes and FEATURES in run.axes:
            axes[FEATURES] = max(axes.get(FEATURES, 0), run.axes[FEATURES])
    for seen in record.visits:
        if seen.axis in axes:
            axes[seen.axis] = max(axes[seen.axis], seen.size)
    updates = float(record.steps.updates[-1]) if len(record.steps) else 0.0
    epochs = sum(_epochs(detail.schedules) for detail in record.last_details())
    epochs = epochs or float(len(record.steps))
    if not axes or not updates > 0.0:
        return None
    if len(axes) > 1 and FEATURES not in axes:  # users and items: an epoch visits both
        return Saving(sum(axes.values()), updates, epochs / len(axes), " and ".join(axes))
    axis = FEATURES if FEATURES in axes else next(iter(axes))
    return Saving(axes[axis], updates, epochs, axis)


def _epochs(schedules: dict[str, dict[str, float]]) -> float:
    return sum(max(row.get("epochs", 0.0), 0.0) for row in schedules.values())


@dataclass(frozen=True)
class Reached:
    """What a run had spent when it had reached an accuracy.

    Attributes
    ----------
    level : float
        The accuracy, or NaN if it was never reached.
    seconds, processor_seconds, updates : float
    """

    level: float
    seconds: float
    processor_seconds: float
    updates: float


def same_level(records: list[RunRecord], figure: str) -> float:
    """Return the best value of a figure that all runs have reached; NaN if one has none."""
    series = [record.steps.figures.get(figure, np.empty(0)) for record in records]
    series = [values[np.isfinite(values)] for values in series]
    if not all(len(values) for values in series):
        return math.nan
    rising = any(rises(values) for values in series)
    return float(min(v.max() for v in series) if rising else max(v.min() for v in series))


def reached(record: RunRecord, figure: str, level: float, rising: bool) -> Reached:
    """Return what a run had spent when its figure was first as good as a level."""
    steps, workers = record.steps, spent(record).workers
    values = steps.figures.get(figure, np.full(len(steps), np.nan))
    best = best_so_far(values, rising)
    good = np.flatnonzero(best >= level if rising else best <= level)
    if not len(good):
        return Reached(math.nan, math.nan, math.nan, math.nan)
    k = good[0]
    return Reached(
        level, float(steps.seconds[k]), float(steps.seconds[k]) * workers, float(steps.updates[k])
    )


def common_figure(records: list[RunRecord]) -> str | None:
    """Return the figure that says best how far all runs have come, and that all of them have."""
    shared = [_known(record.steps) for record in records]
    names = [name for name in shared[0] if all(name in other for other in shared[1:])]
    first = records[0].steps.headline()
    return first if first in names else (names[0] if names else None)


def _known(steps: Steps) -> list[str]:
    return [name for name, values in steps.figures.items() if np.isfinite(values).any()]
