"""What serial and process execution have in common: preparing, growing, counting."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from strads.engine.compiling.compile import CompiledKernel
from strads.engine.errors import ProgramError
from strads.engine.failures import blamed
from strads.engine.fields import Variable
from strads.engine.memory import needs
from strads.engine.memory.allocators import Private, Shared
from strads.engine.memory.layout import PartitionLike, lay_out, show
from strads.engine.memory.needs import check_memory
from strads.engine.memory.sizes import capacity, demand_growable, may_grow, shape_of
from strads.engine.memory.store import Store
from strads.engine.partition import Partition
from strads.engine.program.costs import axis_costs, laid_out_costs
from strads.engine.program.phase import Phase
from strads.engine.program.program import Program
from strads.engine.rounds.accounts import Accounts
from strads.engine.rounds.rounds import ROUNDS, culprit
from strads.engine.rounds.stages import (
    Bound,
    bind,
    costs_of,
    demand_room,
    engine_arrays,
    make_stages,
    new_rings,
)
from strads.engine.schedules.base import Schedule, World
from strads.engine.schedules.lease import KEY
from strads.engine.schedules.replay import Record
from strads.kernels.random import derive


class Executor(ABC):
    """Runs the stages of one program with `workers` logical workers.

    Parameters
    ----------
    program : Program
    workers : int
    seed : int
    allocator : Private or Shared
        Where the arrays live.
    """

    kind = "abstract"
    check = False  # whether rounds are repeated in another order, and indices checked

    def __init__(
        self, program: Program, workers: int, seed: int, allocator: Private | Shared
    ) -> None:
        self.program = program
        self.workers = workers
        self.seed = seed
        self.store = Store(allocator)
        self.bound: dict[str, Bound] = {}
        self.schedules: dict[str, Schedule] = {}
        self.accounts = Accounts()
        self.grown: set[str] = set()  # axes
        self.epochs: dict[str, int] = {}  # that phases without schedule have begun
        self._sums: dict[str, list[str]] = {}  # by stage: sums over the workers that it may write
        self._known_costs: dict[str, np.ndarray | None] = {}  # by axis
        self._largest: dict[str, int] = {}  # sizes that axes have had: so much has been touched
        self._unchecked = 0  # bytes grown into since memory was last asked for
        self.prepare_s: dict[str, float] = {}
        self.policy_kernels: dict[str, dict[str, CompiledKernel]] = {}
        self.made: dict[str, dict[str, Any]] = {}  # what schedules had the leader compute

    # -- preparing -----------------------------------------------------------------------------

    def prepare(
        self, partition: Mapping[str, PartitionLike] | None = None, *, align: bool = True
    ) -> None:
        """Lay the program out, compile its stages, make it ready to launch.

        Parameters
        ----------
        partition : mapping of axis to partition, optional
        align : bool
            Round cuts to cache lines.
        """
        self.align = align
        program, since = self.program, time.perf_counter()
        program.stopped = None  # an earlier run may have been
        self.stages = make_stages(program)
        lay_out(
            program, self.store, self.workers, seed=self.seed, partition=partition, align=align,
            also=self._other_needs,
        )  # fmt: skip
        self._largest = dict(program.size)
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
        laid_out = time.perf_counter()
        self.bound = bind(program, self.stages, self.store, checked=self.check)
        for name, schedule in self.schedules.items():
            self._take(name, schedule)
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

        Asked once, when sizes and partitions are known and nothing has been taken yet, neither
        fields nor rings: the store is still empty.
        """
        return {
            word: math.prod(shape) * np.dtype(dtype).itemsize
            for word, (shape, dtype) in self._engine_words().items()
        }

    def _engine_words(self) -> dict[str, tuple[tuple[int, ...], Any]]:
        return engine_arrays(self.workers)

    def _take(self, name: str, schedule: Schedule) -> None:
        """Let a phase have this schedule: compute and compile what its policy will need."""
        blame, declared = culprit(schedule, name), self.phase(name).schedule
        assert declared is not None
        if schedule.axis != declared.axis:
            raise ProgramError(
                f"{blame} works on axis {schedule.axis!r}, the kernels of the phase on "
                f"{declared.axis!r}"
            )
        world = self.world(name)
        demand_room(self.store, name, schedule, world)
        with blamed(blame):
            schedule.declared(self.program.fields())
            if name in self.policy_kernels:  # in place of another, whose memory was asked for
                check_memory({blame: schedule.nbytes(world)})
            world = replace(world, made=schedule.make(world))
            compiled = schedule.kernels(world)
        self.schedules[name], self.policy_kernels[name] = schedule, compiled
        self.made[name] = dict(world.made)

    def _keep_costs(self) -> None:
        """Put the costs of scheduled axes where every process sees them: they may be long."""
        for axis in {schedule.axis for schedule in self.schedules.values()}:
            costs = self._costs(axis)
            if costs is not None:
                kept = self.store.new(costs_of(axis), "engine", costs.shape, np.float64)
                kept[:] = costs
                self._known_costs[axis] = kept

    @abstractmethod
    def _ready(self) -> None:
        """Start policies, hand arrays to workers."""

    def phase(self, name: str) -> Phase:
        """Return a phase by name."""
        phase = self.stages[name].phase
        assert phase is not None
        return phase

    def world(self, name: str, *, widest: bool = False) -> World:
        """What the policy of a phase may know.

        ``widest`` describes the axis at its full reserved capacity: it sizes rings.
        """
        phase = self.phase(name)
        assert phase.schedule is not None
        axis = phase.schedule.axis
        cut = self.program.partitions[axis]
        costs = self._costs(axis)
        room = capacity(self.program, axis)
        if widest and may_grow(self.program, axis):  # to a full lease, which costs little
            room = max(room, phase.schedule.lease + phase.schedule.micro)
        if widest and room > cut.size:
            cut, costs = Partition.contiguous(room, self.workers), None
        return World(
            partition=cut, workers=self.workers, costs=costs, seed=self.seed,
            look_ahead=max(phase.look_ahead, phase.depth), sequential=phase.sequential,
            arrays=self.store.arrays, depth=phase.depth,
            kernels={n: k.entry for n, k in self.policy_kernels.get(name, {}).items()},
            made=self.made.get(name, {}),
        )  # fmt: skip

    def _costs(self, axis: str) -> np.ndarray | None:
        """Costs of an axis as it is laid out: of what kernels see, not of what was given."""
        if axis not in self._known_costs:
            self._known_costs[axis] = laid_out_costs(self.program, axis, self.store.arrays)
        return self._known_costs[axis]

    # -- running -------------------------------------------------------------------------------

    def launch(self, name: str, epochs: int = 1) -> None:
        """Run a phase for some epochs; returns when everybody is done."""
        self._begin_sums(name)
        self._launch(name, epochs)
        self._end_sums(name)

    def once(self, word: str) -> np.ndarray:
        """Run ``measure`` or ``rebuild`` on every worker; return the parts."""
        self._begin_sums(word)
        parts = self._once(word)
        self._end_sums(word)
        return parts

    @abstractmethod
    def _launch(self, name: str, epochs: int) -> None:
        """Run a phase for some epochs."""

    @abstractmethod
    def _once(self, word: str) -> np.ndarray:
        """Run ``measure`` or ``rebuild`` on every worker."""

    def _begin_sums(self, name: str) -> None:
        """Let every copy of a sum over the workers begin at zero."""
        for word in self._sums[name]:
            self.store.arrays[word][...] = 0

    def _end_sums(self, name: str) -> None:
        """Let every copy of a sum become that of all, added in the order of the workers."""
        for word in self._sums[name]:
            copies = self.store.arrays[word]
            for other in copies[1:]:
                copies[0] += other
            copies[1:] = copies[0]

    def tell(self, phase: str, message: str, content: tuple[Any, ...]) -> None:
        """Call a method of a phase's policy, now: before whatever the program asks for next."""
        name = type(self.program).__name__
        if phase not in self.schedules:
            phases = [n for n, s in self.stages.items() if s.phase is not None]
            raise ProgramError(
                f"tell({phase!r}, …): phase {phase!r} of {name} has no schedule to tell"
                if phase in phases
                else f"tell({phase!r}, …): {name} has no phase of that name, but: "
                + ", ".join(phases)
            )
        self._tell(phase, message, content)

    @abstractmethod
    def _tell(self, phase: str, message: str, content: tuple[Any, ...]) -> None:
        """Call a method of a phase's policy."""

    def exchange(self, phase: str, schedule: Schedule) -> None:
        """Replace the schedule of a phase from its next launch on.

        The ring must have room for its leases.
        """
        if phase not in self.schedules:
            raise ProgramError(
                f"phase {phase!r} has no schedule to exchange; these have: "
                + ", ".join(self.schedules)
            )
        self._take(phase, schedule)
        self._restart(phase, anew=False)

    @abstractmethod
    def _restart(self, phase: str, *, anew: bool) -> None:
        """Start the policy of a phase's schedule, ``anew`` on an axis that has grown."""

    @abstractmethod
    def record(self) -> None:
        """Record every round from now on."""

    @abstractmethod
    def recorded(self) -> dict[str, list[Record]]:
        """Return the rounds of every phase since the last call."""

    def rounds_state(self) -> dict[str, Any]:
        """State of every phase's rounds, for a checkpoint."""
        unscheduled = {name: {"epoch": epoch} for name, epoch in self.epochs.items()}
        return {**unscheduled, **self._policies_state()}

    def restore_rounds(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`rounds_state`."""
        self.epochs = {name: int(state[name]["epoch"]) for name in self.epochs}
        self._restore_policies({name: state[name] for name in self.schedules})

    @abstractmethod
    def _policies_state(self) -> dict[str, Any]:
        """State of the rounds of every phase that has a schedule."""

    @abstractmethod
    def _restore_policies(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`_policies_state`."""

    def _begin_epoch(self, name: str) -> None:
        """Give an epoch of a phase without schedule its random key, as a static schedule has."""
        number = list(self.stages).index(name)
        key = derive(derive(self.seed, ROUNDS, number), self.epochs[name])
        self.store.arrays[f".info@{name}"][0, KEY] = key
        self.epochs[name] += 1

    @abstractmethod
    def close(self) -> None:
        """Release memory; the engine stays usable."""

    def grow(self, axis: str, size: int, cut: Partition | None = None) -> None:
        """Give an axis a new size, cut anew unless told how, with its policies restarted."""
        program = self.program
        size = demand_growable(program, axis, size)
        self.grown.add(axis)
        moved: list[str] = []
        if size > capacity(program, axis):
            moved = self._enlarge(axis, max(size, 2 * capacity(program, axis)))
        else:
            self._demand_growth(axis, size)
        self._largest[axis] = max(size, self._largest[axis])
        self._clear(axis, program.size[axis], size)
        program.size[axis] = size
        self._known_costs.pop(axis, None)
        self.store.arrays.pop(costs_of(axis), None)  # they were of the ids before
        if cut is None:
            costs = axis_costs(program, axis, self.store.arrays)
            align = 16 if self.align else 1
            cut = (
                Partition.contiguous(size, self.workers, align=align)
                if costs is None
                else Partition.balanced(costs, self.workers, align=align)
            )
        program.partitions[axis] = cut
        self.store.arrays[f".bounds@{axis}"][:] = cut.bounds
        for name, schedule in self.schedules.items():
            if schedule.axis == axis:
                demand_room(self.store, name, schedule, self.world(name))
                self.made[name] = schedule.make(self.world(name))
        self._resized(axis, moved)

    def _clear(self, axis: str, old: int, new: int) -> None:
        """Zero a variable's entries that become visible: reserved room may have been used before.

        Derived entries are undefined until the program computes them, which it must anyway;
        zeroing a large one would touch all of its pages twice.
        """
        for name, field in self.program.fields().items():
            if axis not in field.axes or not isinstance(field, Variable):
                continue
            array = self.store.arrays[name]
            first = 1 if field.replicated else 0
            used = [slice(None)] * first
            used += [slice(0, new if a == axis else self.program.size[a]) for a in field.axes]
            for dimension, of in enumerate(field.axes):
                if of == axis and new > old:
                    at = list(used)
                    at[first + dimension] = slice(old, new)
                    array[tuple(at)] = 0

    def _demand_growth(self, axis: str, size: int) -> None:
        """Check the memory that growing within the reserved room takes.

        What is left is asked for once for every few MiB: a program may grow in every epoch.
        """
        more = needs.growth(self.program, axis, self._largest[axis], size, self.workers)
        self._unchecked += sum(more.values())
        if self._unchecked >= needs.UNCHECKED:
            check_memory(more, reserved=self.store.allocator.shared)
            self._unchecked = 0

    def _enlarge(self, axis: str, room: int) -> list[str]:
        program, arrays = self.program, self.store.arrays
        before = program.reserve.get(axis, 0)
        program.reserve[axis] = room
        shapes = {
            name: shape_of(program, field, self.workers)
            for name, field in needs.growing(program, axis).items()
        }
        try:
            check_memory({name: math.prod(s) * arrays[name].itemsize for name, s in shapes.items()})
        except BaseException:
            program.reserve[axis] = before
            raise
        for name, shape in shapes.items():
            self.store.resize(name, shape)
        show(program, self.store)
        return list(shapes)

    @abstractmethod
    def _resized(self, axis: str, moved: list[str]) -> None:
        """Tell policies about a new size, and workers about moved arrays."""

    # -- counting ------------------------------------------------------------------------------

    def _count(self, name: str, wall: float, extra: Mapping[str, float]) -> np.ndarray:
        """Add one launch to the accounts of its phase; return the workers' counters."""
        times, promise = self.store.arrays[".times"], self.store.arrays[".promise"]
        counters: np.ndarray = times.copy()
        self.accounts.add_launch(name, wall, counters, float(promise[:, 0].sum()), extra)
        times[...] = 0
        promise[...] = 0.0
        return counters

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

    @abstractmethod
    def schedule_statistics(self) -> dict[str, dict[str, Any]]:
        """What every policy counted."""
