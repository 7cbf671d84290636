"""Where a display gets its run from, and matplotlib."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from strads.engine import DataError
from strads.reporting.reading import read_run
from strads.reporting.run_record import RunRecord


def run_of(estimator: Any) -> RunRecord | None:
    """Return the run that a fitted estimator wrote to its ``run_dir``; None if it wrote none."""
    folder = getattr(estimator, "run_dir_", None) or getattr(estimator, "run_dir", None)
    return None if folder is None else read_run(Path(folder))


def demand_run(estimator: Any) -> RunRecord:
    """Return the run that a fitted estimator wrote.

    Raises
    ------
    DataError
        If it wrote none.
    """
    record = run_of(estimator)
    if record is None:
        raise DataError(
            f"this {type(estimator).__name__} has no run_dir, so there is no record to draw; fit "
            "with run_dir=, or give the folder of a run to from_run"
        )
    return record


def run_in(folder: str | os.PathLike[str]) -> RunRecord:
    """Return the run of a folder."""
    return read_run(Path(folder))


def axes_of(ax: Any) -> Any:
    """Return axes to draw on: those given, or new ones.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    if ax is not None:
        return ax
    return matplotlib("pyplot").subplots(layout="constrained")[1]


def matplotlib(module: str) -> Any:
    """Return a module of matplotlib, which is imported when something is first drawn.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        return importlib.import_module(f"matplotlib.{module}")
    except ImportError as error:
        raise ImportError("displays need matplotlib: pip install 'strads[plots]'") from error
