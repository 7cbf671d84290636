"""Where the time of a run went and what was done in it, by phase and by process."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from strads.engine.rounds.fuse import SCHEDULE, SYNC, TOTAL, UPDATES

Row = dict[str, float]


class Accounts:
    """Sums over the launches of a run.

    Attributes
    ----------
    phases : dict of str to dict
        By phase: launches, seconds, updates, promised progress, means over the workers of the
        seconds they waited for each other (``sync``) and for leases (``starved``).
    processes : dict of str to dict
        By process, from its own clock: seconds within launches, and how they were spent.
    measure_seconds : float
        The leader's wait for ``measure``.
    unjudged : float or None
        Progress that had been promised when the first objective was told; None before that.
    """

    def __init__(self) -> None:
        self.phases: dict[str, Row] = {}
        self.processes: dict[str, Row] = {}
        self.measure_seconds = 0.0
        self.unjudged: float | None = None

    def add_launch(
        self,
        phase: str,
        wall: float,
        times: np.ndarray,
        promised: float,
        scheduling: Mapping[str, float],
    ) -> None:
        """Add what one launch took; `times` are the workers' counters, one row each."""
        total = np.maximum(times[:, TOTAL], 1)
        shares = {"sync": times[:, SYNC] / total, "starved": times[:, SCHEDULE] / total}
        waits = {f"{n}_seconds": float(np.mean(share)) * wall for n, share in shares.items()}
        updates = int(times[:, UPDATES].sum())
        _add(
            self.phases.setdefault(phase, {}),
            {"launches": 1, "seconds": wall, "promised": promised, **waits, "updates": updates},
        )
        _add(self.phases[phase], scheduling)

    def add_worker(self, name: str, seconds: float, counters: np.ndarray) -> None:
        """Add a worker's launch: cycles tell the shares of the seconds on its own clock."""
        total = max(int(counters[TOTAL]), 1)
        waiting = seconds * float(counters[SYNC] / total)
        starved = seconds * float(counters[SCHEDULE] / total)
        self.add_process(
            name, seconds=seconds, busy_seconds=seconds - waiting - starved,
            waiting_seconds=waiting, starved_seconds=starved, updates=int(counters[UPDATES]),
        )  # fmt: skip

    def add_process(self, name: str, **amounts: float) -> None:
        """Add to the row of a process."""
        _add(self.processes.setdefault(name, {}), amounts)

    def promised(self) -> float:
        """Progress that all updates have promised one by one."""
        return sum(row["promised"] for row in self.phases.values())

    def add_figures(self, figures: Mapping[str, float]) -> None:
        """Take notice of the first objective that is told."""
        if self.unjudged is None and "objective" in figures:
            self.unjudged = self.promised()

    def parallelisation_error(
        self, objectives: Sequence[float], at_start: float | None
    ) -> float | None:
        """Promised progress less what was made, over the time between known objectives.

        Parameters
        ----------
        objectives : sequence of float
            Of all steps that told one.
        at_start : float or None
            The objective before the first update; without it, what the updates before the first
            objective promised is compared with nothing.
        """
        if not objectives or not self.promised():
            return None
        if at_start is None:
            return self.promised() - (self.unjudged or 0.0) - (objectives[0] - objectives[-1])
        return self.promised() - (at_start - objectives[-1])

    def state(self) -> dict[str, Any]:
        """Everything, for a checkpoint: the statistics of a resumed run go on."""
        return copy.deepcopy(vars(self))

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from :meth:`state`."""
        vars(self).update(copy.deepcopy(dict(state)))


def _add(row: Row, amounts: Mapping[str, float]) -> None:
    for word, amount in amounts.items():
        row[word] = row.get(word, 0) + amount
