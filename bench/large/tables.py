"""Tables of the Lasso at up to ten million variables: a title, a head and lines each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bench.harness.tables import Column, figures
from bench.large.planted import NONZEROS, index_type
from bench.large.trial import Trial

#: Columns of a design on paper, and of the smallest one that its lines go through.
PAPER, SMALLEST = 100_000_000, 100_000
MIB, GIB = 2.0**20, 2.0**30
Titled = tuple[str, list[str], list[tuple[str, ...]]]

FITS = (Column("outcome", "outcome", form="s"), Column("judged gap", "gap", form=".1e"),
        Column("non-zeros", "nonzeros", form=",.0f"),
        Column("working set", "working_set", form=",.0f"), Column("passes", "passes", form=".0f"),
        Column("seconds", "seconds", form=".2f"))  # fmt: skip
COMPILING = Column("compile s", "compile_seconds", form=".2f")
PEAK = Column("peak GiB", "peak_bytes", 1.0 / GIB, ",.2f")
GROWTH = (Column("ns an id", "id_seconds", 1e9, ",.0f"),
          Column("µs a round", "round_seconds", 1e6, ",.1f"),
          Column("of it scheduling, ns an id", "scheduling_seconds", 1e9, ",.0f"),
          Column("ms a full pass", "pass_seconds", 1e3, ",.2f"),
          Column("ns a column", "column_seconds", 1e9, ",.1f"), PEAK)  # fmt: skip


def fits(rows: pd.DataFrame, *, compiling: bool = False) -> Titled:
    """A line a fit; with the seconds of compilation, and the solver apart, if wanted."""
    places = [f"{row['columns']:,}, α_max/{row['divisor']:g}" for _, row in rows.iterrows()]
    if compiling:
        columns = (Column("solver", "solver", form="s"), *FITS, COMPILING, PEAK)
        return "Fits to a gap of 1e-4", *figures("columns, α", places, rows, columns)
    names = [f"{place}, {name}" for place, name in zip(places, rows["solver"], strict=True)]
    return "Fits to a gap of 1e-4", *figures("columns, α, solver", names, rows, (*FITS, PEAK))


def arrays(rows: pd.DataFrame) -> Titled:
    """Arrays of the largest fit that are a megabyte or more, or replicated."""
    last = _largest(rows)
    shown = last[(last["bytes"] >= MIB) | last["replicated"]].sort_values("bytes", ascending=False)
    lines = [(row["array"], row["kind"], str(row["axes"]), f"{row['bytes'] / MIB:,.3f}",
              "yes" if row["replicated"] else "", "yes" if row["reserved"] else "")
             for _, row in shown.iterrows()]  # fmt: skip
    rest = last.drop(shown.index)
    lines.append((f"{len(rest)} others", "", "", f"{rest['bytes'].sum() / MIB:,.3f}", "", ""))
    head = ["array", "kind", "axes", "MiB, all copies", "replicated", "only reserved"]
    return f"Arrays: {_largest_name(last)}", head, lines


def processes(rows: pd.DataFrame) -> Titled:
    """Proportional set sizes of the largest fit."""
    last = _largest(rows)
    lines = [(row["process"], f"{row['bytes'] / MIB:,.1f}") for _, row in last.iterrows()]
    lines.append(("all", f"{last['bytes'].sum() / MIB:,.1f}"))
    return f"Processes at the peak: {_largest_name(last)}", ["process", "MiB"], lines


def growth(rows: pd.DataFrame) -> Titled:
    """What an id, a round and a pass cost at every size."""
    ordered = rows.sort_values(["schedule", "workers", "columns"])
    names = [f"{row['schedule']}, {row['workers']}, {row['columns']:,}"
             for _, row in ordered.iterrows()]  # fmt: skip
    return ("Every column dispatched, by the plain program",
            *figures("schedule, workers, columns", names, ordered, GROWTH))  # fmt: skip


def speed_up(fits: pd.DataFrame, plain: pd.DataFrame) -> Titled:
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
    lines = [(f"{row['name']}, {row['columns']:,} columns", f"{row['workers']}",
              f"{row['value_one'] / row['value']:.2f}")
             for _, row in beside.iterrows()]  # fmt: skip
    return "Speed-up over one worker", ["", "workers", "times"], lines


def predicted(fits: pd.DataFrame, plain: pd.DataFrame) -> Titled:
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
        off = np.abs((a + b * x) / y - 1.0).max()
        formula = f"{a:.4g} + {b:.4g}·J" + (f" + {more:,}" if more else "")
        readable = f"{value / GIB:,.1f} GiB" if unit == "bytes" else f"{value:,.1f} s"
        lines.append((name, f"{formula} {unit}", f"{off:.0%}", readable))
    return f"J = {PAPER:,} on paper", ["", "line", "off by, at most", "value"], lines


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """(a, b) that minimise Σ ((a + b·x) / y − 1)²."""
    A = np.column_stack([1.0 / y, x / y])
    scale = np.linalg.norm(A, axis=0)
    found = np.linalg.lstsq(A / scale, np.ones(len(x)), rcond=None)[0] / scale
    return float(found[0]), float(found[1])


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


def where_it_went(trial: Trial) -> list[Titled]:
    """Memory and time of one fit: arrays by kind, processes at the peak, seconds by phase."""
    title = f"{trial.task.columns:,} columns, αmax/{trial.task.divisor:g}, {trial.solver}"
    kinds, found = [], pd.DataFrame(trial.found.get("bytes") or {"kind": []})
    for kind, of in found.groupby("kind", sort=False):
        reserved, copies = of.loc[of["reserved"], "bytes"].sum(), of[of["replicated"]]
        named = ", ".join(f"{row['array']} {row['bytes']:,}" for _, row in copies.iterrows())
        kinds.append((str(kind), f"{of['bytes'].sum() - reserved:,}", f"{reserved:,}",
                      named or "none"))  # fmt: skip
    shares = [(name, f"{size / MIB:,.1f}") for name, size in trial.shares.items()]
    phases = [(name, f"{seconds:.3f}") for name, seconds in trial.found.get("phases", {}).items()]
    return [
        (f"{title}: arrays", ["kind", "bytes", "reserved beside", "replicated, all copies"], kinds),
        (f"{title}: processes at the peak", ["process", "proportional MiB"], shares),
        (f"{title}: seconds by phase", ["phase", "seconds"], phases),
    ]


def _largest(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the last fit with most columns and workers."""
    columns = ["columns", "divisor", "solver"]
    last = rows[rows["columns"] == rows["columns"].max()][columns].iloc[-1]
    return rows[(rows[columns] == last).all(axis=1)]


def _largest_name(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    return f"{first['columns']:,} columns, α_max/{first['divisor']:g}, {first['solver']}"
