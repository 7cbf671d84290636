"""Sums over a run: time and updates, by phase and by process."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from strads.engine.rounds.generated.templates import SCHEDULE, SYNC, TOTAL, UPDATES

Row = dict[str, float]


class Span(NamedTuple):
    """One launch, or another piece of work of all processes.

    Attributes
    ----------
    name : str
        The stage.
    begun, ended : float
        On the clock ``time.perf_counter`` of the leader.
    processes : dict of str to dict
        What the launch has added to :attr:`Accounts.processes`.
    """

    name: str
    begun: float
    ended: float
    processes: dict[str, Row]


class Accounts:
    """Sums over the launches of a run.

    Attributes
    ----------
    phases : dict of str to dict
        For every phase: launches, seconds, updates, promised decrease of the objective, and means
        over the workers of the seconds for which they waited for each other (``sync_seconds``) and
        for leases (``starved_seconds``).
    processes : dict of str to dict
        For every process, by its own clock: seconds within launches, and how they were spent.
    measure_seconds : float
        Seconds for which the leader waited for ``measure``.
    unjudged : float or None
        Decrease that had been promised when the first objective became known; None before that.
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
        """Add one launch.

        Parameters
        ----------
        phase : str
        wall : float
            Seconds on the leader's clock.
        times : ndarray of int64, shape (workers, …)
            The workers' counters, in the columns that
            :mod:`strads.engine.rounds.generated.templates` names.
        promised : float
            Sum over the updates of the decrease of the objective that each promised.
        scheduling : mapping of str to float
            Further amounts to add to the row of the phase.
        """
        rows = times.tolist()  # for a few workers quicker than sums over arrays

        # Means over the workers of the seconds that a counter stands for.
        sync = starved = 0.0
        updates = 0
        for row in rows:
            total = max(row[TOTAL], 1)
            sync += row[SYNC] / total
            starved += row[SCHEDULE] / total
            updates += row[UPDATES]
        _add(
            self.phases.setdefault(phase, {}),
            {
                "launches": 1, "seconds": wall, "promised": promised,
                "sync_seconds": wall * sync / len(rows),
                "starved_seconds": wall * starved / len(rows), "updates": updates, **scheduling,
            },
        )  # fmt: skip

    def add_worker(self, name: str, seconds: float, counters: np.ndarray) -> None:
        """Add one worker's launch: `counters` tell how its `seconds` divide into work and waits."""
        total = max(int(counters[TOTAL]), 1)
        waiting = seconds * float(counters[SYNC] / total)
        starved = seconds * float(counters[SCHEDULE] / total)
        self.add_process(
            name, seconds=seconds, busy_seconds=seconds - waiting - starved,
            waiting_seconds=waiting, starved_seconds=starved, updates=int(counters[UPDATES]),
        )  # fmt: skip

    def add_process(self, name: str, **amounts: float) -> None:
        """Add amounts to the row of a process."""
        _add(self.processes.setdefault(name, {}), amounts)

    def promised(self) -> float:
        """Sum over all updates of the decrease of the objective that each promised by itself."""
        return sum(row["promised"] for row in self.phases.values())

    def add_figures(self, figures: Mapping[str, float]) -> None:
        """Note what had been promised when the first objective became known."""
        if self.unjudged is None and "objective" in figures:
            self.unjudged = self.promised()

    def parallelisation_error(
        self, objectives: Sequence[float], at_start: float | None
    ) -> float | None:
        """Promised decrease of the objective minus its actual decrease; None if nothing is known.

        Parameters
        ----------
        objectives : sequence of float
            Objectives of all steps that computed one.
        at_start : float or None
            The objective before the first update. Without it, both decreases are counted from the
            first known objective on.
        """
        if not objectives or not self.promised():
            return None
        if at_start is None:
            return self.promised() - (self.unjudged or 0.0) - (objectives[0] - objectives[-1])
        return self.promised() - (at_start - objectives[-1])

    def state(self) -> dict[str, Any]:
        """All sums, for a checkpoint: a resumed run adds to them."""
        return copy.deepcopy(vars(self))

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`; a ValueError if that is none."""
        for name, value in state.items():
            if isinstance(vars(self).get(name), dict) != isinstance(value, dict):
                raise ValueError(f"{name!r} of the accounts is a {type(value).__name__}")
            if name not in vars(self) or not (value is None or _only_numbers(value)):
                raise ValueError(f"the accounts have no {name!r}, or it holds what is no number")
        vars(self).update(copy.deepcopy(dict(state)))


def _only_numbers(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_only_numbers, value.values()))
    return isinstance(value, (int, float, np.number))


def _add(row: Row, amounts: Mapping[str, float]) -> None:
    for word, amount in amounts.items():
        row[word] = row.get(word, 0) + amount
