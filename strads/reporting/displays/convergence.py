"""The display of a run's figures."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from strads.engine import DataError
from strads.reporting.displays.source import axes_of, run_in, run_of
from strads.reporting.steps import Row, Steps, of_rows

#: What a figure can be drawn against → the name of that axis.
AGAINST = {"seconds": "seconds of the runs", "updates": "updates", "steps": "steps"}


class ConvergenceDisplay:
    """A figure of a fit against seconds, updates or steps.

    Use :meth:`from_run` or :meth:`from_estimator` to make one.

    Parameters
    ----------
    x, y : ndarray of shape (n_steps,)
    x_label, figure : str
        Names of both axes.
    target : float, default=nan
        A value to mark by a line.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
    """

    def __init__(
        self, x: np.ndarray, y: np.ndarray, *, x_label: str, figure: str, target: float = np.nan
    ) -> None:
        self.x, self.y, self.x_label, self.figure, self.target = x, y, x_label, figure, target

    @classmethod
    def from_run(
        cls, folder: str | os.PathLike[str], *, figure: str | None = None,
        against: str = "seconds", ax: Any = None, **kwargs: Any,
    ) -> ConvergenceDisplay:  # fmt: skip
        """Draw a figure of the run in a folder.

        Parameters
        ----------
        folder : path
            What a fit with ``run_dir=``, or ``strads fit … --out``, has written.
        figure : str, optional
            Name of the figure; by default the certificate, or else the best there is.
        against : {"seconds", "updates", "steps"}, default="seconds"
        ax : matplotlib Axes, optional
        **kwargs
            Given to ``ax.plot``.

        Raises
        ------
        DataError
            If this is not the folder of a run, or it has no such figure.
        """
        record = run_in(folder)
        return cls._of(record.steps, figure, against, record.target).plot(ax=ax, **kwargs)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, figure: str | None = None, against: str | None = None,
        ax: Any = None, **kwargs: Any,
    ) -> ConvergenceDisplay:  # fmt: skip
        """Draw a figure of a fitted estimator.

        Without ``run_dir=`` an estimator knows its ``history_`` alone, to be drawn against steps.

        Raises
        ------
        DataError
            If the estimator is not fitted, or does not know what is to be drawn.
        """
        record = run_of(estimator)
        if record is not None:
            display = cls._of(record.steps, figure, against or "seconds", record.target)
            return display.plot(ax=ax, **kwargs)
        history = getattr(estimator, "history_", None)
        if history is None:
            raise DataError(f"this {type(estimator).__name__} is not fitted: call fit first")
        if against not in (None, "steps"):
            raise DataError(
                f"against={against!r} needs the record of the fit: fit with run_dir=, or draw "
                "against='steps'"
            )
        rows = [row for part in history for row in (part if isinstance(part, list) else [part])]
        steps = of_rows([Row(0, 0, k, 0.0, 0.0, 0.0, row) for k, row in enumerate(rows, start=1)])
        target = getattr(estimator, "tol", None)
        display = cls._of(steps, figure, "steps", np.nan if target is None else float(target))
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def _of(
        cls, steps: Steps, figure: str | None, against: str, target: float
    ) -> ConvergenceDisplay:
        if against not in AGAINST:
            raise DataError(f"against={against!r}: use one of {', '.join(AGAINST)}")
        name = steps.headline() if figure is None else figure
        if name is None or name not in steps.figures:
            raise DataError(f"no figure {name!r}: there are {sorted(steps.figures)}")
        return cls(
            steps.axis(against), steps.figures[name], x_label=AGAINST[against], figure=name,
            target=target if name == "certificate" else np.nan,
        )  # fmt: skip

    def plot(self, ax: Any = None, **kwargs: Any) -> ConvergenceDisplay:
        """Draw, and return itself.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        **kwargs
            Given to ``ax.plot``.
        """
        ax = axes_of(ax)
        known = self.y[np.isfinite(self.y)]
        (self.line_,) = ax.plot(self.x, self.y, **{"label": self.figure, **kwargs})
        if len(known) and known.min() > 0.0 and known.max() > 20.0 * known.min():
            ax.set_yscale("log")
        if np.isfinite(self.target):
            ax.axhline(self.target, linestyle="--", color="0.5", linewidth=1.0)
        ax.set(xlabel=self.x_label, ylabel=self.figure)
        self.ax_, self.figure_ = ax, ax.figure
        return self
