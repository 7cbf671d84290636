"""SIGKILL of a worker or the scheduler at a random moment of a fit: the fit must be as good."""

from __future__ import annotations

import os
import random
import signal
import statistics
import threading
import time
from collections.abc import Iterable
from typing import Any

from bench.survival.judged import KINDS, Kind, kinds
from strads.engine import Instrument, Result, Run, Step

#: Undisturbed fits of each kind, for the seconds that a fault costs.
UNDISTURBED = 3
#: How many workers are killed for each scheduler that is.
WORKERS_EACH = 3


class Strike(Instrument):
    """Kills one process, once, some seconds after the first run of a fit has begun.

    Parameters
    ----------
    after : float
    scheduler : bool
        Whether it is the scheduler that is killed.
    victim : int
        Number of the worker, else.
    """

    def __init__(self, after: float, *, scheduler: bool, victim: int) -> None:
        self.after, self.scheduler, self.victim = after, scheduler, victim
        self.struck = False
        self._timer: threading.Timer | None = None
        self._run: Run | None = None
        self.steps: list[float] = []

    def before_run(self, run: Run) -> None:
        """Start the clock with the first run."""
        self._run = run
        if self._timer is None and self.after < float("inf"):
            self._timer = threading.Timer(self.after, self._strike)
            self._timer.daemon = True
            self._timer.start()

    def after_step(self, run: Run, step: Step) -> None:
        """Note when the step ended."""
        self.steps.append(time.perf_counter())

    def after_run(self, run: Run, result: Result) -> None:
        """There is nobody to kill until the next run."""
        self._run = None

    def end(self) -> None:
        """Kill nobody after the fit."""
        if self._timer is not None:
            self._timer.cancel()

    def _strike(self) -> None:
        team = getattr(getattr(self._run, "executor", None), "team", None)
        member: Any = None
        if team is not None and not self.scheduler:
            member = team.workers[self.victim % len(team.workers)]
        elif team is not None:
            member = team.scheduler
        if member is not None:
            os.kill(member.pid, signal.SIGKILL)
            self.struck = True


def main(times: int = 200, seed: int = 0, size: float = 1.0, names: Iterable[str] = KINDS) -> bool:
    """Kill so many workers, and a third as many schedulers where there are some; print counts."""
    all_kinds = kinds(size, names)
    each = -(-times // len(all_kinds))
    failures, lost = 0, []
    for name, kind in all_kinds.items():
        found = _trial(name, kind, each, random.Random(f"{seed}/{name}"))
        failures += found[0]
        lost += found[1]
    print(
        f"deaths: {len(lost)} processes killed, {failures} failures; a death costs "
        f"{statistics.median(lost):.3f} s in the median, {max(lost):.3f} s at worst"
    )
    return failures == 0


def _trial(name: str, kind: Kind, workers: int, choose: random.Random) -> tuple[int, list[float]]:
    kind.fit([])  # starts processes, and compiles
    seconds, steps, values = [], [], []
    for _ in range(UNDISTURBED):
        quiet = Strike(float("inf"), scheduler=False, victim=0)
        value, took, statistics_ = _timed(kind, quiet)
        seconds.append(took)
        values.append(value)
        steps += [b - a for a, b in zip(quiet.steps, quiet.steps[1:], strict=False)] or [took]
    usual, bound = statistics.median(seconds), kind.most(values)
    schedulers = -(-workers // WORKERS_EACH) if statistics_["schedules"] else 0
    failures, lost, replaced, tries = 0, [], [], 0
    while len(lost) + failures < workers + schedulers and tries < 20 * workers:
        tries += 1
        strike = Strike(
            choose.uniform(0.0, usual), scheduler=len(lost) + failures >= workers,
            victim=choose.randrange(2),
        )  # fmt: skip
        try:
            value, took, statistics_ = _timed(kind, strike)
        except Exception as error:
            failures += 1
            print(f"deaths: {name}, try {tries}: {type(error).__name__}: {error}", flush=True)
            continue
        if not strike.struck:  # the fit ended before, or no process was there
            continue
        if not value <= bound:
            failures += 1
            print(f"deaths: {name}, try {tries}: {value:.3g} exceeds {bound:.3g}", flush=True)
            continue
        lost.append(took - usual)
        replaced += [row["seconds"] for row in statistics_["deaths"]]
    print(
        f"{name:12s} fit {usual:6.3f} s, step {statistics.median(steps):6.3f} s | killed "
        f"{workers:3d} workers, {len(lost) + failures - workers:2d} schedulers, {failures} failures"
        f" | lost {statistics.median(lost):6.3f} s, at worst {max(lost):6.3f} s, of which the "
        f"replacement {statistics.median(replaced or [0.0]):.3f} s",
        flush=True,
    )
    return failures, lost


def _timed(kind: Kind, strike: Strike) -> tuple[float, float, dict[str, Any]]:
    since = time.perf_counter()
    try:
        result, statistics_ = kind.fit([strike])
    finally:
        strike.end()
    took = time.perf_counter() - since
    return kind.value(result), took, statistics_


if __name__ == "__main__":
    main()
