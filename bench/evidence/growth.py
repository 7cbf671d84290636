"""The figure of growth: seconds and bytes against the number of columns."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

#: Marker, line style and colour of the lines of a panel; colours repeat what they say.
STYLES: Final = (("o", "-", "#000000"), ("^", "--", "#E69F00"), ("s", ":", "#0072B2"),
                 ("D", "-.", "#009E73"), ("v", "-", "#56B4E9"))  # fmt: skip


def draw(folder: Path) -> Path:
    """Draw ``large-growth.png`` from the rows of `bench.large growth`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    fits = pd.read_csv(folder / "large-growth-fits.csv")
    workers = fits["solver"].str.removeprefix("strads-")
    fits["line"] = workers + workers.map(lambda n: " worker" if n == "1" else " workers")
    plain = pd.read_csv(folder / "large-growth.csv").rename(columns={"schedule": "line"})
    most = plain["workers"].max()
    panels = (
        ("seconds of a fit", fits, "seconds", 1.0),
        ("GiB, all processes", fits, "peak_bytes", 2.0**-30),
        (f"ns a dispatched id, {most} workers", plain[plain["workers"] == most], "id_seconds", 1e9),
    )
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.2), layout="constrained")
    for panel, (title, rows, column, factor) in zip(axes, panels, strict=True):
        for (name, mine), (mark, line, colour) in zip(rows.groupby("line"), STYLES, strict=False):
            panel.plot(mine["columns"], mine[column] * factor, marker=mark, ls=line, color=colour,
                       label=str(name))  # fmt: skip
        panel.set_title(title, fontsize=9)
        panel.set(xscale="log", yscale="log", xlabel="columns")
        panel.tick_params(which="both", labelsize=7)
        panel.legend(fontsize=7)
    path = folder / "large-growth.png"
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path
