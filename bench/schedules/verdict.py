"""Does priority with dependency need at most half of random's updates? Counted over settings."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from bench.harness.tables import DASH, Column, figures, show

#: Verdicts on an arm's updates beside random's in the same place.
WORDS: Final = (
    "at most half", "fewer", "no fewer", "random never arrives", "never arrives", "neither arrives",
    "idle",
)  # fmt: skip
PLACE: Final = ["data", "divisor", "workers", "ids"]
#: Columns of a line of counts.
HEAD: Final = [*WORDS, "fewest, of random's"]


def judged(ours: float, random: float, *, idle: bool = False) -> str:
    """Compare median updates of an arm and of random; NaN: the gap was not reached."""
    if ours != ours and idle:
        return "idle"
    if ours != ours:
        return "neither arrives" if random != random else "never arrives"
    if random != random:
        return "random never arrives"
    if ours <= 0.5 * random:
        return "at most half"
    return "fewer" if ours < random else "no fewer"


def verdicts(rows: pd.DataFrame, arm: str, column: str) -> pd.DataFrame:
    """Medians over seeds of an arm and of random, and a verdict, for every place and ρ.

    A median is NaN unless most seeds reached the gap.
    """
    far = rows.assign(far=rows[column].fillna(np.inf), idle=rows["status"] == "idle")
    middle = far.groupby([*PLACE, "arm", "rho"]).agg(ours=("far", "median"), idle=("idle", "any"))
    middle = middle.replace(np.inf, np.nan).reset_index()
    random = middle[(middle["arm"] == "random") & (middle["rho"] == 1.0)]
    random = random.rename(columns={"ours": "random"})[[*PLACE, "random"]]
    found = middle[middle["arm"] == arm].merge(random, on=PLACE)
    words = [judged(row.ours, row.random, idle=row.idle) for row in found.itertuples()]
    return found.assign(verdict=words)


def counted(name: str, found: pd.DataFrame) -> list[str]:
    """A line of counts, with the smallest share of random's updates and where it was."""
    counts = found["verdict"].value_counts()
    share = (found["ours"] / found["random"]).dropna()
    best = DASH
    if len(share):
        at = found.loc[share.idxmin()]
        best = (f"{share.min():.2f} ({at['data']}, α_max/{at['divisor']:g}, "
                f"{at['workers']} × {at['ids']})")  # fmt: skip
    return [name, *(str(counts.get(word, 0)) for word in WORDS), best]


def compared(rows: pd.DataFrame) -> list[list[str]]:
    """A line for every arm and gap: how it compares with random, counted over places."""
    return [counted(f"{arm}, {gap}", verdicts(rows, arm, column))
            for gap, column in (("1e-3", "updates_3"), ("1e-6", "updates_6"))
            for arm in ("round-robin", "priority", "dependency", "both")]  # fmt: skip


def divergences(rows: pd.DataFrame) -> tuple[str, list[str], list[tuple[str, ...]]]:
    """How many runs diverged, the fewest ids together at which one did, and after which epoch."""
    gone = rows["status"] == "diverged"
    by = pd.DataFrame({
        "name": rows["data"] + ", " + rows["arm"], "gone": gone,
        "together": (rows["workers"] * rows["ids"]).where(gone),
        "onset": (rows["diverged_at"] / rows["features"]).where(gone),
    }).groupby("name")  # fmt: skip
    found = by.agg(diverged=("gone", "sum"), of=("gone", "size"), fewest=("together", "min"),
                   onset=("onset", "median")).reset_index()  # fmt: skip
    columns = (Column("diverged", "diverged", 1, ".0f"), Column("of", "of", 1, ".0f"),
               Column("fewest ids together", "fewest", 1, ".0f"),
               Column("median epoch at which", "onset", 1, ".2g"))  # fmt: skip
    return "Runs that diverged", *figures("data, arm", found["name"], found, columns)


def tell(rows: pd.DataFrame) -> None:
    """Print how every arm compares with random, and which runs diverged."""
    show("updates to a gap, beside random", ["arm, gap", *HEAD], compared(rows))
    title, head, lines = divergences(rows)
    show(title, head[:3], [line[:3] for line in lines])
