"""Does priority with dependency need at most half of random's updates? Counted over settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from bench.harness.tables import show

#: Verdicts on an arm's updates beside random's in the same place.
WORDS: Final = (
    "at most half", "fewer", "no fewer", "random never arrives", "never arrives", "neither arrives",
    "idle",
)  # fmt: skip
PLACE: Final = ["data", "divisor", "workers", "ids"]


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


def medians(rows: pd.DataFrame, column: str) -> pd.Series:
    """Median over seeds, by place, arm and ρ; most seeds must arrive."""
    far = rows.assign(**{column: rows[column].fillna(float("inf"))})
    found = far.groupby([*PLACE, "arm", "rho"])[column].median()
    return found.where(found != float("inf"))


def verdicts(rows: pd.DataFrame, arm: str, column: str) -> list[dict[str, Any]]:
    """One verdict a place and ρ of an arm."""
    middle = medians(rows, column)
    idle = rows.assign(idle=rows["status"] == "idle").groupby([*PLACE, "arm", "rho"])["idle"].any()
    found = []
    for where, value in middle.items():
        *place, name, rho = where  # type: ignore[misc]
        reference = (*place, "random", 1.0)
        if name == arm and reference in middle.index:
            random = middle[reference]
            found.append({**dict(zip(PLACE, place, strict=True)), "rho": rho, "ours": value,
                          "random": random,
                          "verdict": judged(value, random, idle=idle[where])})  # fmt: skip
    return found


def count(found: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many verdicts of each kind."""
    counts = Counter(str(each["verdict"]) for each in found)
    return {word: counts.get(word, 0) for word in WORDS}


#: Columns of a line of counts.
HEAD: Final = [*WORDS, "fewest, of random's"]


def counted(name: str, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line of counts, with the best place."""
    return [name, *(str(n) for n in count(found).values()), best(found)]


def compared(rows: pd.DataFrame) -> list[list[str]]:
    """A line for every arm and gap: how it compares with random, counted over places."""
    return [counted(f"{arm}, {gap}", verdicts(rows, arm, column))
            for gap, column in (("1e-3", "updates_3"), ("1e-6", "updates_6"))
            for arm in ("round-robin", "priority", "dependency", "both")]  # fmt: skip


def tell(rows: pd.DataFrame) -> None:
    """Print how every arm compares with random, and which runs diverged."""
    show("updates to a gap, beside random", ["arm, gap", *HEAD], compared(rows))
    by = rows.assign(diverged=rows["status"] == "diverged").groupby(["data", "arm"])["diverged"]
    table = [[f"{data}, {arm}", str(int(n)), str(len(group))]  # type: ignore[misc]
             for ((data, arm), group), n in zip(by, by.sum(), strict=True)]  # fmt: skip
    show("runs that diverged", ["data, arm", "diverged", "of"], table)


def best(found: Sequence[Mapping[str, Any]]) -> str:
    """Smallest share of random's updates, and where."""
    both = [each for each in found if each["ours"] == each["ours"]
            and each["random"] == each["random"]]  # fmt: skip
    if not both:
        return "–"
    first = min(both, key=lambda each: each["ours"] / each["random"])
    return (f"{first['ours'] / first['random']:.2f} ({first['data']}, "
            f"α_max/{first['divisor']:g}, {first['workers']} × {first['ids']})")  # fmt: skip
