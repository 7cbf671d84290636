"""Seconds of a fit on so many nodes, from what was counted and the latency and bandwidth of a net.

    seconds = epochs · (Σ slowest rank's work + hops · latency + path / bandwidth)

The sum goes over all exchanges of an epoch: nobody goes on before the last rank has arrived.
"""

from typing import Any, NamedTuple

import pandas as pd


class Network(NamedTuple):
    """Seconds of a message, and of a byte."""

    name: str
    latency: float
    byte: float


#: Usual figures of both kinds of networks, as a program sees them; not measured here.
NETWORKS = (
    Network("10 GbE", 30e-6, 8 / 10e9),
    Network("InfiniBand", 2e-6, 8 / 100e9),
)  # fmt: skip


def modelled(rows: pd.DataFrame, network: Network, larger: float = 1.0) -> pd.DataFrame:
    """Return seconds and speed-ups of fits on a network, with their parts.

    Parameters
    ----------
    rows : DataFrame
        What :func:`bench.scale.counting.rows_of` yields.
    network : Network
    larger : float
        A problem of so many times the work and the bytes, with as many exchanges and epochs.
    """
    found = list[dict[str, Any]]()
    for _, fit in rows.groupby("fit", sort=False):
        one = fit[fit["nodes"] == 1].iloc[0]
        alone = one["epochs"] * one["alone"] / one["counted"] * larger
        for row in fit.to_dict("records"):
            epochs = row["epochs"] / row["counted"]
            parts = {
                "kernels": row["kernels"] * larger,
                "engine": (row["mean"] - row["kernels"]) * larger,
                "waiting": (row["slowest"] - row["mean"]) * larger,
                "latency": row["hops"] * network.latency,
                "bytes": row["path"] * network.byte * larger,
            }
            seconds = epochs * sum(parts.values())
            if row["nodes"] == 1:
                parts, seconds = {"kernels": row["alone"] * larger}, alone
            shares = {name: epochs * part / seconds for name, part in parts.items()}
            told = {"dominates": max(parts, key=parts.get)} if seconds == seconds else {}  # type: ignore[arg-type]
            found.append({**row, "network": network.name, "seconds": seconds,
                          "speedup": alone / seconds, **told, **shares})  # fmt: skip
    return pd.DataFrame(found)
