"""What the serial and the process executor share: preparing a program, running it, growing axes."""

from __future__ import annotations

import contextlib
import math
import os
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from strads.engine.compiling.compile import CompiledKernel
from strads.engine.compiling.requests import all_wanted
from strads.engine.errors import WorkerDied
from strads.engine.memory.allocators import Private, Shared
from strads.engine.memory.layout import PartitionLike, lay_out
from strads.engine.memory.sizes import demand_growable
from strads.engine.memory.store import Store
from strads.engine.partition import Partition
from strads.engine.program.kept import first_not_finite
from strads.engine.program.program import Program
from strads.engine.rounds.counts.accounts import Accounts, Span
from strads.engine.rounds.growth import Growth
from strads.engine.rounds.ring import culprit, demand_fits, new_rings
from strads.engine.rounds.rounds import ROUNDS
from strads.engine.rounds.scheduled import Scheduled
from strads.engine.rounds.stages import (
    Bound,
    bind,
    costs_of,
    engine_arrays,
    make_stages,
    shipped,
)
from strads.engine.schedules.lease import KEY
from strads.kernels.random import derive

_T = TypeVar("_T")


class Executor(Scheduled):
    """Runs the stages of one program with `workers` logical workers.

    Parameters
    ----------
    program : Program
    workers : int
    seed : int
    allocator : Private or Shared
        Takes the memory for the arrays.
    """

    kind = "abstract"
    mortal = False  # whether it has processes that may die
    starts_over = False  # whether the program must recover before its first step
    here: range | None = None  # the workers whose kernels this process runs, if not all
    saves = False  # whether a checkpoint may be written after each step
    writes = True  # whether this process writes the files of the run
    mends = True  # whether its arrays are those of one run when a kernel has failed
    check = False  # whether to run every round in two orders of the workers and to check indices

    def __init__(
        self, program: Program, workers: int, seed: int, allocator: Private | Shared
    ) -> None:
        super().__init__(program, workers, seed, Store(allocator))
        self.bound: dict[str, Bound] = {}
        self.compiled: set[str] = set()  # names of the stages whose kernel is there
        self.accounts = Accounts()
        self.spans: list[Span] | None = None  # a list if each launch is to be noted
        self.grown: set[str] = set()  # axes that have got a new size
        self._sums: dict[str, list[str]] = {}  # by stage: the summed fields that it may write
        self.fingerprints: dict[str, str] | None = None  # of the data, once they are known
        self.prepare_s: dict[str, float] = {}

    # -- preparing -----------------------------------------------------------------------------

    def prepare(
        self, partition: Mapping[str, PartitionLike] | None = None, *, align: bool = True,
        array_dir: Path | None = None,
    ) -> None:  # fmt: skip
        """Lay the program out, compile its stages, and make it ready to launch.

        Parameters
        ----------
        partition : mapping of axis to partition, optional
        align : bool
            Whether partitions begin at whole cache lines.
        array_dir : Path, optional
            Folder of the files in which variables and derived arrays lie.
        """
        self.align, self.store.folder = align, array_dir
        program, since = self.program, time.perf_counter()
        program._here = self.here
        program.stopped = None  # an earlier run of this program may have been stopped
        self.stages = make_stages(program)
        lay_out(
            program, self.store, self.workers, seed=self.seed, partition=partition, align=align,
            also=self._other_needs,
        )  # fmt: skip
        self.growth = Growth(program, self.store, self.workers)
        for word, (shape, dtype) in self._engine_words().items():
            self.store.new(word, "engine", shape, dtype)
        self.schedules = {
            n: s.phase.schedule
            for n, s in self.stages.items()
            if s.phase is not None and s.phase.schedule is not None
        }
        self.epochs = {
            n: 0 for n, s in self.stages.items() if s.phase is not None and n not in self.schedules
        }
        self._keep_costs()
        fields = program.fields()
        self._sums = {
            n: [word for word in s.fields if fields[word].reduce and word not in s.frozen]
            for n, s in self.stages.items()
        }
        worlds = {n: (self.world(n), self.world(n, widest=True)) for n in self.schedules}
        new_rings(program, self.stages, self.store, worlds)
        for number, name in enumerate(self.stages):
            if name in self.epochs:
                self.store.arrays[f".info@{name}"][0, KEY] = derive(self.seed, ROUNDS, number)
        laid_out = time.perf_counter()
        self.bound = self._bound()
        for bound in self.bound.values():
            bound.request = self.compilation.add(bound.request)
        for name, schedule in self.schedules.items():
            self._take(name, schedule)
        self.compilation.begin()
        if not shipped(program) or all_wanted():  # an error in a user's kernel shows at once
            for bound in self.bound.values():
                bound.compiled(self.compilation)
        self.compiled = {name for name, bound in self.bound.items() if bound.request.kernel}
        compiled = time.perf_counter()
        self._ready()
        self.prepare_s = {
            "layout": laid_out - since,
            "compile": compiled - laid_out,
            "start": time.perf_counter() - compiled,
        }
        program._tell, program._grow = self.tell, self.grow
        if program.rebuild is not None:
            self.once("rebuild")

    def _other_needs(self, given: Mapping[str, Any]) -> dict[str, int]:
        """Bytes, by name, that the run needs besides the program's fields.

        Called once, when sizes and partitions are known and the store is still empty: neither
        fields nor rings have taken memory yet.
        """
        return {
            word: math.prod(shape) * np.dtype(dtype).itemsize
            for word, (shape, dtype) in self._engine_words().items()
        }

    def _bound(self) -> dict[str, Bound]:
        """Bind what is to be compiled for each stage, by name, to the arrays of the run."""
        return bind(self.program, self.stages, self.store, checked=self.check)

    def _engine_words(self) -> dict[str, tuple[tuple[int, ...], Any]]:
        return engine_arrays(self.workers, len(self.stages))

    @abstractmethod
    def _ready(self) -> None:
        """Start the policies and hand the arrays to the workers."""

    # -- running -------------------------------------------------------------------------------

    def launch(self, name: str, epochs: int = 1) -> None:
        """Run a phase for some epochs; return when all workers have finished."""
        self._compile(name)
        before = self._noted_before()
        self._begin_sums(name)
        self._launch(name, epochs)
        self._end_sums(name)
        self._note(name, before)

    def once(self, word: str) -> np.ndarray:
        """Run ``measure`` or ``rebuild`` on every worker; return what each worker measured."""
        self._compile(word)
        before = self._noted_before()
        self._begin_sums(word)
        parts = self._once(word)
        self._end_sums(word)
        self._note(word, before)
        return parts

    def _compile(self, name: str) -> None:
        """Compile a stage that runs for the first time, unless a cache had it."""
        if name not in self.compiled:
            since = time.perf_counter()
            self._hand_out_stage(name, self.bound[name].compiled(self.compilation))
            self.compiled.add(name)
            ended = time.perf_counter()
            self.prepare_s["compile"] += ended - since
            if self.spans is not None:
                self.spans.append(Span(f"compile {name}", since, ended, {}))

    @abstractmethod
    def _hand_out_stage(self, name: str, kernel: CompiledKernel) -> None:
        """Hand out a stage that has been compiled after :meth:`_ready`."""

    @abstractmethod
    def _launch(self, name: str, epochs: int) -> None:
        """Run a phase for some epochs."""

    @abstractmethod
    def _once(self, word: str) -> np.ndarray:
        """Run ``measure`` or ``rebuild`` on every worker."""

    def _begin_sums(self, name: str) -> None:
        """Set every worker's copy of each summed field to zero."""
        for word in self._sums[name]:
            self.store.arrays[word][...] = 0

    def _end_sums(self, name: str) -> None:
        """Set every copy of each summed field to the sum of all, added in the workers' order."""
        for word in self._sums[name]:
            copies = self.store.arrays[word]
            for other in copies[1:]:
                copies[0] += other
            copies[1:] = copies[0]

    def not_finite(self, name: str) -> int | None:
        """Return the first id of a variable with an entry that is not finite; None without any."""
        program = self.program
        return first_not_finite(program.state[name][: program.size[program.fields()[name].axes[0]]])

    def bring(self) -> None:  # not abstract: here all arrays are in one place
        """Bring all arrays that a checkpoint holds to the process that writes it."""

    def brought(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which that process reads them."""
        return contextlib.nullcontext()

    def step_ended(self) -> None:  # not abstract: without processes nothing is to do
        """Note that a step of the run has ended."""

    def deaths(self) -> list[dict[str, Any]]:
        """Describe the deaths that this run has survived."""
        return []

    def replace(self, death: WorkerDied) -> None:
        """Replace processes that have died; the launch that they were in is lost.

        Raises
        ------
        WorkerDied
            If there is no point in going on.
        """
        raise death

    def agreed(self, value: _T) -> _T:
        """Return the same value in all processes that run this program's leader: the first's."""
        return value

    def demand_same(self) -> None:  # not abstract: here nobody else has a program
        """Compare the program before its first step with those of other leaders of the run."""

    def failed(self, error: BaseException) -> None:  # not abstract: here nobody waits
        """Note that the leader's part has raised, which other processes may be waiting for."""

    def own_statistics(self) -> dict[str, Any]:
        """Return entries of the run's statistics that only this kind of executor has."""
        return {}

    def pids(self) -> dict[str, int]:
        """Return the number of each process of the run, by its name."""
        return {"leader": os.getpid()}

    @abstractmethod
    def close(self) -> None:
        """Release the run's memory; the engine can run other programs."""

    def grow(self, axis: str, size: int, cut: Partition | None = None) -> None:
        """Give an axis a new size, and start the policies on it again.

        Parameters
        ----------
        axis : str
        size : int
        cut : Partition, optional
            Of the new size; by default the axis is cut by its costs.

        Raises
        ------
        ProgramError
            If the axis cannot have that size.
        InsufficientMemory
            If there is too little memory for it.
        """
        program = self.program
        size = demand_growable(program, axis, size)
        self.grown.add(axis)
        moved = self.growth.resize(axis, size, self._books(axis, size))
        self._known_costs.pop(axis, None)
        self.store.arrays.pop(costs_of(axis), None)  # costs of the axis at its old size
        if cut is None:
            cut = self.growth.cut(axis, align=16 if self.align else 1)
        program.partitions[axis] = cut
        self.store.arrays[f".bounds@{axis}"][:] = cut.bounds
        for name, schedule in self.schedules.items():
            if schedule.axis == axis:
                demand_fits(self.store, name, schedule, self.world(name))
                self.made[name] = schedule.make(self.world(name))
        # A policy may read arrays that have moved, not only those of its axis.
        anew = [name for name, s in self.schedules.items() if s.axis == axis or moved]
        for name in anew:  # before anything is asked: what it was told may be about other ids
            self.told.pop(name, None)
        if moved:
            self._hand_out_moved(moved)
        for name in anew:
            self._restart(name, anew=True)

    def _books(self, axis: str, size: int) -> dict[str, int]:
        """Bytes, by name, by which policies grow with an axis: about in proportion to its ids."""
        old = self.program.size[axis]
        found = {}
        for name, schedule in self.schedules.items():
            if schedule.axis != axis or size <= old:
                continue
            world = self.world(name)
            now = schedule.nbytes(world)
            if old:
                more = now * (size - old) // old
            else:  # what a policy keeps for an empty axis does not grow with it
                cut = Partition.contiguous(size, self.workers)
                more = max(schedule.nbytes(replace(world, partition=cut)) - now, 0)
            found[culprit(schedule, name)] = more
        return found

    @abstractmethod
    def _hand_out_moved(self, names: Sequence[str]) -> None:
        """Have workers and policies use the new places of arrays that have moved in memory."""

    # -- counting ------------------------------------------------------------------------------

    def _count(self, name: str, wall: float, extra: Mapping[str, float]) -> np.ndarray:
        """Add one launch to the accounts of its phase; return the workers' counters."""
        times, promise = self.store.arrays[".times"], self.store.arrays[".promise"]
        counters: np.ndarray = times.copy()
        promised = promise[0, 0] if len(promise) == 1 else promise[:, 0].sum()
        self.accounts.add_launch(name, wall, counters, float(promised), extra)
        times[...] = 0
        promise[...] = 0.0
        return counters

    def _noted_before(self) -> tuple[float, dict[str, dict[str, float]]]:
        """Return what :meth:`_note` needs: the time, and the accounts of all processes."""
        if self.spans is None:
            return 0.0, {}
        return time.perf_counter(), {n: dict(row) for n, row in self.accounts.processes.items()}

    def _note(self, name: str, before: tuple[float, dict[str, dict[str, float]]]) -> None:
        """Note a launch that has ended, if launches are noted."""
        if self.spans is None or not before[0]:
            return
        rows = {
            process: {word: amount - old.get(word, 0.0) for word, amount in row.items()}
            for process, row in self.accounts.processes.items()
            if (old := before[1].get(process, {})).get("seconds") != row["seconds"]
        }
        self.spans.append(Span(name, before[0], time.perf_counter(), rows))

    def bytes_moved(self) -> int:
        """Bytes that updates sent through outboxes to other workers."""
        total = 0
        for name, row in self.accounts.phases.items():
            width = sum(
                self.store.arrays[f"{word}@{name}"][0, 0, 0].nbytes
                for word in self.stages[name].outboxes
            )
            total += int(row.get("updates", 0)) * (width + 8) * (self.workers - 1) * bool(width)
        return total
