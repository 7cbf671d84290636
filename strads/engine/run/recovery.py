"""Begin a step again after the death of a process: what is rebuilt, and what is put back.

A step is the unit. Variables live in memory that no process takes with it, so after a death they
hold what has been written of the step. There are three ways back to a state in which the step can
begin again:

* ``recover``: the program has a generator of that name. It puts the program's attributes, controls
  and derived arrays in order, and yields phases to run.
* ``rebuild``: the program has that kernel only, which computes derived arrays from the variables.
* ``snapshot``: the program has neither. Then variables, derived arrays, controls and what
  ``save_state`` returns are copied before each step, and put back.

Who does what: ``Executor.replace`` puts new processes in the place of those that died and hands the
program to all of them. ``Recovery.recover`` does that, then goes one of the three ways. The team's
``mend`` only starts processes. ``take_over`` and ``Inherited`` are for the leader, where no process
can be started. ``settle`` does without processes, too: it is for a run that has failed and whose
state is to be saved.

In all three cases the policies start anew, with other random numbers: the certificate of the result
holds, but its bits are not those of an undisturbed run.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError, WorkerDied
from strads.engine.partition import Partition
from strads.engine.processes.executor import Processes
from strads.engine.processes.inherited import Inherited
from strads.engine.processes.nursery.nursery import CannotStart
from strads.engine.program.kept import kept, used, way_back
from strads.engine.rounds.executor import Executor

_log = logging.getLogger("strads")


def launch_all(executor: Executor, yielded: Iterable[Any]) -> None:
    """Run the phases that a program yields, each for as many epochs as it says.

    A generator whose phase fails is closed at once, so that its ``finally`` clauses run before
    anything else does.
    """
    phases = iter(yielded)
    try:
        for one in phases:
            name, epochs = one if isinstance(one, tuple) else (one, 1)
            if name == "rebuild" and name in executor.stages:
                rebuild(executor)
            elif name in executor.stages:
                executor.launch(name, epochs)
            else:
                raise ProgramError(f"cycle() yielded {name!r}, which is not a phase")
    finally:
        close = getattr(phases, "close", None)
        if close is not None:
            close()


def rebuild(executor: Executor) -> None:
    """Compute all derived arrays anew, beginning with zeros as at the start of a run."""
    program = executor.program
    for field in kept(program).values():
        if field.kind == "derived":
            used(program, field)[...] = 0
    executor.once("rebuild")


def start_over(executor: Executor) -> None:
    """Bring a program that keeps no snapshots into a state in which a step can begin.

    Its variables hold what they hold.
    """
    program = executor.program
    if way_back(program) == "recover":
        launch_all(executor, program.recover() or ())
    else:
        rebuild(executor)


class Recovery:
    """How the steps of one run survive the death of a process.

    Parameters
    ----------
    executor : Executor
    """

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self._snapshot: Snapshot | None = None
        self._within = False  # whether a step is being computed, which could begin again
        self._starts_over = executor.starts_over
        self._copies = executor.mortal and way_back(executor.program) == "snapshot"

    def step_begins(self) -> None:
        """Copy what the step may change, if the program has no other way back."""
        self._within = True
        if self._copies:
            self._snapshot = self._snapshot or Snapshot()
            self._snapshot.take(self.executor)

    def cycle(self) -> None:
        """Run the phases of the step; if a process dies, replace it and begin the step again."""
        starts_over, self._starts_over = self._starts_over, False
        while True:
            try:
                if starts_over:
                    start_over(self.executor)
                return launch_all(self.executor, self.executor.program.cycle())
            except (WorkerDied, CannotStart) as error:
                self.recover(error)
                starts_over = False

    def step_ended(self) -> None:
        """Note that the step has ended: nothing of it is to be undone any more."""
        self._within = False
        self.executor.step_ended()

    def recover(self, error: WorkerDied | CannotStart) -> None:
        """Replace the processes that have died, and go back to the beginning of the step.

        If they cannot be replaced, the leader runs everything from now on, with a new `executor`.

        Raises
        ------
        WorkerDied
            If there is no point in going on.
        """
        while True:
            self._replace(error)
            try:
                return self._go_back()
            except (WorkerDied, CannotStart) as another:
                error = another

    def settle(self) -> bool:
        """Bring a run that has failed into a state that can be saved, in the leader.

        Returns
        -------
        bool
            Whether there is a way back.
        """
        if self._within and not self.executor.mends:
            return False
        recovers = way_back(self.executor.program) != "snapshot"
        if self._within and self._snapshot is None and not recovers:
            return False
        if isinstance(self.executor, Processes):
            self.executor = Inherited(self.executor)
        if self._within:
            self._go_back()
        return True

    def _go_back(self) -> None:
        """Return to a state in which the step can begin."""
        if self._snapshot is None:
            start_over(self.executor)
        else:
            self._snapshot.put_back(self.executor)

    def take_over(self, error: CannotStart) -> None:
        """Have the leader run everything from now on.

        Raises
        ------
        CannotStart
            If it does so already.
        """
        if not isinstance(self.executor, Processes):
            raise error
        _log.warning("no process can be started (%s): the leader runs all workers", error)
        self.executor = Inherited(self.executor)

    def _replace(self, error: WorkerDied | CannotStart) -> None:
        if isinstance(error, WorkerDied):
            try:
                return self.executor.replace(error)
            except CannotStart as another:
                error = another
        return self.take_over(error)


class Snapshot:
    """A copy of all that a step may change; its memory serves for all steps."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}

    def take(self, executor: Executor) -> None:
        """Copy the present state."""
        program = executor.program
        for name, field in kept(program).items():
            now, before = used(program, field), self.arrays.get(name)
            if before is not None and before.shape == now.shape:
                before[...] = now  # new memory would cost ten times as much
            else:
                self.arrays[name] = now.copy()
        self.sizes, self.cuts = dict(program.size), dict(program.partitions)
        self.attributes = copy.deepcopy(program.save_state())

    def put_back(self, executor: Executor) -> None:
        """Return to the state at the time of the copy."""
        program = executor.program
        for axis in executor.grown:
            if program.size[axis] != self.sizes[axis]:
                executor.grow(axis, self.sizes[axis], Partition(self.cuts[axis].bounds))
        for name, field in kept(program).items():
            used(program, field)[...] = self.arrays[name]
        program.load_state(copy.deepcopy(self.attributes))
