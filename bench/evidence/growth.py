"""The figure of growth: seconds and bytes against the number of columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

#: Marker and line style of every worker count; colours repeat what they say.
STYLES: Final = (("o", "-", "#000000"), ("^", "--", "#E69F00"), ("s", ":", "#0072B2"),
                 ("D", "-.", "#009E73"), ("v", "-", "#56B4E9"))  # fmt: skip


def draw(folder: Path) -> Path:
    """Draw ``large-growth.png`` from the rows of `bench.large growth`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    fits = pd.read_csv(folder / "large-growth-fits.csv")
    plain = pd.read_csv(folder / "large-growth.csv")
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.2), layout="constrained")
    _fits(axes[0], fits, "seconds", 1.0, "seconds of a fit")
    _fits(axes[1], fits, "peak_bytes", 2.0**30, "GiB, all processes")
    _ids(axes[2], plain)
    for panel in axes:
        panel.set(xscale="log", yscale="log", xlabel="columns")
        panel.tick_params(which="both", labelsize=7)
        panel.legend(fontsize=7)
    path = folder / "large-growth.png"
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path


def _fits(axes: Any, fits: pd.DataFrame, column: str, unit: float, title: str) -> None:
    for (solver, mine), style in zip(fits.groupby("solver"), STYLES, strict=False):
        marker, line, colour = style
        workers = str(solver).removeprefix("strads-")
        axes.plot(mine["columns"], mine[column] / unit, marker=marker, ls=line, color=colour,
                  label=f"{workers} worker{'s' if workers != '1' else ''}")  # fmt: skip
    axes.set_title(title, fontsize=9)


def _ids(axes: Any, plain: pd.DataFrame) -> None:
    most = plain[plain["workers"] == plain["workers"].max()]
    for (schedule, mine), style in zip(most.groupby("schedule"), STYLES, strict=False):
        marker, line, colour = style
        axes.plot(mine["columns"], mine["id_seconds"] * 1e9, marker=marker, ls=line, color=colour,
                  label=str(schedule))  # fmt: skip
    axes.set_title(f"ns a dispatched id, {plain['workers'].max()} workers", fontsize=9)
