"""Tables of pipelining, seconds, conventional solvers and defaults."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.evidence.markdown import spread, table
from bench.harness.tables import number
from bench.schedules import defaults as looked_for
from bench.schedules.arms import ARMS


def depths(rows: pd.DataFrame) -> str:
    """Epochs to 1e-6 by depth."""
    return _by_depth(rows, rows["updates_6"] / rows["features"], "Epochs to 1e-6 by depth")


def pipelined_seconds(rows: pd.DataFrame) -> str:
    """Seconds to 1e-6 by depth."""
    piped = rows[rows["depth"] >= 0]
    return _by_depth(piped, piped["seconds_6"], "Seconds to 1e-6 by depth, worker processes")


def _by_depth(rows: pd.DataFrame, values: pd.Series, title: str) -> str:
    found = sorted(set(rows["depth"]))
    lines = []
    for where, group in rows.assign(value=values).groupby(["data", "arm", "workers", "ids"]):
        data, arm, workers, ids = where  # type: ignore[misc]
        cells = [spread(group.loc[group["depth"] == depth, "value"]) for depth in found]
        lines.append([f"{data}, {arm}, {workers} × {ids}", *cells])
    return table(title, ["setting", *(str(depth) for depth in found)], lines)


def seconds(rows: pd.DataFrame) -> str:
    """Seconds to 1e-6 by arm, and the share that was waiting or scheduling."""
    usual = rows[rows["depth"] < 0]
    lines = []
    for where, group in usual.groupby(["data", "workers", "ids"]):
        data, workers, ids = where  # type: ignore[misc]
        cells = [_seconds(group[group["arm"] == arm]) for arm in ARMS]
        lines.append([f"{data}, {workers} × {ids}", *cells])
    return table("Seconds to 1e-6, α_max/10 (share of the rounds spent waiting or scheduling)",
                 ["setting", *ARMS], lines)  # fmt: skip


def _seconds(mine: pd.DataFrame) -> str:
    if not len(mine):
        return ""
    lost = (mine["waiting"] + mine["starved"]).median()
    return f"{spread(mine['seconds_6'])}, {lost:.0%}"


def conventional(rows: pd.DataFrame) -> str:
    """Solvers side by side: epochs, seconds, and bytes of every worker."""
    lines = []
    for _, each in rows.sort_values(["data", "divisor", "solver", "workers"]).iterrows():
        name = f"{each['data']}, α_max/{each['divisor']:g}, {each['solver']}, {each['workers']}"
        lines.append([name, *_solver(each)])
    head = ["data, α, solver, workers", "epochs to 1e-3", "1e-6", "s to 1e-3", "1e-6",
            "kB of state a worker", "of it replicated", "MB moved to 1e-6"]  # fmt: skip
    return table("Schedules and the conventional ways", head, lines)


def _solver(each: Any) -> list[str]:
    features = each["features"]
    return [number(each["updates_3"] / features), number(each["updates_6"] / features),
            number(each["seconds_3"]), number(each["seconds_6"]),
            number(each["state_bytes"] / 1e3), number(each["replicated_bytes"] / 1e3),
            number(each["moved_6"] / 1e6)]  # fmt: skip


def defaults(rows: pd.DataFrame) -> str:
    """Combinations of lease, micro-round and ρ, the best first."""
    ranked = looked_for.scores(rows)
    head = ["lease, ids, ρ", "seconds ÷ best, geometric mean", "places missed", ""]
    parts = []
    for solver, default in looked_for.DEFAULTS.items():
        mine = ranked[ranked["solver"] == solver]
        lines = [[f"{row['lease']}, {row['ids']}, {row['rho']:g}", f"{row['times']:.2f}",
                  str(row["missed"]), "default" if looked_for.is_default(row, default) else ""]
                 for _, row in mine.iterrows()]  # fmt: skip
        parts.append(table(f"{solver}: lease, ids of a micro-round, ρ", head, lines))
    return "\n\n".join(parts)


def crowds(rows: pd.DataFrame) -> str:
    """Updates of the shipped solver on more workers than cores."""
    lines = []
    for where, group in rows.groupby(["data", "divisor", "workers"]):
        data, divisor, workers = where  # type: ignore[misc]
        cells = [spread(group.loc[_is(group, *each), "updates"] / 1e3, ",.0f")
                 for each in looked_for.CROWDED]  # fmt: skip
        lines.append([f"{data}, α_max/{divisor:g}, {workers} workers", *cells])
    head = ["setting", *(f"{lease}, {ids}, {rho:g}" for lease, ids, rho in looked_for.CROWDED)]
    return table("Thousands of updates to 1e-6, shipped solver, by lease, ids, ρ", head, lines)


def _is(rows: pd.DataFrame, lease: int, ids: int, rho: float) -> pd.Series:
    return (rows["lease"] == lease) & (rows["ids"] == ids) & (rows["rho"] == rho)
