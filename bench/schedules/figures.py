"""The figures, one function each: markers and line styles tell arms apart without colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.schedules.theory import most_lost, most_together

#: Marker, line style and grey or colour (Okabe and Ito) of every arm.
STYLE: Final = {
    "round-robin": ("s", ":", "#999999"),
    "random": ("o", "-", "#000000"),
    "priority": ("^", "--", "#E69F00"),
    "dependency": ("D", "-.", "#56B4E9"),
    "both": ("v", "-", "#0072B2"),
    "scheduled": ("v", "-", "#0072B2"),
    "data-parallel": ("s", "--", "#D55E00"),
    "scikit-learn": ("x", "", "#000000"),
    "shipped": ("*", "-.", "#009E73"),
}
#: ρ of the figures that show one.
RHO: Final = 0.1
WIDTH, HEIGHT = 3.4, 2.8  # inches of a panel


def draw(files: Mapping[str, Path], folder: Path) -> list[Path]:
    """Draw every figure whose rows are there."""
    tables = {name: pd.read_csv(path) for name, path in files.items() if path.exists()}
    size = "".join(dict.fromkeys(_size(path) for path in files.values()))
    drawn = []
    for name, (source, function) in FIGURES.items():
        if source in tables and len(tables[source]):
            path = folder / f"schedules-{name}{size}.png"
            figure = function(tables[source])
            figure.savefig(path, dpi=150)
            drawn.append(path)
    return drawn


def _size(path: Path) -> str:
    return next((f"-{word}" for word in ("quick", "tiny") if path.stem.endswith(word)), "")


def updates(rows: pd.DataFrame, digits: int) -> Any:
    """Epochs to a gap against the ids that move together; crosses at the top: diverged."""
    figure, panels = _panels(rows)
    for axes, part in panels:
        for arm, mine in _shown(part):
            middle = _medians(mine, mine[f"updates_{digits}"] / mine["features"])
            _line(axes, middle.index, middle.to_numpy(), arm)
            gone = mine[mine["status"] == "diverged"]
            where = sorted(set(gone["workers"] * gone["ids"]))
            height = 0.98 - 0.035 * list(STYLE).index(arm)
            axes.plot(where, [height] * len(where), marker="x", ms=4, ls="", color=STYLE[arm][2],
                      transform=axes.get_xaxis_transform())  # fmt: skip
        axes.margins(y=0.25)  # room for the crosses
        axes.set(xscale="log", yscale="log")
    return _finish(figure, "ids that move together (workers × ids)", f"epochs to 1e-{digits}")


def strictness(rows: pd.DataFrame) -> Any:
    """Epochs to a gap of 1e-3 against ρ, for few and many ids that move together."""
    figure, panels = _panels(rows)
    counts = sorted(set(rows["workers"] * rows["ids"]))
    chosen = sorted({counts[len(counts) // 3], counts[2 * len(counts) // 3], counts[-1]})
    for axes, part in panels:
        for count, style in zip(chosen, (":", "--", "-"), strict=False):
            for arm in ("dependency", "both"):
                other = {"dependency": "random", "both": "priority"}[arm]  # ρ = 1
                mine = part[
                    part["arm"].isin([arm, other]) & (part["workers"] * part["ids"] == count)
                ]
                ratio = mine["updates_3"] / mine["features"]
                middle = ratio.fillna(np.inf).groupby(mine["rho"]).median()
                middle = middle[np.isfinite(middle)]
                marker, _, colour = STYLE[arm]
                axes.plot(middle.index, middle, marker=marker, ls=style, color=colour,
                          label=f"{arm}, {count} together")  # fmt: skip
        axes.set(xscale="log", yscale="log")
    return _finish(figure, "ρ (1: no check)", "epochs to 1e-3")


def error(rows: pd.DataFrame) -> Any:
    """Share of the promised progress that was lost, beside the theoretical bound for random."""
    figure, panels = _panels(rows)
    for axes, part in panels:
        for arm, mine in _shown(part):
            middle = _medians(mine, mine["lost"].clip(upper=10.0))
            _line(axes, middle.index, np.maximum(middle.to_numpy(), 1e-4), arm)
        used, radius = int(part["used"].iloc[0]), float(part["radius"].iloc[0])
        count = np.geomspace(2, max(4, (part["workers"] * part["ids"]).max()), 30)
        axes.plot(count, [most_lost(c, used, radius) for c in count], ls=(0, (1, 1)), color="0.4",
                  label="bound for random")  # fmt: skip
        axes.axvline(most_together(used, radius), color="0.7", lw=0.8, label="nothing sure beyond")
        axes.set(xscale="log", yscale="log", ylim=(1e-4, 20))
    return _finish(figure, "ids that move together (workers × ids)", "share of the promise lost")


def trade(rows: pd.DataFrame) -> Any:
    """Bytes moved against parallelisation error: every point is workers × ids of an arm."""
    figure, panels = _panels(rows)
    for axes, part in panels:
        moving = part[part["workers"] > 1]
        for arm, mine in _shown(moving):
            # Bytes are in proportion to updates.
            moved = mine["bytes_moved"] * mine["updates_3"] / mine["updates"] / 1e6
            marker, _, colour = STYLE[arm]
            axes.plot(moved, mine["lost_3"].clip(lower=1e-4), marker=marker, ls="", ms=4,
                      mfc="none", color=colour, label=arm)  # fmt: skip
        axes.set(xscale="log", yscale="log")
    return _finish(figure, "megabytes moved to a gap of 1e-3", "share of the promise lost")


def rounds(rows: pd.DataFrame) -> Any:
    """Micro-rounds to a gap of 1e-3 against workers: the time, if all took equally long."""
    figure, panels = _panels(rows)
    few = rows["ids"].min()
    for axes, part in panels:
        for arm, mine in _shown(part[part["ids"] == few]):
            far = mine["rounds_3"].fillna(np.inf).groupby(mine["workers"]).median()
            far = far[np.isfinite(far)]
            _line(axes, far.index, far.to_numpy(), arm)
        axes.set(xscale="log", yscale="log")
    return _finish(figure, f"workers, {few} ids each", "micro-rounds to 1e-3")


def pipelining(rows: pd.DataFrame) -> Any:
    """Epochs to a gap of 1e-6 against the depth of the pipeline."""
    figure, panels = _panels(rows)
    places = sorted(set(zip(rows["workers"], rows["ids"], strict=True)))
    for axes, part in panels:
        for (arm, workers, ids), mine in part.groupby(["arm", "workers", "ids"]):
            epochs = (mine["updates_6"] / mine["features"]).fillna(np.inf)
            middle = epochs.groupby(mine["depth"]).median()
            middle = middle[np.isfinite(middle)]
            marker, _, colour = STYLE[arm]
            style = ("-", "--", ":", "-.")[places.index((workers, ids)) % 4]
            axes.plot(middle.index, middle, marker=marker, ls=style, color=colour,
                      label=f"{arm}, {workers} × {ids}")  # fmt: skip
        axes.set(yscale="log", xticks=sorted(set(rows["depth"])))
    return _finish(figure, "depth (micro-rounds not yet seen)", "epochs to 1e-6")


def memory(rows: pd.DataFrame) -> Any:
    """Bytes of model and derived arrays a worker, against workers."""
    figure, panels = _panels(rows)
    for axes, part in panels:
        for solver, mine in part.dropna(subset=["state_bytes"]).groupby("solver"):
            _line(axes, mine["workers"], mine["state_bytes"].to_numpy() / 1e3, solver)
        axes.set(xscale="log", yscale="log")
    return _finish(figure, "workers", "kilobytes of state a worker")


def conventional(rows: pd.DataFrame) -> Any:
    """Epochs to a gap of 1e-6 of the scheduled, conventional and shipped solvers."""
    figure, panels = _panels(rows)
    for axes, part in panels:
        for solver, mine in part.groupby("solver"):
            _line(axes, mine["workers"], (mine["updates_6"] / mine["features"]).to_numpy(), solver)
        axes.set(xscale="log", yscale="log")
    return _finish(figure, "workers", "epochs to 1e-6")


def seconds(rows: pd.DataFrame) -> Any:
    """Seconds to a gap of 1e-6 of every arm, by workers and ids; hollow: time not spent waiting."""
    figure, panels = _panels(rows[rows["depth"] < 0])
    for axes, part in panels:
        for arm, mine in part.groupby("arm"):
            spots = mine["workers"].astype(str) + " × " + mine["ids"].astype(str)
            marker, _, colour = STYLE[arm]
            axes.plot(spots, mine["seconds_6"], marker=marker, ls="", color=colour, label=arm)
            lost = mine["waiting"] + mine["starved"]
            axes.plot(spots, mine["seconds_6"] * (1.0 - lost), marker=marker, ls="", mfc="none",
                      color=colour)  # fmt: skip
        axes.set(yscale="log")
        axes.tick_params(axis="x", rotation=60)
    return _finish(figure, "workers × ids", "seconds to 1e-6")


FIGURES: Final[dict[str, tuple[str, Callable[[pd.DataFrame], Any]]]] = {
    "epochs": ("updates", partial(updates, digits=3)),
    "epochs-fine": ("updates", partial(updates, digits=6)),
    "rho": ("updates", strictness),
    "error": ("updates", error),
    "trade": ("updates", trade),
    "rounds": ("updates", rounds),
    "depth": ("pipelining", pipelining),
    "memory": ("conventional", memory),
    "conventional": ("conventional", conventional),
    "time": ("seconds", seconds),
}


def _panels(rows: pd.DataFrame) -> tuple[Any, list[tuple[Any, pd.DataFrame]]]:
    """A panel for every data set and penalty."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    divisors, names = sorted(set(rows["divisor"])), list(dict.fromkeys(rows["data"]))
    size = (WIDTH * len(names), HEIGHT * len(divisors) + 0.8)
    figure, axes = plt.subplots(len(divisors), len(names), squeeze=False, layout="constrained",
                                figsize=size)  # fmt: skip
    panels = []
    for i, divisor in enumerate(divisors):
        for k, name in enumerate(names):
            part = rows[(rows["data"] == name) & (rows["divisor"] == divisor)]
            if len(part):
                axes[i, k].set_title(f"{name}, α = α_max/{divisor:g}", fontsize=9)
                panels.append((axes[i, k], part))
            else:
                axes[i, k].remove()
    return figure, panels


def _shown(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Rows of every arm, at the one ρ where there are several."""
    kept = rows[(rows["rho"] == RHO) | ~rows["arm"].isin(["dependency", "both"])]
    return [(arm, kept[kept["arm"] == arm]) for arm in STYLE if (kept["arm"] == arm).any()]


def _medians(rows: pd.DataFrame, values: pd.Series) -> pd.Series:
    """Median by the number of ids that move together, where most runs reached the gap."""
    middle = values.fillna(np.inf).groupby(rows["workers"] * rows["ids"]).median()
    return middle[np.isfinite(middle)]


def _line(axes: Any, x: Any, y: Any, arm: str) -> None:
    marker, style, colour = STYLE[arm]
    axes.plot(x, y, marker=marker, ls=style, color=colour, label=arm, ms=4, lw=1.2)


def _finish(figure: Any, x: str, y: str) -> Any:
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator

    for axes in figure.axes:
        if axes.get_yscale() == "log" and not axes.dataLim.y1 > 0.0:
            axes.set(yscale="linear", yticks=[])
            axes.text(0.5, 0.5, "none arrives", transform=axes.transAxes, ha="center", fontsize=8)
        for axis, scale in ((axes.xaxis, axes.get_xscale()), (axes.yaxis, axes.get_yscale())):
            if scale == "log":
                axis.set_major_formatter("{x:g}")
                low, high = axis.get_view_interval()
                if high < 30 * low:  # few powers of ten: numbers between them, too
                    axis.set_minor_locator(LogLocator(subs=(2, 5)))
                    axis.set_minor_formatter("{x:g}")
        axes.tick_params(which="both", labelsize=7)
    figure.supxlabel(x, fontsize=9)
    figure.supylabel(y, fontsize=9)
    named: dict[str, Any] = {}
    for axes in figure.axes:
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, line)
    figure.legend(named.values(), named.keys(), loc="outside upper center", fontsize=8,
                  ncols=min(len(named), 6 if max(map(len, named)) < 20 else 3))  # fmt: skip
    plt.close(figure)
    return figure
