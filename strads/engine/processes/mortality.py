"""What has died in a run, and whether there is any point in going on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from strads.engine.errors import WorkerDied
from strads.engine.rounds.executor import Executor
from strads.engine.rounds.ring import Ring

#: A worker that dies so often in a row in the same round of the same phase dies of what it does
#: there.
SAME_ROUND = 3
#: So many deaths within one step end the run, wherever they were.
IN_A_STEP = 20
#: Ids of a lease that a message names.
_NAMED = 5

_log = logging.getLogger("strads")


class Mortality:
    """The deaths of processes that a run has survived.

    Attributes
    ----------
    count : int
        Number of deaths so far.
    rows : list of dict
        One for each, for the statistics: ``process``, ``pid``, ``signal``, ``exit_code``,
        ``phase``, ``last_round``, and ``seconds`` from the news of the death until all processes
        were ready again.
    """

    def __init__(self) -> None:
        self.count = 0
        self.rows: list[dict[str, Any]] = []
        self._in_step = 0
        self._in_row = 0
        self._place: tuple[str, str | None, int | None] | None = None

    def step_ended(self) -> None:
        """Note that a step of the run has ended: what died before has done no lasting harm."""
        self._in_step = self._in_row = 0
        self._place = None

    def note(
        self, death: WorkerDied, lease: Callable[[str, int | None, str], np.ndarray | None]
    ) -> None:
        """Count a death.

        Parameters
        ----------
        death : WorkerDied
        lease : callable
            ``lease(phase, last_round, worker)`` returns the ids at which a worker was.

        Raises
        ------
        WorkerDied
            This death, if the run should end.
        """
        if death.final:
            raise death
        self.count += 1
        self._in_step += 1
        place = (death.worker, death.phase, death.last_round)
        self._in_row = self._in_row + 1 if place == self._place else 1
        self._place = place
        if death.phase is not None and self._in_row >= SAME_ROUND:
            ids = lease(death.phase, death.last_round, death.worker)
            if ids is not None:  # a worker, in a phase that has rounds
                what = _described(ids)
                raise _final(death, f"it died {self._in_row} times in a row in that round{what}")
        if self._in_step >= IN_A_STEP:
            raise _final(death, f"{self._in_step} processes died within one step")

    def replaced(self, death: WorkerDied, seconds: float) -> None:
        """Note that a process which died has been replaced, and log it."""
        self.rows.append(
            {
                "process": death.worker, "pid": death.pid, "signal": death.signal,
                "exit_code": death.exit_code, "phase": death.phase,
                "last_round": death.last_round, "seconds": seconds,
            }
        )  # fmt: skip
        outcome = f"replaced within {seconds:.3f} s"
        if death.phase is not None:
            outcome += ", the step begins again"
        _log.warning("%s", death.with_outcome(outcome))


def leased_ids(run: Executor, phase: str, last_round: int | None, worker: str) -> np.ndarray | None:
    """Return the ids that a worker had in the round after `last_round`, in the user's order."""
    _, _, index = worker.partition("worker ")
    if phase not in run.schedules or not index.isdigit():
        return None
    slots = Ring.of(run.store.arrays, phase).slots
    lease = slots[(0 if last_round is None else last_round + 1) % len(slots)]
    ids, order = lease.block(int(index)), run.program.partitions[run.schedules[phase].axis].order
    return ids.copy() if order is None else order[ids]


def _final(death: WorkerDied, why: str) -> WorkerDied:
    found = death.with_outcome(f"{why}, so the run ends; the next one starts fresh processes")
    found.final = True
    return found


def _described(ids: np.ndarray) -> str:
    if len(ids) == 0:
        return ""
    some = ", ".join(map(str, ids[:_NAMED].tolist())) + (", …" if len(ids) > _NAMED else "")
    return f", with the ids {some}"
