"""Tables of the Lasso at up to ten million variables, from rows of `bench.large`."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bench.harness.tables import Table, Tables
from bench.large.planted import NONZEROS, index_type

#: Columns of a design on paper, and of the smallest one that its lines go through.
PAPER, SMALLEST = 100_000_000, 100_000
MIB, GIB = 2.0**20, 2.0**30


def fits(rows: pd.DataFrame) -> Table:
    """A line a fit."""
    columns = [
        ("columns, α, solver", "{columns:,}, α_max/{divisor:g}, {solver}"),
        ("outcome", "{outcome}"), ("judged gap", "{gap:.1e}"), ("non-zeros", "{nonzeros:,.0f}"),
        ("working set", "{working_set:,.0f}"), ("passes", "{passes:.0f}"),
        ("seconds", "{seconds:.2f}"), ("peak GiB", "{gib:,.2f}"),
    ]  # fmt: skip
    numbers = rows.astype(dict.fromkeys(("gap", "nonzeros", "working_set", "passes"), float))
    return Table("Fits to a gap of 1e-4", columns, numbers.assign(gib=rows["peak_bytes"] / GIB))


def arrays(rows: pd.DataFrame) -> Table:
    """Arrays of the largest fit that are a megabyte or more, or replicated."""
    last, title = _largest(rows)
    shown = last[(last["bytes"] >= MIB) | last["replicated"]].sort_values("bytes", ascending=False)
    rest = last.drop(shown.index)
    others = {"array": f"{len(rest)} others", "kind": "", "axes": "", "bytes": rest["bytes"].sum(),
              "replicated": False, "reserved": False}  # fmt: skip
    whole = pd.concat([shown, pd.DataFrame([others])])
    whole = whole.assign(mib=whole["bytes"] / MIB, axes=whole["axes"].astype(str),
                         **{name: whole[name].map({True: "yes", False: ""})
                            for name in ("replicated", "reserved")})  # fmt: skip
    return Table(f"Arrays: {title}", [
        ("array", "{array}"), ("kind", "{kind}"), ("axes", "{axes}"),
        ("MiB, all copies", "{mib:,.3f}"), ("replicated", "{replicated}"),
        ("only reserved", "{reserved}"),
    ], whole)  # fmt: skip


def processes(rows: pd.DataFrame) -> Table:
    """Proportional set sizes of the largest fit."""
    last, title = _largest(rows)
    whole = pd.concat([last, pd.DataFrame([{"process": "all", "bytes": last["bytes"].sum()}])])
    return Table(f"Processes at the peak: {title}",
                 [("process", "{process}"), ("MiB", "{mib:,.1f}")],
                 whole.assign(mib=whole["bytes"] / MIB))  # fmt: skip


def growth(rows: pd.DataFrame) -> Table:
    """What an id, a round and a pass cost at every size."""
    rows = rows.sort_values(["schedule", "workers", "columns"])
    scaled = rows.assign(
        ns=rows["id_seconds"] * 1e9, us=rows["round_seconds"] * 1e6,
        scheduling=rows["scheduling_seconds"] * 1e9, whole=rows["pass_seconds"] * 1e3,
        column=rows["column_seconds"] * 1e9, gib=rows["peak_bytes"] / GIB,
    )  # fmt: skip
    return Table("Every column dispatched, by the plain program", [
        ("schedule, workers, columns", "{schedule}, {workers}, {columns:,}"),
        ("ns an id", "{ns:,.0f}"), ("µs a round", "{us:,.1f}"),
        ("of it scheduling, ns an id", "{scheduling:,.0f}"), ("ms a full pass", "{whole:,.2f}"),
        ("ns a column", "{column:,.1f}"), ("peak GiB", "{gib:,.2f}"),
    ], scaled)  # fmt: skip


def speed_up(fits: pd.DataFrame, plain: pd.DataFrame) -> Table:
    """One worker's seconds divided by those of several."""
    workers = fits["solver"].str.rpartition("-")[2].astype(int)
    ordered = plain.sort_values("schedule", kind="stable")
    passes = plain[plain["schedule"] == "round-robin"]
    seconds = pd.concat([
        fits.assign(workers=workers, name="whole fit", value=fits["seconds"]),
        ordered.assign(name="ids by " + ordered["schedule"], value=ordered["id_seconds"]),
        passes.assign(name="full pass", value=passes["pass_seconds"]),
    ])[["name", "columns", "workers", "value"]]  # fmt: skip
    one = seconds["workers"] == 1
    beside = seconds[~one].merge(seconds[one], on=["name", "columns"], suffixes=("", "_one"))
    return Table("Speed-up over one worker", [
        ("", "{name}, {columns:,} columns"), ("workers", "{workers}"), ("times", "{times:.2f}"),
    ], beside.assign(times=beside["value_one"] / beside["value"]))  # fmt: skip


def predicted(fits: pd.DataFrame, plain: pd.DataFrame) -> Table:
    """Every line, how far off it is where it was measured, and its value at `PAPER` columns.

    A line a + b·J is fitted to bytes and to seconds so that relative errors count, not absolute
    ones; sizes below `SMALLEST` are left out, since costs that do not depend on J dominate there.
    Beyond 2³¹ non-zeros, 86 million columns, SciPy demands row numbers as wide as pointers: 8 bytes
    instead of 4 for each, which no measurement below that can show and is added.
    """
    lines = []
    for name, unit, columns, values in _series(fits, plain):
        kept = (columns >= SMALLEST) & values.notna()
        if kept.sum() < 2:
            continue
        x, y = columns[kept].to_numpy(float), values[kept].to_numpy(float)
        a, b = line(x, y)
        more = wider_bytes(PAPER) if unit == "bytes" else 0
        value = a + b * PAPER + more
        lines.append({
            "name": name, "off": np.abs((a + b * x) / y - 1.0).max(),
            "line": f"{a:.4g} + {b:.4g}·J" + (f" + {more:,}" if more else "") + f" {unit}",
            "value": f"{value / GIB:,.1f} GiB" if unit == "bytes" else f"{value:,.1f} s",
        })  # fmt: skip
    return Table(f"J = {PAPER:,} on paper", [
        ("", "{name}"), ("line", "{line}"), ("off by, at most", "{off:.0%}"), ("value", "{value}"),
    ], lines)  # fmt: skip


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """(a, b) that minimise Σ ((a + b·x) / y − 1)²."""
    b, a = np.polyfit(x, y, 1, w=1.0 / y)
    return float(a), float(b)


def wider_bytes(columns: int) -> int:
    """Bytes of X beyond those of 32-bit indices."""
    nonzeros = columns * NONZEROS
    return (index_type(nonzeros).itemsize - 4) * (nonzeros + columns + 1)


def _series(
    fits: pd.DataFrame, plain: pd.DataFrame
) -> Iterator[tuple[str, str, pd.Series, pd.Series]]:
    """Yield name, unit, columns and values of every figure."""
    reached = fits[fits["outcome"] == "converged"]
    for (divisor, solver), of in reached.groupby(["divisor", "solver"], sort=False):
        name = f"fit, αmax/{divisor:g}, {solver}"
        yield f"{name}: all processes", "bytes", of["columns"], of["peak_bytes"]
        yield f"{name}: time", "s", of["columns"], of["seconds"]
    for (schedule, workers), of in plain.groupby(["schedule", "workers"], sort=False):
        name, columns = f"{schedule}, {workers} workers", of["columns"]
        yield f"{name}: all processes", "bytes", columns, of["peak_bytes"]
        yield f"{name}: an epoch", "s", columns, of["id_seconds"] * columns
        if schedule == "round-robin":
            yield f"{workers} workers: a full pass", "s", columns, of["pass_seconds"]


def _largest(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Rows of the last fit with most columns and workers, and its name."""
    names = ["columns", "divisor", "solver"]
    last = rows[rows["columns"] == rows["columns"].max()][names].iloc[-1]
    title = f"{last['columns']:,} columns, α_max/{last['divisor']:g}, {last['solver']}"
    return rows[(rows[names] == last).all(axis=1)], title


TABLES: Tables = {
    "fits": ([fits], ["large-fits"]),
    "peers": ([fits], ["large-peers"]),
    "arrays": ([arrays], ["large-arrays"]),
    "processes": ([processes], ["large-processes"]),
    "growth": ([growth], ["large-growth"]),
    "speed-ups": ([speed_up], ["large-growth-fits", "large-growth"]),
    "on-paper": ([predicted], ["large-growth-fits", "large-growth"]),
}
