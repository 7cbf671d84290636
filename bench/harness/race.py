"""The race: solvers are brought to a target, untimed, and then take turns at being timed.

A *contest* knows the data, the target and the judge. Each solver is an *entry*, which the contest
first calibrates: it looks for the least work (loosest tolerance, fewest iterations) that the judge
accepts. Timed fits take turns, so that a busy moment of the machine hits all alike, and every timed
answer is judged again. *Warm* times are those fits; *cold* is import and first fit of a fresh
process.
"""

from __future__ import annotations

import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from bench.harness.tables import DASH, number, show

#: Factor from one tolerance to the next while the judge is not content.
TIGHTER = 0.3

E = TypeVar("E", bound="Entry")


@dataclass(kw_only=True)
class Entry(ABC):
    """One solver in a race, with the seconds and the judged values of its timed fits."""

    data: str
    solver: str
    version: str = ""
    cold: float = float("nan")
    warm: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    @property
    @abstractmethod
    def reached(self) -> bool:
        """Whether the judge accepts what the timed fits returned."""

    @property
    def name(self) -> str:
        """Solver and version."""
        return f"{self.solver} {self.version}".strip()

    @property
    def median(self) -> float:
        """Median warm time, in seconds."""
        return statistics.median(self.warm) if self.warm else float("nan")

    @property
    def value(self) -> float:
        """Median of the judged values."""
        return statistics.median(self.values) if self.values else float("nan")

    def row(self) -> dict[str, Any]:
        """The entry's line in a file of results."""
        found = asdict(self) | {"warm": " ".join(f"{seconds:.6f}" for seconds in self.warm)}
        del found["values"]
        return found | {"value": self.value, "median": self.median, "reached": self.reached}


class Contest(ABC, Generic[E]):
    """A problem with a target and a judge."""

    @abstractmethod
    def calibrate(self, entry: E) -> bool:
        """Find the least work that reaches the target, untimed; False keeps the entry out."""

    @abstractmethod
    def fit(self, entry: E) -> tuple[float, Any]:
        """Fit once; return the seconds that a user waits for, and the answer."""

    @abstractmethod
    def judge(self, entry: E, seconds: float, answer: Any) -> float:
        """Return the judged value of an answer; the entry may note more."""

    @abstractmethod
    def cold(self, entry: E) -> float:
        """Seconds of import and first fit in a fresh process."""

    def race(self, entries: Sequence[E], *, repeats: int, cold: bool) -> list[E]:
        """Calibrate, time and judge all entries; return the quickest entry of every solver."""
        starters = [entry for entry in entries if self.calibrate(entry)]
        for _ in range(repeats):
            for entry in starters:
                seconds, answer = self.fit(entry)
                entry.warm.append(seconds)
                entry.values.append(self.judge(entry, seconds, answer))
        best = winners(entries)
        for entry in best if cold else ():
            if entry.warm:
                entry.cold = self.cold(entry)
        return best


def winners(entries: Sequence[E]) -> list[E]:
    """The quickest entry of every solver that reached the target, or else one that missed it."""

    def rank(entry: E) -> tuple[bool, float]:
        return not entry.reached, entry.median if entry.warm else float("inf")

    names = dict.fromkeys(entry.solver for entry in entries)
    return [min((each for each in entries if each.solver == name), key=rank) for name in names]


def show_race(
    title: str, entries: Sequence[E], columns: Mapping[str, Callable[[E], str]],
    ratio: str = "÷ first",
) -> None:  # fmt: skip
    """Print a line for each entry: its solver, columns of its own kind, and its times.

    Parameters
    ----------
    title : str
    entries : sequence of Entry
        The last column divides by the median of the first one.
    columns : mapping of str to callable
        Head of a column → its text for an entry.
    ratio : str
        Head of the last column.
    """
    lines = []
    for entry in entries:
        spread = f"{min(entry.warm):.3f} – {max(entry.warm):.3f}" if entry.warm else DASH
        lines.append((entry.name, *(text(entry) for text in columns.values()),
                      number(entry.cold, ".2f"), number(entry.median, ".3f"), spread,
                      number(entry.median / entries[0].median, ".2f")))  # fmt: skip
    show(title, ("solver", *columns, "cold s", "warm s", "min – max", ratio), lines)


def judged(entry: Entry, value: float, form: str) -> str:
    """A judged value as text, marked if the entry missed the target."""
    return number(value, form) + ("" if entry.reached else " (missed)")


def tightened(
    measure: Callable[[float], float], wanted: float, first: float, tries: int, limit: float
) -> float:
    """Loosest tolerance on a ladder whose judged value is within `wanted`.

    Where none is, the loosest that comes as near as any: a solver that has hit the floor of its
    arithmetic must not be timed at a tolerance that gains it nothing.

    Parameters
    ----------
    measure : callable
        Fits at a tolerance and returns the judged value.
    wanted : float
    first : float
        The first tolerance; every later one is `TIGHTER` times the one before.
    tries : int
        Tolerances tried at most.
    limit : float
        Seconds after which no tighter one is tried.
    """
    begin, tol = time.perf_counter(), first
    tried: list[tuple[float, float]] = []
    for _ in range(tries):
        tried.append((measure(tol), tol))
        if tried[-1][0] <= wanted:
            return tol
        if time.perf_counter() - begin > limit:
            break
        tol *= TIGHTER
    nearest = min(value for value, _ in tried)
    return max(tol for value, tol in tried if value <= 1.1 * nearest)


def fewest(measure: Callable[[int], float], wanted: float, most: int) -> int:
    """Fewest iterations whose value is within `wanted`; 0 if none of those tried is.

    Counts grow by about a third, since a solver that overfits may pass the target for a while only;
    the counts between the last that missed and the first that did not are bisected.
    """
    misses, count = 0, 1
    while measure(count) > wanted:
        if count >= most:
            return 0
        misses, count = count, min(most, count + max(1, count // 3))
    while count - misses > 1:
        middle = (count + misses) // 2
        if measure(middle) > wanted:
            misses = middle
        else:
            count = middle
    return count
