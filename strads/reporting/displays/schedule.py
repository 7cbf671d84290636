"""The display of what a schedule visited, and when."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from strads.engine import DataError
from strads.reporting.charts.heat_map import binned
from strads.reporting.displays.source import axes_of, demand_run, matplotlib, run_in
from strads.reporting.page.schedule import by_phase, since_when
from strads.reporting.run_record import RunRecord


class ScheduleDisplay:
    """A heat map of visits: ids of an axis upwards, time to the right.

    Use :meth:`from_run` or :meth:`from_estimator` to make one.

    Parameters
    ----------
    visits : ndarray of shape (rows, columns)
        Visits of an id, on average over the ids of a row.
    seconds : ndarray of shape (columns + 1,)
        Edges of the columns, since the fit began.
    size : int
        Ids of the axis.
    axis, phase : str

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib QuadMesh
    """

    def __init__(
        self, visits: np.ndarray, seconds: np.ndarray, *, size: int, axis: str, phase: str
    ) -> None:
        self.visits, self.seconds, self.size, self.axis, self.phase = (
            visits, seconds, size, axis, phase,
        )  # fmt: skip

    @classmethod
    def from_run(
        cls, folder: str | os.PathLike[str], *, phase: str | None = None, ax: Any = None,
        **kwargs: Any,
    ) -> ScheduleDisplay:  # fmt: skip
        """Draw the visits of the run in a folder.

        Parameters
        ----------
        folder : path
        phase : str, optional
            By default the phase that made most visits.
        ax : matplotlib Axes, optional
        **kwargs
            Given to ``ax.pcolormesh``.

        Raises
        ------
        DataError
            If this is not the folder of a run, or it has told no visits of the phase.
        """
        return cls._of(run_in(folder), phase).plot(ax=ax, **kwargs)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, phase: str | None = None, ax: Any = None, **kwargs: Any
    ) -> ScheduleDisplay:
        """Draw the visits of an estimator that was fitted with ``run_dir=``."""
        return cls._of(demand_run(estimator), phase).plot(ax=ax, **kwargs)

    @classmethod
    def _of(cls, record: RunRecord, phase: str | None) -> ScheduleDisplay:
        found = by_phase(record)
        name = next(iter(found), None) if phase is None else phase
        if name is None or name not in found:
            raise DataError(
                f"{record.folder} tells no visits of a phase {name!r}; there are {sorted(found)}"
            )
        heat, edges, size = binned(found[name], since_when(record, found[name]))
        return cls(heat, edges, size=size, axis=found[name][-1].axis, phase=name)

    def plot(self, ax: Any = None, **kwargs: Any) -> ScheduleDisplay:
        """Draw, and return itself.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        **kwargs
            Given to ``ax.pcolormesh``.
        """
        ax = axes_of(ax)
        ids = np.linspace(0.0, self.size, len(self.visits) + 1)
        shown = np.ma.masked_equal(self.visits, 0.0)
        few = shown.count() and shown.max() > shown.min()
        log = matplotlib("colors").LogNorm
        norm = log(max(shown.min(), shown.max() / 1e4), shown.max()) if few else None
        self.image_ = ax.pcolormesh(
            self.seconds, ids, shown, **{"norm": norm, "cmap": "viridis", **kwargs}
        )
        ax.figure.colorbar(self.image_, ax=ax, label="visits of an id")
        ax.set(xlabel="seconds since the fit began", ylabel=f"id on axis {self.axis}",
               title=f"phase {self.phase}")  # fmt: skip
        self.ax_, self.figure_ = ax, ax.figure
        return self
