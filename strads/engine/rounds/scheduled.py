"""The schedules of a program's phases: what their policies see, are told, and have done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from strads.engine.compiling.compile import CompiledKernel
from strads.engine.compiling.requests import Compilation, KernelRequest
from strads.engine.errors import ProgramError
from strads.engine.failures import blamed
from strads.engine.memory.needs import check_memory
from strads.engine.memory.sizes import capacity, may_grow
from strads.engine.memory.store import Store
from strads.engine.partition import Partition
from strads.engine.program.costs import laid_out_costs
from strads.engine.program.phase import Phase
from strads.engine.program.program import Program
from strads.engine.rounds.counts.visits import PARTS, Visited
from strads.engine.rounds.generated.writer import Stage
from strads.engine.rounds.ring import culprit, demand_fits
from strads.engine.rounds.rounds import COUNTED
from strads.engine.rounds.stages import COUNTS, costs_of
from strads.engine.schedules.base import Schedule, World
from strads.engine.schedules.lease import EPOCH, SWEEPS
from strads.engine.schedules.replay import Record


class Scheduled(ABC):
    """Holds the schedules of a program's phases, and counts the epochs of phases without one.

    Parameters
    ----------
    program : Program
    workers : int
    seed : int
    store : Store
        The arrays of the run.
    """

    starts = 0  # how often policies have started anew, beside deaths

    def __init__(self, program: Program, workers: int, seed: int, store: Store) -> None:
        self.program = program
        self.workers = workers
        self.seed = seed
        self.store = store
        self.compilation = Compilation()
        self.stages: dict[str, Stage] = {}
        self.schedules: dict[str, Schedule] = {}
        self.epochs: dict[str, int] = {}  # epochs begun, by phase without schedule
        self.told: dict[str, dict[str, tuple[Any, ...]]] = {}  # by phase: the last of each message
        self.policy_kernels: dict[str, dict[str, CompiledKernel]] = {}
        self.made: dict[str, dict[str, Any]] = {}  # what Schedule.make() returned
        self.counting: dict[str, int | None] = {}  # by phase whose visits are counted: the parts
        self._known_costs: dict[str, np.ndarray | None] = {}  # by axis

    def _take(self, name: str, schedule: Schedule) -> None:
        """Give a phase this schedule: compute and compile what its policy will need."""
        blame, declared = culprit(schedule, name), self.phase(name).schedule
        assert declared is not None
        if schedule.axis != declared.axis:
            raise ProgramError(
                f"{blame} works on axis {schedule.axis!r}, but the kernels of the phase work on "
                f"{declared.axis!r}"
            )
        world = self.world(name)
        demand_fits(self.store, name, schedule, world)
        with blamed(blame):
            schedule.declared(self.program.fields())
            if name in self.policy_kernels:  # a first schedule was checked with the rings
                check_memory({blame: schedule.nbytes(world)})
            world = replace(world, made=schedule.make(world))
            wanted = schedule.kernels(world)
        wanted = {
            word: self.compilation.add(kernel) if isinstance(kernel, KernelRequest) else kernel
            for word, kernel in wanted.items()
        }
        self.compilation.begin()
        self.schedules[name] = schedule
        self.policy_kernels[name] = {
            word: self.compilation.result(kernel) if isinstance(kernel, KernelRequest) else kernel
            for word, kernel in wanted.items()
        }
        self.made[name] = dict(world.made)

    def _keep_costs(self) -> None:
        """Put the costs of scheduled axes into shared memory: they may be too long to send."""
        for axis in {schedule.axis for schedule in self.schedules.values()}:
            costs = self._costs(axis)
            if costs is not None:
                kept = self.store.new(costs_of(axis), "engine", costs.shape, np.float64)
                kept[:] = costs
                self._known_costs[axis] = kept

    def phase(self, name: str) -> Phase:
        """Return a phase by name."""
        phase = self.stages[name].phase
        assert phase is not None
        return phase

    def world(self, name: str, *, widest: bool = False) -> World:
        """Describe the run to the policy of a phase.

        With `widest`, the axis has the full size that memory is reserved for: rings are made so
        large that the leases of such an axis fit.
        """
        phase = self.phase(name)
        assert phase.schedule is not None
        axis = phase.schedule.axis
        cut = self.program.partitions[axis]
        costs = self._costs(axis)
        size = capacity(self.program, axis)
        if widest and may_grow(self.program, axis):  # a ring for a full lease takes little memory
            size = max(size, phase.schedule.lease + (phase.schedule.micro or 0))
        if widest and size > cut.size:
            cut, costs = Partition.contiguous(size, self.workers), None
        return World(
            partition=cut, workers=self.workers, costs=costs, seed=self.seed,
            look_ahead=phase.lag(self.workers), sequential=phase.sequential,
            arrays=self.store.arrays, depth=phase.depth,
            kernels={n: k.entry for n, k in self.policy_kernels.get(name, {}).items()},
            made=self.made.get(name, {}), spans=phase.spans,
        )  # fmt: skip

    def _costs(self, axis: str) -> np.ndarray | None:
        """Costs of an axis's ids, in the order in which they are laid out; None if unknown."""
        if axis not in self._known_costs:
            self._known_costs[axis] = laid_out_costs(self.program, axis, self.store.arrays)
        return self._known_costs[axis]

    def tell(self, phase: str, message: str, content: tuple[Any, ...]) -> None:
        """Call a method of a phase's policy at once, before the next launch.

        Raises
        ------
        ProgramError
            If there is no such phase, or it has no schedule.
        """
        name = type(self.program).__name__
        if phase not in self.schedules:
            phases = [n for n, s in self.stages.items() if s.phase is not None]
            raise ProgramError(
                f"tell({phase!r}, …): phase {phase!r} of {name} has no schedule to tell"
                if phase in phases
                else f"tell({phase!r}, …): {name} has no phase of that name; its phases are "
                + ", ".join(phases)
            )
        self._tell(phase, message, content)
        told = self.told.setdefault(phase, {})
        told.pop(message, None)  # the latest comes last
        told[message] = content

    def all_told(self) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
        """Yield what policies were told since they began: phase, message, content."""
        for phase, told in self.told.items():
            for message, content in told.items():
                yield phase, message, content

    @abstractmethod
    def _tell(self, phase: str, message: str, content: tuple[Any, ...]) -> None:
        """Call a method of a phase's policy."""

    def exchange(self, phase: str, schedule: Schedule) -> None:
        """Replace the schedule of a phase from its next launch on.

        Raises
        ------
        ProgramError
            If the phase has no schedule, or the new schedule's leases do not fit the phase's ring.
        """
        if phase not in self.schedules:
            raise ProgramError(
                f"phase {phase!r} has no schedule to exchange; the phases with a schedule are "
                + ", ".join(self.schedules)
            )
        self.told.pop(phase, None)
        self._take(phase, schedule)
        self._restart(phase, anew=False)

    @abstractmethod
    def _restart(self, phase: str, *, anew: bool) -> None:
        """Start a policy for the phase's schedule, ``anew`` if that schedule had one before."""

    @abstractmethod
    def record(self) -> None:
        """Record every round from now on."""

    @abstractmethod
    def recorded(self) -> dict[str, list[Record]]:
        """Return the rounds of every phase that were recorded since the last call."""

    def count_visits(self, *, one_by_one: Collection[str] = ()) -> None:
        """Count visits of ids from now on.

        Parameters
        ----------
        one_by_one : collection of str
            Axes whose ids are counted one by one; others are counted in parts.
        """
        self.counting = {
            name: None if schedule.axis in one_by_one else PARTS
            for name, schedule in self.schedules.items()
        }
        if self.counting:
            self._count_visits()

    @abstractmethod
    def _count_visits(self) -> None:
        """Have policies count as :attr:`counting` says."""

    @abstractmethod
    def visited(self) -> dict[str, list[Visited]]:
        """Return the visits counted since the last call, by phase."""

    def rounds_state(self) -> dict[str, Any]:
        """State of every phase's rounds, for a checkpoint."""
        unscheduled = {name: {"epoch": epoch} for name, epoch in self.epochs.items()}
        return {**unscheduled, **self._policies_state()}

    def restore_rounds(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`rounds_state`."""
        self.epochs = {name: int(state[name]["epoch"]) for name in self.epochs}
        self._restore_policies({name: state[name] for name in self.schedules})

    def begin_policies_anew(self, state: Mapping[str, Any]) -> None:
        """Start all policies anew; their counts go on from :meth:`rounds_state` of another run."""
        numbers = {name: number for number, name in enumerate(self.stages)}
        for name in self.schedules:
            row = self.store.arrays[COUNTS][numbers[name]]
            row[: len(COUNTED)] = [int(state[name][word]) for word in COUNTED]
        self.starts += 1
        self._start_policies()

    @abstractmethod
    def _start_policies(self) -> None:
        """Start the policy of every phase."""

    @abstractmethod
    def _policies_state(self) -> dict[str, Any]:
        """State of the rounds of every phase that has a schedule."""

    @abstractmethod
    def _restore_policies(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`_policies_state`."""

    def _begin_epochs(self, name: str, epochs: int) -> None:
        """Say which epochs of a phase without schedule the next launch makes."""
        info = self.store.arrays[f".info@{name}"][0]
        info[EPOCH], info[SWEEPS] = self.epochs[name], epochs
        self.epochs[name] += epochs

    @abstractmethod
    def schedule_statistics(self) -> dict[str, dict[str, Any]]:
        """Return what every policy has counted, by phase."""
