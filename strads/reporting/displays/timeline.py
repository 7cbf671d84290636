"""The display of what each process did."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from strads.engine import DataError
from strads.reporting.displays.source import axes_of, demand_run, run_in
from strads.reporting.run_record import RunRecord
from strads.reporting.spending import KINDS, ProcessTimes, process_times

COLOURS = {
    "computing": "#2a7f4f", "waiting": "#d97a1a", "starved": "#b3261e", "scheduling": "#3b6fd4",
}  # fmt: skip


class TimelineDisplay:
    """What each process did over time: a row for each, stacked by kind.

    Use :meth:`from_run` or :meth:`from_estimator` to make one.

    Parameters
    ----------
    times : dict of str to ProcessTimes
        By process, edges of intervals (``edges``) and the share of each (``shares``).

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, times: Mapping[str, ProcessTimes]) -> None:
        self.times = dict(times)

    @classmethod
    def from_run(
        cls, folder: str | os.PathLike[str], *, ax: Any = None, **kwargs: Any
    ) -> TimelineDisplay:
        """Draw the processes of the run in a folder.

        Parameters
        ----------
        folder : path
        ax : matplotlib Axes, optional
        **kwargs
            Given to ``ax.fill_between``.

        Raises
        ------
        DataError
            If this is not the folder of a run, or it tells nothing of its processes.
        """
        return cls._of(run_in(folder)).plot(ax=ax, **kwargs)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> TimelineDisplay:
        """Draw the processes of an estimator that was fitted with ``run_dir=``."""
        return cls._of(demand_run(estimator)).plot(ax=ax, **kwargs)

    @classmethod
    def _of(cls, record: RunRecord) -> TimelineDisplay:
        times = process_times(record)
        if not times:
            raise DataError(f"{record.folder} tells nothing of its processes")
        return cls(times)

    def plot(self, ax: Any = None, **kwargs: Any) -> TimelineDisplay:
        """Draw, and return itself.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        **kwargs
            Given to ``ax.fill_between``.
        """
        ax = axes_of(ax)
        told: set[str] = set()
        for row, known in enumerate(self.times.values()):
            floor = np.full(len(known.edges) - 1, float(-row))
            for kind in KINDS:
                if kind not in known.shares:
                    continue
                top = floor + 0.85 * known.shares[kind]
                ax.fill_between(
                    known.edges, np.append(floor, floor[-1:]), np.append(top, top[-1:]),
                    **{"step": "post", "color": COLOURS[kind], "linewidth": 0.0,
                       "label": "_" if kind in told else kind, **kwargs},
                )  # fmt: skip
                told.add(kind)
                floor = top
        ax.set_yticks([0.42 - row for row in range(len(self.times))], list(self.times))
        ax.set(xlabel="seconds since the fit began")
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=len(KINDS), frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self
