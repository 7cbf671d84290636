"""Tables and picture of the document on clusters, all made from one file of rows."""

from pathlib import Path

import pandas as pd

from bench.harness.pictures import STYLES, picture
from bench.harness.tables import Table, Tables
from bench.scale.model import NETWORKS, modelled

#: How much larger the problem of the second table is.
LARGER = 100
COUNTED = [
    ("fit", "{fit}"), ("nodes", "{nodes}"), ("epochs to the goal", "{epochs:.0f}"),
    ("judged", "{judged:.3g}"), ("exchanges an epoch", "{exchanges:,.0f}"),
    ("MB sent a rank an epoch", "{sent:,.2f}"), ("MB received", "{received:,.2f}"),
    ("ms an epoch: kernels", "{kernels:,.1f}"), ("engine", "{engine:,.1f}"),
    ("waiting", "{waiting:,.1f}"),
]  # fmt: skip
CHECKED = [
    ("fit", "{fit}"), ("epochs", "{epochs:,}"), ("latency µs", "{latency_us:,.0f}"),
    ("GB/s", "{bandwidth:,.2f}"), ("modelled s", "{modelled:.3f}"),
    ("measured s", "{measured:.3f}"), ("ratio", "{ratio:.2f}"),
]  # fmt: skip
FORETOLD = [
    ("fit", "{fit}"), ("nodes", "{nodes}"),
    *[
        (f"{network.name}: {head}", "{" + f"{word}{k}" + form)
        for k, network in enumerate(NETWORKS)
        for word, head, form in (("seconds", "s", ":.3f}"), ("speedup", "speed-up", ":.2f}"),
                                 ("most", "most of it", f"}} {{share{k}:.0%}}"))
    ],
]  # fmt: skip


def sizes(rows: pd.DataFrame) -> Table:
    """Return what is fitted."""
    return Table("Problems", [("fit", "{fit}"), ("size", "{size}")], rows[rows["nodes"] == 1])


def counted(rows: pd.DataFrame) -> Table:
    """Return what was counted and measured, an epoch."""
    each = rows.copy()
    for name, unit in (("exchanges", 1), ("sent", 1e6), ("received", 1e6)):
        each[name] = rows[name] / rows["counted"] / unit
    for name, value in (
        ("kernels", rows["kernels"]), ("engine", rows["mean"] - rows["kernels"]),
        ("waiting", rows["slowest"] - rows["mean"]),
    ):  # fmt: skip
        each[name] = 1e3 * value / rows["counted"]
    return Table("Counted and measured", COUNTED, each)


def foretold(rows: pd.DataFrame) -> Table:
    """Return seconds and speed-ups of these fits."""
    return Table("Modelled: these fits, to the same accuracy", FORETOLD, _side_by_side(rows, 1.0))


def larger(rows: pd.DataFrame) -> Table:
    """Return the same of larger problems."""
    title = f"Modelled: {LARGER} times the work and the bytes, as many epochs and exchanges"
    return Table(title, FORETOLD, _side_by_side(rows, LARGER))


def checked(rows: pd.DataFrame) -> Table:
    """Return the seconds of two ranks beside those of the model."""
    shown = rows.assign(latency_us=1e6 * rows["latency"], bandwidth=1e-9 / rows["byte"])
    return Table("Two ranks of this machine: the model beside MPI", CHECKED, shown)


def _side_by_side(rows: pd.DataFrame, times: float) -> pd.DataFrame:
    found = rows[["fit", "nodes"]].reset_index(drop=True)
    for k, network in enumerate(NETWORKS):
        made = modelled(rows, network, times)
        for word in ("seconds", "speedup", "most", "share"):
            found[f"{word}{k}"] = made[word]
    return found


def draw(rows: pd.DataFrame, path: Path) -> None:
    """Draw speed-ups against nodes: one picture for each fit, beside a straight line."""
    fits = list(dict.fromkeys(rows["fit"]))
    with picture(path, 1, len(fits), (3.6 * len(fits), 3.6)) as (_, grid):
        for axes, fit in zip(grid.flat, fits, strict=True):
            mine = rows[rows["fit"] == fit]
            axes.plot(mine["nodes"], mine["nodes"], color="#999999", lw=1,
                      label="linear; the original: “close to linear”")  # fmt: skip
            lines = [(n, times) for times in (1.0, float(LARGER)) for n in NETWORKS]
            for (network, times), (mark, line, colour) in zip(lines, STYLES, strict=False):
                made = modelled(mine, network, times)
                size = "" if times == 1.0 else f", {times:.0f} × larger"
                axes.plot(made["nodes"], made["speedup"], marker=mark, ls=line, color=colour,
                          label=f"{network.name}{size}", ms=4)  # fmt: skip
            axes.set_title(f"{fit}: modelled speed-up", fontsize=9)
            axes.set(xscale="log", yscale="log", xlabel="nodes with one worker each")
            axes.set_xticks(list(mine["nodes"]), [str(n) for n in mine["nodes"]])
            axes.minorticks_off()
            axes.tick_params(labelsize=7)
        grid.flat[0].legend(fontsize=6)


#: Name → what makes the tables, and the file of rows.
TABLES: Tables = {
    "scale": ([sizes, counted, foretold, larger], ["scale"]),
    "scale-check": ([checked], ["scale-check"]),
}
