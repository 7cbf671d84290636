"""Tables of the Lasso at up to ten million variables."""

from __future__ import annotations

import pandas as pd

from bench.evidence.markdown import table
from bench.harness.tables import number
from bench.large import paper
from bench.large.growth import FIGURES, speed_ups

MIB, GIB = 2.0**20, 2.0**30


def fits(rows: pd.DataFrame) -> str:
    """A line a fit."""
    lines = [[f"{row['columns']:,}, α_max/{row['divisor']:g}, {row['solver']}", row["outcome"],
              number(row["gap"], ".1e"), number(row["nonzeros"], ",.0f"),
              number(row["working_set"], ",.0f"), number(row["passes"], ".0f"),
              number(row["seconds"], ".2f"), number(row["peak_bytes"] / GIB, ".2f")]
             for _, row in rows.iterrows()]  # fmt: skip
    head = ["columns, α, solver", "outcome", "judged gap", "non-zeros", "working set", "passes",
            "seconds", "peak GiB"]  # fmt: skip
    return table("Fits to a gap of 1e-4", head, lines)


def arrays(rows: pd.DataFrame) -> str:
    """Arrays of the largest fit that are a megabyte or more, or replicated."""
    last = _largest(rows)
    shown = last[(last["bytes"] >= MIB) | last["replicated"]].sort_values("bytes", ascending=False)
    lines = [[row["array"], row["kind"], str(row["axes"]), f"{row['bytes'] / MIB:,.3f}",
              "yes" if row["replicated"] else "", "yes" if row["reserved"] else ""]
             for _, row in shown.iterrows()]  # fmt: skip
    rest = last.drop(shown.index)
    lines.append([f"{len(rest)} others", "", "", f"{rest['bytes'].sum() / MIB:,.3f}", "", ""])
    head = ["array", "kind", "axes", "MiB, all copies", "replicated", "only reserved"]
    return table(f"Arrays: {_name(last)}", head, lines)


def processes(rows: pd.DataFrame) -> str:
    """Proportional set sizes of the largest fit."""
    last = _largest(rows)
    lines = [[row["process"], f"{row['bytes'] / MIB:,.1f}"] for _, row in last.iterrows()]
    lines.append(["all", f"{last['bytes'].sum() / MIB:,.1f}"])
    return table(f"Processes at the peak: {_name(last)}", ["process", "MiB"], lines)


def growth(rows: pd.DataFrame) -> str:
    """What an id, a round and a pass cost at every size."""
    ordered = rows.sort_values(["schedule", "workers", "columns"])
    lines = [[f"{row['schedule']}, {row['workers']}, {row['columns']:,}",
              *(number(row[word] * factor, form) for _, word, factor, form in FIGURES)]
             for _, row in ordered.iterrows()]  # fmt: skip
    head = ["schedule, workers, columns", *(title for title, *_ in FIGURES)]
    return table("Every column dispatched, by the plain program", head, lines)


def speed_up(fits: pd.DataFrame, plain: pd.DataFrame) -> str:
    """What further workers buy."""
    lines = speed_ups(fits.to_dict("records"), plain.to_dict("records"))
    return table("Speed-up over one worker", ["", "workers", "times"], lines)


def on_paper(fits: pd.DataFrame, plain: pd.DataFrame) -> str:
    """A hundred million columns."""
    lines = paper.predicted(fits.to_dict("records"), plain.to_dict("records"))
    return table(paper.TITLE, paper.HEAD, lines)


def _largest(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the last fit with most columns and workers."""
    columns = ["columns", "divisor", "solver"]
    last = rows[rows["columns"] == rows["columns"].max()][columns].iloc[-1]
    return rows[(rows[columns] == last).all(axis=1)]


def _name(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    return f"{first['columns']:,} columns, α_max/{first['divisor']:g}, {first['solver']}"
