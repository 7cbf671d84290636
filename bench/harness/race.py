"""The race: solvers are brought to a target, untimed, and then take turns at being timed.

A solver's setting says what it may choose: its tolerance ``tol`` or its number of ``iterations``,
each None, of which the least work is looked for that the judge accepts. Timed fits take turns, so
that a busy moment of the machine hits all alike, and every timed answer is judged again. *Warm*
times are those fits; *cold* is import and first fit of a fresh process.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.harness.problem import Problem, Setting, TooLong
from bench.harness.process import cold as cold_seconds
from bench.harness.process import measured_within
from bench.harness.tables import Table

#: Factor from one tolerance to the next while the judge is not content.
TIGHTER = 0.3
#: Tolerances tried at most.
MOST_TRIES = 12
#: Number of fits whose median must be within the target, if a solver's fits differ by more than
#: this share.
CONFIRMED, SAME = 5, 1e-5


@dataclass
class Entry:
    """One solver in a race, with the judged figures of its timed fits, seconds among them.

    Tolerances are tightened from `loosest` on, or from the target if it is None.
    """

    solver: str
    setting: Setting
    target: float
    loosest: float | None = None
    fits: list[dict[str, Any]] = field(default_factory=list)
    ended: str = ""  # why it races no more

    def median(self, figure: str) -> float:
        """Median of a figure over the timed fits."""
        return float(np.median([fit[figure] for fit in self.fits])) if self.fits else float("nan")

    @property
    def reached(self) -> bool:
        """Whether the judge accepts the median answer."""
        return self.median("value") <= self.target


@dataclass
class Race:
    """A problem, and when a solver gives up: after so many iterations, or so many seconds.

    With a `fit_limit` every fit of a peer has a process of its own, which is ended after so many
    seconds of fitting. Then the peer is out of the race: a tighter tolerance would take longer.
    """

    problem: Problem
    most: int = 60
    limit: float = 900.0
    fit_limit: float = 0.0
    _values: dict[Any, float] = field(default_factory=dict)

    def run(
        self, entries: Sequence[Entry], *, repeats: int, cold: bool = True
    ) -> list[dict[str, Any]]:
        """Calibrate, time and judge all entries; return a row for the quickest of every solver.

        A row has the entry's heading; the figures of its last fit, but the median ``value``;
        ``cold``, ``warm`` (a median), ``low`` and ``high`` seconds; ``ratio``, warm seconds divided
        by the first row's; ``reached``, and ``missed``, which marks a value that did not.
        """
        starters = [entry for entry in entries if self._calibrate(entry)]
        for _ in range(repeats):
            for entry in starters:
                self._time(entry)
        rows: list[dict[str, Any]] = []
        for entry in quickest(entries):
            nan, warm = float("nan"), entry.median("seconds")
            missed = "" if entry.reached or not entry.fits else " (missed)"
            seconds = [fit["seconds"] for fit in entry.fits] or [nan]
            first = rows[0]["warm"] if rows else warm
            rows.append(
                self.problem.heading(entry.solver, entry.setting)
                | {"target": entry.target} | (entry.fits[-1] if entry.fits else {})
                | {"value": self._best(entry), "reached": entry.reached,
                   "missed": entry.ended or missed,
                   "cold": cold_seconds(self.problem, entry.solver, entry.setting)
                   if cold and entry.fits else nan,
                   "warm": warm, "low": min(seconds), "high": max(seconds), "ratio": warm / first}
            )  # fmt: skip
        return rows

    def value(self, name: str, setting: Setting) -> float:
        """Judged value of one untimed fit, which is made when first asked for."""
        key = (name, *setting.items())
        if key not in self._values:
            self._values[key] = self._measured(name, setting)["value"]
        return self._values[key]

    def _measured(self, name: str, setting: Setting) -> dict[str, Any]:
        """One fit: seconds and judged figures."""
        if self.fit_limit > 0.0 and not name.startswith("strads"):
            return measured_within(self.problem, name, setting, self.fit_limit)
        return self.problem.measured(name, setting)

    def _time(self, entry: Entry) -> None:
        """Make a timed fit, unless one was ended before."""
        if not entry.ended:
            try:
                entry.fits.append(self._measured(entry.solver, entry.setting))
            except TooLong:
                self._end(entry)

    def _end(self, entry: Entry) -> None:
        entry.ended, entry.fits = f" (a fit was ended after {self.fit_limit:g} s)", []

    def _best(self, entry: Entry) -> float:
        """The median value of the timed fits, or the best of the others of a solver that ended."""
        if entry.fits:
            return entry.median("value")
        tried = [value for (name, *_), value in self._values.items() if name == entry.solver]
        return min(tried, default=float("nan"))

    def _calibrate(self, entry: Entry) -> bool:
        """Find the least work that reaches the target; whether the entry shall be timed."""
        try:
            return self._least_work(entry)
        except TooLong:
            self._end(entry)
            return False

    def _least_work(self, entry: Entry) -> bool:
        def value(**work: Any) -> float:
            return self.value(entry.solver, entry.setting | work)

        if entry.setting.get("tol", 0.0) is None:
            # A solver that misses the target races all the same.
            first = entry.loosest or entry.target
            tol = tightened(lambda tol: value(tol=tol), entry.target, first, self.limit)
            entry.setting |= {"tol": tol}
        elif entry.setting.get("iterations", 0) is None:
            count = fewest(lambda count: value(iterations=count), entry.target, self.most)
            while count and not self._confirmed(entry, count):
                count = count + 1 if count < self.most else 0
            entry.setting |= {"iterations": count or None}
            return count > 0
        return True

    def _confirmed(self, entry: Entry, count: int) -> bool:
        """Whether the median of several fits is within the target, if fits differ."""
        setting = entry.setting | {"iterations": count}
        values = [self.value(entry.solver, setting)]
        while len(values) < CONFIRMED and not alike(values):
            values.append(self.problem.measured(entry.solver, setting)["value"])
        return bool(np.median(values) <= entry.target)


def show_race(
    title: str, rows: Sequence[dict[str, Any]], columns: Sequence[tuple[str, str]],
    ratio: str = "÷ first",
) -> None:  # fmt: skip
    """Print the rows of a race: solver, columns of its own, and times."""
    times = [("cold s", "{cold:.2f}"), ("warm s", "{warm:.3f}"),
             ("min – max", "{low:.3f} – {high:.3f}"), (ratio, "{ratio:.2f}")]  # fmt: skip
    Table(title, [("solver", "{solver} {version}"), *columns, *times], rows).show()


def quickest(entries: Sequence[Entry]) -> list[Entry]:
    """The quickest entry of every solver that reached the target, or else one that missed it."""

    def rank(entry: Entry) -> tuple[bool, float]:
        return not entry.reached, entry.median("seconds") if entry.fits else float("inf")

    names = dict.fromkeys(entry.solver for entry in entries)
    return [min((each for each in entries if each.solver == name), key=rank) for name in names]


def alike(values: Sequence[float]) -> bool:
    """Whether several values are the same but for rounding."""
    return len(values) > 1 and max(values) - min(values) <= SAME * abs(min(values))


def tightened(
    measure: Callable[[float], float], wanted: float, first: float, limit: float,
    tries: int = MOST_TRIES,
) -> float:  # fmt: skip
    """Loosest tolerance on a ladder whose judged value is within `wanted`.

    Where none is, the loosest that comes as near as any: a solver that has hit the floor of its
    arithmetic must not be timed at a tolerance that gains it nothing. After `limit` seconds no
    tighter one is tried.
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

    The counts between the last of `growing` that missed and the first that did not are bisected.
    """
    misses = 0
    for count in growing(most):
        if measure(count) <= wanted:
            break
        misses = count
    else:
        return 0
    while count - misses > 1:
        middle = (count + misses) // 2
        if measure(middle) > wanted:
            misses = middle
        else:
            count = middle
    return count


def growing(most: int) -> list[int]:
    """Numbers up to `most`, each about a third larger than the one before.

    A solver that overfits may pass a target for a while only.
    """
    found = [1]
    while found[-1] < most:
        found.append(min(most, found[-1] + max(1, found[-1] // 3)))
    return found
