"""Seconds of a fit on so many nodes, from what was counted and the latency and bandwidth of a net.

    seconds = epochs · Σ (slowest rank's work + hops · latency + path / bandwidth) + once

The sum goes over all exchanges of an epoch: nobody goes on before the last rank has arrived. *once*
is the same of the exchanges before the first epoch and after the last one.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd


class Network(NamedTuple):
    """Seconds of a message, and of a byte."""

    name: str
    latency: float
    byte: float


#: Usual figures of both kinds of networks, as a program sees them; not measured here.
NETWORKS = (Network("10 GbE", 30e-6, 8 / 10e9), Network("InfiniBand", 2e-6, 8 / 100e9))
#: Seconds in which a rank copies or compares a byte more, of a larger problem.
COPY = 1e-9


def modelled(rows: pd.DataFrame, network: Network, larger: float = 1.0) -> pd.DataFrame:
    """Return seconds and speed-ups of fits on a network, with their parts.

    Parameters
    ----------
    rows : DataFrame
        What :func:`bench.scale.counting.rows_of` yields, of any fits.
    network : Network
    larger : float
        A problem with so many times the work and the bytes, and as many epochs and exchanges.
    """
    found = list[dict[str, Any]]()
    for _, fit in rows.groupby("fit", sort=False):
        one = fit[fit["nodes"] == 1].iloc[0]
        for row in fit.to_dict("records"):
            if row["epochs"] != row["epochs"]:  # the goal was not reached
                found.append({"fit": row["fit"], "nodes": row["nodes"]})
                continue
            epochs = row["epochs"] / row["counted"]
            counted = parts_of(row, one, network, larger)
            parts = {name: epochs * part for name, part in counted.items()}
            if row["nodes"] > 1:
                net = row["once_hops"] * network.latency
                parts["once"] = net + (row["once"] + row["once_path"] * network.byte) * larger
            seconds = sum(parts.values())
            alone = one["epochs"] * one["alone"] / one["counted"] * larger
            found.append({
                "fit": row["fit"], "nodes": row["nodes"], "seconds": seconds,
                "speedup": alone / seconds, "most": max(parts, key=lambda name: parts[name]),
                "share": max(parts.values()) / seconds,
            })  # fmt: skip
    return pd.DataFrame(found)


def parts_of(
    row: Mapping[str, Any], one: Mapping[str, Any], network: Network, larger: float
) -> dict[str, float]:
    """Return the seconds of the counted epochs, by what they are spent on.

    *kernels*: updates, shared by the ranks. *leader*: what the program does besides, which each
    rank does itself. *engine*: finding, packing and writing what is exchanged. *waiting*: for the
    slowest rank. With one node there is no rank: the serial executor works alone.
    """
    leader = max(0.0, one["alone"] - one["kernels"]) / one["counted"] * row["counted"]
    if row["nodes"] == 1:
        return {"kernels": (one["alone"] - leader) * larger, "leader": leader * larger}
    uneven = row["slowest_kernels"] - row["kernels"]
    return {
        "kernels": row["kernels"] * larger,
        "leader": leader * larger,
        "engine": max(0.0, row["mean"] - row["kernels"] - leader)
        + (larger - 1.0) * row["path"] * COPY,
        "waiting": max(0.0, row["slowest"] - row["mean"] - uneven) + uneven * larger,
        "latency": row["hops"] * network.latency,
        "bytes": row["path"] * network.byte * larger,
    }
