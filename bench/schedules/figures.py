"""The figures: a panel for every data set and penalty, painted by one function each.

Markers and line styles tell arms apart without colour.
"""

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.harness.pictures import picture
from bench.schedules.arms import CHECKED
from bench.schedules.problem import most_lost, most_together

#: Marker, line style and grey or colour (Okabe and Ito) of every arm.
STYLE: Final = {
    "round-robin": ("s", ":", "#999999"),
    "random": ("o", "-", "#000000"),
    "priority": ("^", "--", "#E69F00"),
    "dependency": ("D", "-.", "#56B4E9"),
    "both": ("v", "-", "#0072B2"),
    "scheduled": ("v", "-", "#0072B2"),
    "by lists": ("P", "-", "#CC79A7"),
    "data-parallel": ("s", "--", "#D55E00"),
    "scikit-learn": ("x", "", "#000000"),
    "shipped": ("*", "-.", "#009E73"),
}
#: ρ of the figures that show one.
RHO: Final = 0.1
WIDTH, HEIGHT = 3.4, 2.8  # inches of a panel


def draw(rows: dict[str, pd.DataFrame], folder: Path, size: str) -> None:
    """Draw every figure whose rows are there; its file's name ends in `size`."""
    for name, (source, paint, x, y) in FIGURES.items():
        if len(rows.get(source, ())):
            _draw(folder / f"schedules-{name}{size}.png", rows[source], paint, x, y)


def _draw(path: Path, rows: pd.DataFrame, paint: Callable[..., None], x: str, y: str) -> None:
    divisors, names = sorted(set(rows["divisor"])), list(dict.fromkeys(rows["data"]))
    size = (WIDTH * len(names), HEIGHT * len(divisors) + 0.8)
    with picture(path, len(divisors), len(names), size) as (figure, grid):
        for axes, (divisor, name) in zip(
            grid.flat, itertools.product(divisors, names), strict=True
        ):
            part = rows[(rows["data"] == name) & (rows["divisor"] == divisor)]
            if not len(part):
                axes.remove()
                continue
            axes.set_title(f"{name}, α = α_max/{divisor:g}", fontsize=9)
            axes.set(xscale="log", yscale="log")
            paint(axes, part, rows)
            _number(axes)
        figure.supxlabel(x, fontsize=9)
        figure.supylabel(y, fontsize=9)
        named: dict[str, Any] = {}
        for axes in figure.axes:
            for line, label in zip(*axes.get_legend_handles_labels(), strict=True):
                named.setdefault(label, line)
        columns = min(len(named), 6 if max(map(len, named)) < 20 else 3)
        figure.legend(named.values(), named.keys(), loc="outside upper center", fontsize=8,
                      ncols=columns)  # fmt: skip


def _number(axes: Any) -> None:
    """Number the axes in full, between powers of ten, too, where there are few of these."""
    from matplotlib.ticker import LogLocator

    if axes.get_yscale() == "log" and not axes.dataLim.y1 > 0.0:
        axes.set(yscale="linear", yticks=[])
        axes.text(0.5, 0.5, "none arrives", transform=axes.transAxes, ha="center", fontsize=8)
    for axis, scale in ((axes.xaxis, axes.get_xscale()), (axes.yaxis, axes.get_yscale())):
        if scale == "log":
            axis.set_major_formatter("{x:g}")
            low, high = axis.get_view_interval()
            if high < 30 * low:
                axis.set_minor_locator(LogLocator(subs=(2, 5)))
                axis.set_minor_formatter("{x:g}")
    axes.tick_params(which="both", labelsize=7)


# A painter is given the axes and the rows of its panel, and the rows of all panels.


def _updates(axes: Any, part: pd.DataFrame, rows: pd.DataFrame, digits: int) -> None:
    """Epochs to a gap against the ids that move together; crosses at the top: diverged."""
    for arm, mine in _arms(part):
        _curve(axes, arm, mine[f"updates_{digits}"] / mine["features"], _together(mine))
        where = sorted(set(_together(mine[mine["status"] == "diverged"])))
        height = 0.98 - 0.035 * list(STYLE).index(arm)
        axes.plot(where, [height] * len(where), marker="x", ms=4, ls="", color=STYLE[arm][2],
                  transform=axes.get_xaxis_transform())  # fmt: skip
    axes.margins(y=0.25)  # room for the crosses


def _strictness(axes: Any, part: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Epochs to a gap of 1e-3 against ρ, for few and many ids that move together."""
    counts = sorted(set(_together(rows)))
    chosen = sorted({counts[len(counts) // 3], counts[2 * len(counts) // 3], counts[-1]})
    for count, style in zip(chosen, (":", "--", "-"), strict=False):
        for arm, other in (("dependency", "random"), ("both", "priority")):  # other: ρ = 1
            mine = part[part["arm"].isin([arm, other]) & (_together(part) == count)]
            _curve(axes, arm, mine["updates_3"] / mine["features"], mine["rho"],
                   ls=style, label=f"{arm}, {count} together")  # fmt: skip


def _error(axes: Any, part: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Share of the promised progress that was lost, beside the theoretical bound for random."""
    for arm, mine in _arms(part):
        _curve(axes, arm, mine["lost"].clip(upper=10.0), _together(mine), least=1e-4)
    used, radius = int(part["used"].iloc[0]), float(part["radius"].iloc[0])
    count = np.geomspace(2, max(4, _together(part).max()), 30)
    axes.plot(count, [most_lost(c, used, radius) for c in count], ls=(0, (1, 1)), color="0.4",
              label="bound for random")  # fmt: skip
    axes.axvline(most_together(used, radius), color="0.7", lw=0.8, label="nothing sure beyond")
    axes.set(ylim=(1e-4, 20))


def _trade(axes: Any, part: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Bytes moved against parallelisation error: every point is workers × ids of an arm."""
    for arm, mine in _arms(part[part["workers"] > 1]):
        # Bytes are in proportion to updates.
        moved = mine["bytes_moved"] * mine["updates_3"] / mine["updates"] / 1e6
        marker, _, colour = STYLE[arm]
        axes.plot(moved, mine["lost_3"].clip(lower=1e-4), marker=marker, ls="", ms=4, mfc="none",
                  color=colour, label=arm)  # fmt: skip


def _rounds(axes: Any, part: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Micro-rounds to a gap of 1e-3 against workers: the time, if all took equally long."""
    for arm, mine in _arms(part[part["ids"] == 1]):
        _curve(axes, arm, mine["rounds_3"], mine["workers"])


def _pipelining(axes: Any, part: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Epochs to a gap of 1e-6 against the depth of the pipeline."""
    places = sorted(set(zip(rows["workers"], rows["ids"], strict=True)))
    for (arm, workers, ids), mine in part.groupby(["arm", "workers", "ids"]):
        style = ("-", "--", ":", "-.")[places.index((workers, ids)) % 4]
        _curve(axes, arm, mine["updates_6"] / mine["features"], mine["depth"],
               ls=style, label=f"{arm}, {workers} × {ids}")  # fmt: skip
    axes.set(xscale="linear", xticks=sorted(set(rows["depth"])))


def _by_solver(axes: Any, part: pd.DataFrame, rows: pd.DataFrame, over: str, by: Any) -> None:
    """A figure, divided by another, of all solvers, against workers."""
    for solver, mine in part.groupby("solver"):
        values = mine[over] / (mine[by] if isinstance(by, str) else by)
        if values.notna().any():
            _curve(axes, str(solver), values, mine["workers"])


def _seconds(axes: Any, part: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Seconds to a gap of 1e-6 of every arm, by workers and ids; hollow: time not spent waiting."""
    axes.set(xscale="linear")
    for arm, mine in part[part["depth"] < 0].groupby("arm"):
        spots = mine["workers"].astype(str) + " × " + mine["ids"].astype(str)
        marker, _, colour = STYLE[arm]
        axes.plot(spots, mine["seconds_6"], marker=marker, ls="", color=colour, label=arm)
        busy = 1.0 - mine["waiting"] - mine["starved"]
        axes.plot(spots, mine["seconds_6"] * busy, marker=marker, ls="", mfc="none", color=colour)
    axes.tick_params(axis="x", rotation=60)


def _arms(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Rows of every arm, at the one ρ where there are several."""
    kept = rows[(rows["rho"] == RHO) | ~rows["arm"].isin(CHECKED)]
    return [(arm, kept[kept["arm"] == arm]) for arm in STYLE if (kept["arm"] == arm).any()]


def _together(rows: pd.DataFrame) -> pd.Series:
    """Ids that move together."""
    return rows["workers"] * rows["ids"]


def _curve(
    axes: Any, arm: str, values: pd.Series, by: pd.Series, *, least: float = 0.0, ls: str = "",
    label: str = "",
) -> None:  # fmt: skip
    """Draw the medians of values that belong together, where most runs reached the gap."""
    middle = values.fillna(np.inf).groupby(by).median()
    middle = middle[np.isfinite(middle)].clip(lower=least)
    marker, style, colour = STYLE[arm]
    axes.plot(middle.index, middle, marker=marker, ls=ls or style, color=colour,
              label=label or arm, ms=4, lw=1.2)  # fmt: skip


TOGETHER: Final = "ids that move together (workers × ids)"
LOST: Final = "share of the promise lost"
#: Name → the rows that a figure is drawn from, its painter, and its axes.
FIGURES: Final = {
    "epochs": ("updates", partial(_updates, digits=3), TOGETHER, "epochs to 1e-3"),
    "epochs-fine": ("updates", partial(_updates, digits=6), TOGETHER, "epochs to 1e-6"),
    "rho": ("updates", _strictness, "ρ (1: no check)", "epochs to 1e-3"),
    "error": ("updates", _error, TOGETHER, LOST),
    "trade": ("updates", _trade, "megabytes moved to a gap of 1e-3", LOST),
    "rounds": ("updates", _rounds, "workers, 1 id each", "micro-rounds to 1e-3"),
    "depth": ("pipelining", _pipelining, "depth (micro-rounds not yet seen)", "epochs to 1e-6"),
    "memory": ("conventional", partial(_by_solver, over="state_bytes", by=1e3), "workers",
               "kilobytes of state a worker"),
    "conventional": ("conventional", partial(_by_solver, over="updates_6", by="features"),
                     "workers", "epochs to 1e-6"),
    "time": ("seconds", _seconds, "workers × ids", "seconds to 1e-6"),
}  # fmt: skip
