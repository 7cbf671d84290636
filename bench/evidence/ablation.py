"""Tables of the ablation."""

from __future__ import annotations

import pandas as pd

from bench.evidence.markdown import spread, table
from bench.harness.tables import DASH, number
from bench.schedules import verdict
from bench.schedules.arms import ARMS, CHECKED
from bench.schedules.grid import USUAL_RHO

#: Ids of a worker's micro-round in tables that show one.
IDS = 8


def verdicts(rows: pd.DataFrame) -> str:
    """Every arm beside random: the count of places that it wins and loses."""
    return table("Median updates beside random's, counted over settings",
                 ["arm, gap", *verdict.HEAD], verdict.compared(rows))  # fmt: skip


def places(rows: pd.DataFrame) -> str:
    """Priority with dependency beside random, by data, penalty and ρ, to a gap of 1e-3."""
    found = verdict.verdicts(rows, "both", "updates_3")
    groups: dict[str, list[dict[str, object]]] = {}
    for each in found:
        name = f"{each['data']}, α_max/{each['divisor']:g}, ρ = {each['rho']:g}"
        groups.setdefault(name, []).append(each)
    lines = [verdict.counted(name, group) for name, group in sorted(groups.items())]
    return table("Priority + dependency beside random, to 1e-3",
                 ["setting", *verdict.HEAD], lines)  # fmt: skip


def epochs(rows: pd.DataFrame) -> str:
    """Epochs to both gaps, by workers: median and range over seeds."""
    ids = IDS if (rows["ids"] == IDS).any() else rows["ids"].max()
    usual = rows[(rows["ids"] == ids) & (~rows["arm"].isin(CHECKED) | (rows["rho"] == USUAL_RHO))]
    parts = []
    for gap, column in (("1e-3", "updates_3"), ("1e-6", "updates_6")):
        lines = []
        for where, group in usual.groupby(["data", "divisor", "workers"]):
            data, divisor, workers = where  # type: ignore[misc]
            cells = [_epochs(group[group["arm"] == arm], column) for arm in ARMS]
            lines.append([f"{data}, α_max/{divisor:g}, {workers} × {ids}", *cells])
        parts.append(table(f"Epochs to {gap}, ρ = {USUAL_RHO}", ["setting", *ARMS], lines))
    return "\n\n".join(parts)


def _epochs(mine: pd.DataFrame, column: str) -> str:
    if not len(mine):
        return ""
    text = spread(mine[column] / mine["features"])
    return "diverged" if text == DASH and (mine["status"] == "diverged").mean() > 0.5 else text


def strictness(rows: pd.DataFrame) -> str:
    """Epochs of priority + dependency to 1e-3 by ρ; ρ = 1 is priority alone."""
    kept = rows[rows["arm"].isin(["priority", "both"]) & (rows["ids"] > 1)]
    rhos = sorted(set(kept["rho"]))
    lines = []
    for where, group in kept.groupby(["data", "divisor", "workers", "ids"]):
        data, divisor, workers, ids = where  # type: ignore[misc]
        cells = [_epochs(group[group["rho"] == rho], "updates_3") for rho in rhos]
        lines.append([f"{data}, α_max/{divisor:g}, {workers} × {ids}", *cells])
    return table("Priority + dependency: epochs to 1e-3 by ρ (1: no check)",
                 ["setting", *(f"{rho:g}" for rho in rhos)], lines)  # fmt: skip


def divergences(rows: pd.DataFrame) -> str:
    """How many runs diverged, the fewest ids together at which one did, and after which epoch."""
    lines = []
    for where, group in rows.groupby(["data", "arm"]):
        data, arm = where  # type: ignore[misc]
        gone = group[group["status"] == "diverged"]
        together = (gone["workers"] * gone["ids"]).min() if len(gone) else float("nan")
        onset = (gone["diverged_at"] / gone["features"]).median() if len(gone) else float("nan")
        lines.append([f"{data}, {arm}", str(len(gone)), str(len(group)), number(together, ".0f"),
                      number(onset, ".2g")])  # fmt: skip
    return table("Runs that diverged", ["data, arm", "diverged", "of", "fewest ids together",
                 "median epoch at which"], lines)  # fmt: skip
