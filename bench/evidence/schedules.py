"""Tables of what `bench.schedules` measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.harness.tables import DASH, Column, figures, markdown
from bench.schedules import defaults as looked_for
from bench.schedules import verdict
from bench.schedules.arms import ARMS, CHECKED
from bench.schedules.grid import USUAL_RHO

#: Ids of a worker's micro-round in tables that show one.
IDS = 8


def spread(values: pd.Series, form: str = ".3g") -> str:
    """Median and range of what arrived; a dash if most did not."""
    far = values.fillna(np.inf)
    middle = far.median() if len(far) else np.inf
    if not np.isfinite(middle):
        return DASH
    if far.nunique() == 1:
        return f"{middle:{form}}"
    top = f"{far.max():{form}}" if np.isfinite(far.max()) else "∞"
    return f"{middle:{form}} ({far.min():{form}} to {top})"


def _pivot(
    title: str, rows: pd.DataFrame, place: str, by: str, over: Sequence[Any],
    cell: Callable[[pd.DataFrame], str],
) -> str:  # fmt: skip
    """A line for every place, and a cell for every value of `by`, made of the rows of both.

    `place` is a format of the columns that make a place, such as ``"{data}, {arm}"``.
    """
    names = [field.partition("}")[0].partition(":")[0] for field in place.split("{")[1:]]
    lines = []
    for where, group in rows.groupby(names):
        name = place.format(**dict(zip(names, where, strict=True)))
        lines.append([name, *(cell(group[group[by] == each]) for each in over)])
    return markdown(title, ["setting", *map(str, over)], lines)


def verdicts(rows: pd.DataFrame) -> str:
    """Every arm beside random: the count of places that it wins and loses."""
    return markdown("Median updates beside random's, counted over settings",
                 ["arm, gap", *verdict.HEAD], verdict.compared(rows))  # fmt: skip


def places(rows: pd.DataFrame) -> str:
    """Priority with dependency beside random, by data, penalty and ρ, to a gap of 1e-3."""
    groups = verdict.verdicts(rows, "both", "updates_3").groupby(["data", "divisor", "rho"])
    lines = [verdict.counted(f"{data}, α_max/{divisor:g}, ρ = {rho:g}", group)
             for (data, divisor, rho), group in groups]  # fmt: skip
    return markdown("Priority + dependency beside random, to 1e-3",
                 ["setting", *verdict.HEAD], lines)  # fmt: skip


def _epochs(column: str) -> Callable[[pd.DataFrame], str]:
    def cell(mine: pd.DataFrame) -> str:
        if not len(mine):
            return ""
        text = spread(mine[column] / mine["features"])
        gone = text == DASH and (mine["status"] == "diverged").mean() > 0.5
        return "diverged" if gone else text

    return cell


def epochs(rows: pd.DataFrame) -> str:
    """Epochs to both gaps, by workers: median and range over seeds."""
    ids = IDS if (rows["ids"] == IDS).any() else rows["ids"].max()
    usual = rows[(rows["ids"] == ids) & (~rows["arm"].isin(CHECKED) | (rows["rho"] == USUAL_RHO))]
    place = f"{{data}}, α_max/{{divisor:g}}, {{workers}} × {ids}"
    return "\n\n".join(
        _pivot(f"Epochs to {gap}, ρ = {USUAL_RHO}", usual, place, "arm", ARMS, _epochs(column))
        for gap, column in (("1e-3", "updates_3"), ("1e-6", "updates_6"))
    )


def strictness(rows: pd.DataFrame) -> str:
    """Epochs of priority + dependency to 1e-3 by ρ; ρ = 1 is priority alone."""
    kept = rows[rows["arm"].isin(["priority", "both"]) & (rows["ids"] > 1)]
    rhos = [f"{rho:g}" for rho in sorted(set(kept["rho"]))]
    return _pivot("Priority + dependency: epochs to 1e-3 by ρ (1: no check)",
                  kept.assign(rho=kept["rho"].map("{:g}".format)),
                  "{data}, α_max/{divisor:g}, {workers} × {ids}", "rho", rhos,
                  _epochs("updates_3"))  # fmt: skip


def divergences(rows: pd.DataFrame) -> str:
    """How many runs diverged, and where."""
    return markdown(*verdict.divergences(rows))


def depths(rows: pd.DataFrame) -> str:
    """Epochs to 1e-6 by depth."""
    return _by_depth(rows, rows["updates_6"] / rows["features"], "Epochs to 1e-6 by depth")


def pipelined_seconds(rows: pd.DataFrame) -> str:
    """Seconds to 1e-6 by depth."""
    piped = rows[rows["depth"] >= 0]
    return _by_depth(piped, piped["seconds_6"], "Seconds to 1e-6 by depth, worker processes")


def _by_depth(rows: pd.DataFrame, values: pd.Series, title: str) -> str:
    return _pivot(title, rows.assign(value=values), "{data}, {arm}, {workers} × {ids}", "depth",
                  sorted(set(rows["depth"])), lambda mine: spread(mine["value"]))  # fmt: skip


def seconds(rows: pd.DataFrame) -> str:
    """Seconds to 1e-6 by arm, and the share that was waiting or scheduling."""

    def cell(mine: pd.DataFrame) -> str:
        lost = (mine["waiting"] + mine["starved"]).median()
        return f"{spread(mine['seconds_6'])}, {lost:.0%}" if len(mine) else ""

    return _pivot("Seconds to 1e-6, α_max/10 (share of the rounds spent waiting or scheduling)",
                  rows[rows["depth"] < 0], "{data}, {workers} × {ids}", "arm", ARMS,
                  cell)  # fmt: skip


CONVENTIONAL = (
    Column("epochs to 1e-3", "epochs_3"), Column("1e-6", "epochs_6"),
    Column("s to 1e-3", "seconds_3"), Column("1e-6", "seconds_6"),
    Column("kB of state a worker", "state_bytes", 1e-3),
    Column("of it replicated", "replicated_bytes", 1e-3),
    Column("MB moved to 1e-6", "moved_6", 1e-6),
)  # fmt: skip


def conventional(rows: pd.DataFrame) -> str:
    """Solvers side by side: epochs, seconds, and bytes of every worker."""
    ordered = rows.sort_values(["data", "divisor", "solver", "workers"])
    ordered = ordered.assign(epochs_3=ordered["updates_3"] / ordered["features"],
                             epochs_6=ordered["updates_6"] / ordered["features"])  # fmt: skip
    names = [f"{each.data}, α_max/{each.divisor:g}, {each.solver}, {each.workers}"
             for each in ordered.itertuples()]  # fmt: skip
    return markdown("Schedules and the conventional ways",
                 *figures("data, α, solver, workers", names, ordered, CONVENTIONAL))  # fmt: skip


def defaults(rows: pd.DataFrame) -> str:
    """Combinations of lease, micro-round and ρ, the best first."""
    head = ["lease, ids, ρ", "seconds ÷ best, geometric mean", "places missed", ""]
    parts = []
    for solver, ranked in looked_for.ranked(rows):
        lines = [(", ".join(combination), *numbers, "default" if default else "")
                 for combination, numbers, default in ranked]  # fmt: skip
        parts.append(markdown(f"{solver}: lease, ids of a micro-round, ρ", head, lines))
    return "\n\n".join(parts)


def crowds(rows: pd.DataFrame) -> str:
    """Updates of the shipped solver on more workers than cores."""
    named = rows.assign(combination=[f"{row.lease}, {row.ids}, {row.rho:g}"
                                     for row in rows.itertuples()])  # fmt: skip
    return _pivot("Thousands of updates to 1e-6, shipped solver, by lease, ids, ρ", named,
                  "{data}, α_max/{divisor:g}, {workers} workers", "combination",
                  [f"{lease}, {ids}, {rho:g}" for lease, ids, rho in looked_for.CROWDED],
                  lambda mine: spread(mine["updates"] / 1e3, ",.0f"))  # fmt: skip
