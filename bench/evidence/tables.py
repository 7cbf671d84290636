"""All tables of a folder of rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pandas as pd

from bench.evidence import ablation, large, timed

#: File, without ending and size → its tables.
SCHEDULES: Final[dict[str, tuple[Callable[[pd.DataFrame], str], ...]]] = {
    "schedules-updates": (
        ablation.verdicts, ablation.by_penalty, ablation.epochs, ablation.strictness,
        ablation.divergences,
    ),
    "schedules-pipelining": (timed.depths,),
    "schedules-seconds": (timed.seconds, timed.pipelined_seconds),
    "schedules-conventional": (timed.conventional,),
    "schedules-defaults": (timed.defaults,),
    "schedules-crowds": (timed.crowds,),
}  # fmt: skip
LARGE: Final[dict[str, tuple[Callable[[pd.DataFrame], str], ...]]] = {
    "large-fits": (large.fits,),
    "large-peers": (large.fits,),
    "large-arrays": (large.arrays,),
    "large-processes": (large.processes,),
    "large-growth": (large.growth,),
}


def everything(folder: Path, size: str = "") -> str:
    """Tables of the files that are there; `size` ends the names of small runs' schedules."""
    files = {f"{name}{size}": of for name, of in SCHEDULES.items()} | LARGE
    parts = []
    for name, functions in files.items():
        path = folder / f"{name}.csv"
        if path.exists():
            rows = pd.read_csv(path)
            parts += [f"## {name}", *(function(rows) for function in functions)]
    both = [folder / f"large-growth{part}.csv" for part in ("-fits", "")]
    if all(path.exists() for path in both):
        parts.append(large.grown(*map(pd.read_csv, both)))
    return "\n\n".join(parts)
