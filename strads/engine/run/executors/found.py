"""The executor of a run: the one that is asked for, or the program's own process and the reason."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from strads.engine.mpi.executor import Mpi
from strads.engine.mpi.home_check import HomeCheck
from strads.engine.mpi.ranks import job
from strads.engine.processes.executor import Processes
from strads.engine.processes.nursery.nursery import CannotStart
from strads.engine.processes.team import Team
from strads.engine.program.program import Program
from strads.engine.rounds.executor import Executor
from strads.engine.rounds.serial import Serial
from strads.engine.run.executors.why_serial import why_no_others, why_serial
from strads.engine.run.turn import Grant


class Asked(NamedTuple):
    """What the caller of a run asks for.

    `executor` is a name that the environment has already been asked about, and `check` is whether
    races are looked for.
    """

    program: Program
    workers: int
    seed: int
    executor: str
    check: bool


class Found(NamedTuple):
    """An executor, and why the run gets this one."""

    executor: Executor
    reason: str


class WhyNotNow(Protocol):
    """Takes the engine's turn and returns nothing, or returns why the run cannot have it."""

    def __call__(self, *, must: bool) -> str:
        """With `must` there is an error instead of a reason."""


def find(asked: Asked, team: Callable[[int], Team], why_not_now: WhyNotNow) -> Found:
    """Return the executor of a run, with the turn of the engine if it needs that.

    Parameters
    ----------
    asked : Asked
    team : callable
        Returns the team of so many worker processes.
    why_not_now : callable
        See `WhyNotNow`.

    Raises
    ------
    CannotStart
        If processes are asked for by name and cannot be started.
    """
    program, workers, seed, name, check = asked
    if name == "mpi":
        reason = why_no_others(check) or why_not_now(must=False)
        if reason:
            return Found(_serial(asked), reason)
        ranks = job()
        return Found(Mpi(program, workers, seed, ranks), f"{workers} workers on {ranks.size} ranks")
    must = name == "processes"
    reason = "asked for" if name == "serial" else why_serial(workers, check)
    if must and workers == 1 and not check:
        reason = ""
    reason = reason or why_not_now(must=must)
    if not reason:
        try:
            return Found(Processes(program, workers, seed, team(workers)), f"{workers} workers")
        except CannotStart as error:
            if must:
                raise
            reason = str(error)
            warnings.warn(f"running serially: {reason}", RuntimeWarning, stacklevel=4)
    return Found(_serial(asked), reason)


def prepare(asked: Asked, found: Found, grant: Grant, **layout: Any) -> Found:
    """Prepare an executor for the run that it was found for.

    If there are workers, but no room for a scheduler process, the run gets a serial executor
    instead.

    Parameters
    ----------
    asked : Asked
    found : Found
    grant : Grant
        Gets the executor, which it closes at the end.
    **layout
        See :meth:`~strads.engine.rounds.executor.Executor.prepare`.

    Returns
    -------
    Found
    """
    grant.executor = found.executor
    try:
        found.executor.prepare(**layout)
    except CannotStart as error:
        if asked.executor == "processes":
            raise
        found.executor.close()
        warnings.warn(f"running serially: {error}", RuntimeWarning, stacklevel=4)
        found = Found(Serial(asked.program, asked.workers, asked.seed), str(error))
        grant.executor = found.executor
        found.executor.prepare(**layout)
    return found


def _serial(asked: Asked) -> Serial:
    program, workers, seed, _, check = asked
    if check and any(field.local for field in program.fields().values()):
        return HomeCheck(program, workers, seed)
    return Serial(program, workers, seed, check=check)
