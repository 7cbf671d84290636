"""Begin a step again after the death of a process: what is rebuilt, and what is put back.

A step is the unit. Variables live in memory that no process takes with it, so after a death they
hold what has been written of the step. There are three ways back to a state in which the step can
begin again:

* ``recover``: the program has a generator of that name. It puts the program's attributes, controls
  and derived arrays in order, and yields phases to run.
* ``rebuild``: the program has that kernel only, which computes derived arrays from the variables.
* ``snapshot``: the program has neither. Then everything that a checkpoint holds is copied before
  each step, and put back: the step has the bits that it would have had without the death.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from strads.engine.errors import ProgramError, WorkerDied
from strads.engine.partition import Partition
from strads.engine.program.kept import kept, used, way_back
from strads.engine.rounds.executor import Executor


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
                executor.once(name)
            elif name in executor.stages:
                executor.launch(name, epochs)
            else:
                raise ProgramError(f"cycle() yielded {name!r}, which is not a phase")
    finally:
        if isinstance(phases, Iterator) and hasattr(phases, "close"):
            phases.close()


def start_over(executor: Executor) -> None:
    """Bring a program that keeps no snapshots into a state in which a step can begin.

    Its variables hold what they hold.
    """
    program = executor.program
    if way_back(program) == "recover":
        launch_all(executor, program.recover() or ())
    else:
        executor.once("rebuild")


class Recovery:
    """How the steps of one run survive the death of a process.

    Parameters
    ----------
    executor : Executor
    """

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self._snapshot: Snapshot | None = None
        self._copies = executor.mortal and way_back(executor.program) == "snapshot"

    def step_begins(self) -> None:
        """Copy what the step may change, if the program has no other way back."""
        if self._copies:
            self._snapshot = Snapshot(self.executor)

    def recover(self, death: WorkerDied) -> None:
        """Replace the processes that have died, and go back to the beginning of the step.

        Raises
        ------
        WorkerDied
            If there is no point in going on.
        """
        while True:
            self.executor.replace(death)
            try:
                if self._snapshot is None:
                    start_over(self.executor)
                else:
                    self._snapshot.put_back()
                return
            except WorkerDied as another:
                death = another


class Snapshot:
    """A copy of all that a step may change."""

    def __init__(self, executor: Executor) -> None:
        self.executor, program = executor, executor.program
        self.arrays = {name: used(program, f).copy() for name, f in kept(program).items()}
        self.cuts = {axis: program.partitions[axis] for axis in executor.grown}
        self.sizes = {axis: program.size[axis] for axis in executor.grown}
        self.rounds = executor.rounds_state()
        self.attributes = program.save_state()

    def put_back(self) -> None:
        """Return to the state at the time of the copy."""
        executor, program = self.executor, self.executor.program
        for axis in executor.grown - self.sizes.keys():
            raise ProgramError(
                f"{type(program).__name__} has grown axis {axis!r} for the first time in a step "
                "that a death has cut short; a program that grows axes needs recover()"
            )
        for axis, size in self.sizes.items():
            if program.size[axis] != size:
                executor.grow(axis, size, Partition(self.cuts[axis].bounds))
        for name, field in kept(program).items():
            used(program, field)[...] = self.arrays[name]
        executor.restore_rounds(self.rounds)
        program.load_state(self.attributes)
