"""The executor that runs stages in worker processes and policies in a scheduler process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numba import cloudpickle

from strads.engine.compiling.compile import CompiledKernel
from strads.engine.errors import InsufficientMemory, StradsError, WorkerDied
from strads.engine.memory.allocators import Shared
from strads.engine.memory.layout import PartitionLike
from strads.engine.memory.needs import used_nbytes
from strads.engine.memory.store import Store
from strads.engine.platform import available_cores
from strads.engine.processes.children.serving import WAKE_WORDS, abort
from strads.engine.processes.handing_over import handing_over, program_requests, sendable
from strads.engine.processes.member import Member, Request
from strads.engine.processes.mortality import Mortality, leased_ids
from strads.engine.processes.team import Team
from strads.engine.program.kept import kept, way_back
from strads.engine.program.program import Program
from strads.engine.rounds.counts.visits import Visited
from strads.engine.rounds.executor import Executor
from strads.engine.rounds.stages import STRIDE
from strads.engine.schedules.replay import Record
from strads.engine.schedules.trust import only_our_code

# A process may spin while each has a core; else it leaves the core to a process that has work.
SPINS, SPINS_CROWDED = 4000, 0


class Processes(Executor):
    """Executor on the processes of a team.

    Parameters
    ----------
    program : Program
    workers : int
        Number of logical workers; each is a process.
    seed : int
    team : Team
        A team of that many workers.
    """

    kind = "processes"
    mortal = True

    def __init__(self, program: Program, workers: int, seed: int, team: Team) -> None:
        super().__init__(program, workers, seed, Shared(team.pool))
        self.team = team
        self.closed = False
        self.mortality = Mortality()
        self.recording = False

    # -- preparing -----------------------------------------------------------------------------

    def prepare(
        self, partition: Mapping[str, PartitionLike] | None = None, *, align: bool = True,
        array_dir: Path | None = None,
    ) -> None:  # fmt: skip
        """Lay out the program in memory, compile its stages, hand both to all processes."""
        self.team.lent = True
        try:
            super().prepare(partition, align=align, array_dir=array_dir)
        except InsufficientMemory:
            if not self.team.pool.idle:
                raise
            self.store.allocator.release()
            self._free_idle()
            self.store = Store(Shared(self.team.pool))
            super().prepare(partition, align=align, array_dir=array_dir)

    def _other_needs(self, given: Mapping[str, Any]) -> dict[str, int]:
        needs = super()._other_needs(given)
        if way_back(self.program) == "snapshot":
            for name, field in kept(self.program).items():
                needs[f"{name} in the snapshot"] = used_nbytes(self.program, field, self.workers)
        return needs

    def _free_idle(self) -> None:
        """Free the segments that earlier runs have left for later ones, in all processes."""
        self.team.pool.free()
        dropped = self._dropped()
        self.team.ask([m.request("unmap", dropped) for m in self.team.members], self._abort)

    def _dropped(self) -> list[int]:
        """Return the numbers of segments that members shall unmap; note them as not mapped."""
        dropped, self.team.pool.dropped = self.team.pool.dropped, []
        for member in self.team.members:
            member.mapped.difference_update(dropped)
        return dropped

    def _ready(self) -> None:
        # The scheduler has words of its own to sleep on: it is ahead of the workers, and waking it
        # must not delay them. Workers that wait for it spin as it does: it may need their cores.
        cores = available_cores()
        for word, processes in zip(WAKE_WORDS, (self.workers, self.workers + 1), strict=True):
            spins = SPINS if processes <= cores else SPINS_CROWDED
            self.store.arrays[word][3 * STRIDE] = spins
        try:
            self._hand_over()
        except WorkerDied as death:  # most likely while it was idle
            self.replace(death)

    def _hand_over(self) -> None:
        """Send the program's arrays and kernels to all members of the team."""
        self.team.ask(self._program_requests(), self._abort)

    def _program_requests(self) -> list[Request]:
        starts = self.starts + self.mortality.count
        return program_requests(self, self.team, starts=starts, recording=self.recording)

    def _hand_out_stage(self, name: str, kernel: CompiledKernel) -> None:
        self._ask(
            lambda: [
                worker.request("stage", worker.payloads({name: kernel}), keys=[kernel.key])
                for worker in self.team.workers
            ]
        )

    def _abort(self) -> None:
        abort(self.store.arrays)

    # -- processes that die --------------------------------------------------------------------

    def _ask(self, make: Callable[[], list[Request]]) -> dict[str, Any]:
        """Ask members what has the same effect when it is asked again; replace those that die."""
        while True:
            try:
                return self.team.ask(make(), self._abort)
            except WorkerDied as death:
                self.replace(death)

    def replace(self, death: WorkerDied) -> None:
        """Replace processes that have died, and hand the program to all members anew.

        All policies start anew, and are told the last message of each kind that they had been told.

        Raises
        ------
        WorkerDied
            This death, if there is no point in going on: see :class:`Mortality`.
        CannotStart
            If no process can be started.
        """
        while True:
            self.mortality.note(death, partial(leased_ids, self))
            since = time.perf_counter()
            try:
                self.team.mend()
                self._hand_over()
                for phase, message, content in self.all_told():
                    request = self.scheduler.request("tell", phase, message, content)
                    self.team.ask([request], self._abort)
            except WorkerDied as another:
                death = another
                continue
            # Whatever the launch had counted is lost with it.
            self.store.arrays[".times"][...] = 0
            self.store.arrays[".promise"][...] = 0.0
            return self.mortality.replaced(death, time.perf_counter() - since)

    def step_ended(self) -> None:
        """Note that a step of the run has ended."""
        self.mortality.step_ended()

    def deaths(self) -> list[dict[str, Any]]:
        """Describe the deaths that this run has survived."""
        return list(self.mortality.rows)

    # -- running -------------------------------------------------------------------------------

    def _launch(self, name: str, epochs: int) -> None:
        since = time.perf_counter()
        scheduled = name in self.schedules
        extra: dict[str, float] = {}
        seconds = dict.fromkeys((w.name for w in self.team.workers), 0.0)
        # Without a pull nobody waits between two epochs, so that each needs a launch.
        together = scheduled or self.phase(name).pull is not None
        for _ in range(1 if together else epochs):
            self._reset(published=not scheduled)
            if not scheduled:
                self._begin_epochs(name, epochs if together else 1)
            requests = [worker.request("launch", name) for worker in self.team.workers]
            if scheduled and self.team.scheduler is not None:
                requests.insert(0, self.team.scheduler.request("launch", name, epochs))
            try:
                replies = self.team.ask(requests, self._abort)
            except WorkerDied as death:  # all other processes have answered by now
                finished = int(self.store.arrays[".done"][::STRIDE].min())
                raise death.within(name, finished) from None
            extra = replies.get("scheduler", {})
            for worker in seconds:
                seconds[worker] += replies[worker]
        counters = self._count(name, time.perf_counter() - since, extra)
        for worker, row in zip(seconds, counters, strict=True):
            self.accounts.add_worker(worker, seconds[worker], row)
        if extra:
            busy, waited = extra["scheduling_seconds"], extra["scheduler_waiting_seconds"]
            self.accounts.add_process(
                "scheduler", seconds=busy + waited, busy_seconds=busy, waiting_seconds=waited
            )

    def _reset(self, *, published: bool) -> None:
        """Set the step clocks to zero; called while all processes are idle."""
        arrays = self.store.arrays
        for word in (".clocks", ".done", ".published"):
            arrays[word][:] = 0
        for word in WAKE_WORDS:
            arrays[word][: 3 * STRIDE] = 0
        if published:  # the single round of a phase without schedule is always there
            arrays[".published"][0] = 1

    def _once(self, word: str) -> np.ndarray:
        def requests() -> list[Request]:
            self._begin_sums(word)  # what a worker that died has added does not count
            return [worker.request("once", word) for worker in self.team.workers]

        self._ask(requests)
        parts: np.ndarray = self.store.arrays[".parts"]
        return parts

    # -- policies ------------------------------------------------------------------------------

    @property
    def scheduler(self) -> Member:
        """The scheduler of the team, in a run that has one."""
        assert self.team.scheduler is not None
        return self.team.scheduler

    def _ask_scheduler(self, *message: Any, keys: Sequence[str] = ()) -> Any:
        replies = self._ask(lambda: [self.scheduler.request(*message, keys=keys)])
        return replies[self.scheduler.name]

    def _tell(self, phase: str, message: str, content: tuple[Any, ...]) -> None:
        self._ask_scheduler("tell", phase, message, content)

    def _restart(self, phase: str, *, anew: bool) -> None:
        schedule, kernels = self.schedules[phase], self.policy_kernels[phase]
        if not anew and not only_our_code(schedule):
            # The scheduler may have imported an earlier form of this code. After this program it
            # is not used again.
            self.team.trusted = False
            self._ask_scheduler("forget")
        keys = [kernel.key for kernel in kernels.values()]

        def restart() -> list[Request]:
            content = cloudpickle.dumps(
                (phase, schedule.bare(), sendable(self, self.team, phase), anew)
            )
            return [self.scheduler.request("restart", content, keys=keys)]

        self._ask(restart)

    def _hand_out_moved(self, names: Sequence[str]) -> None:
        places = self.store.places()
        spec = {"places": {name: places[name] for name in names}}
        self._ask(
            lambda: [handing_over(self, self.team, m, "arrays", spec) for m in self.team.members]
        )

    def record(self) -> None:
        """Have the scheduler record every round from now on."""
        self.recording = True
        if self.schedules:
            self._ask_scheduler("record")

    def recorded(self) -> dict[str, list[Record]]:
        """Return the rounds recorded since the last call, by phase."""
        found: dict[str, list[Record]] = self._ask_scheduler("recorded") if self.schedules else {}
        return found

    def _count_visits(self) -> None:
        self._ask_scheduler("count_visits", self.counting)

    def visited(self) -> dict[str, list[Visited]]:
        """Return the visits counted since the last call, by phase."""
        if not self.counting or self.closed or self.team.broken:
            return {}
        found: dict[str, list[Visited]] = self._ask_scheduler("visited")
        return found

    def pids(self) -> dict[str, int]:
        """Return the process numbers of the leader, the workers, the scheduler and the nursery."""
        team = {} if self.closed else {m.name: m.pid for m in self.team.members}
        nursery = getattr(self.team.nursery, "process", None)
        return {**super().pids(), **team, **({} if nursery is None else {"nursery": nursery.pid})}

    def _start_policies(self) -> None:
        if self.schedules:
            self._ask(self._program_requests)

    def _policies_state(self) -> dict[str, Any]:
        if not self.schedules:
            return {}
        state: dict[str, Any] = self._ask_scheduler("state")
        return state

    def _restore_policies(self, state: Mapping[str, Any]) -> None:
        if self.schedules:
            self._ask_scheduler("restore", dict(state))

    def schedule_statistics(self) -> dict[str, dict[str, Any]]:
        """Return what every policy counted, by phase."""
        if not self.schedules or self.closed or self.team.broken:
            return {}
        counted: dict[str, dict[str, Any]] = self._ask_scheduler("statistics")
        return counted

    def close(self) -> None:
        """Give the team back; if that fails, end its processes and free its memory."""
        if self.closed:
            return
        self.closed = True
        self.compilation.close()
        try:
            if self.team.lent and not self.team.broken and self.team.owner_pid == os.getpid():
                self._hand_back()
        except StradsError:  # an error of processes that nobody needs any more
            pass
        finally:
            # A traceback that somebody keeps refers to this object, and must not keep the memory.
            self.store.arrays.clear()
            if self.team.lent:
                self.team.close()

    def _hand_back(self) -> None:
        """Have all members drop the program, and unmap segments that the pool does not keep."""
        if not self.team.trusted:
            self.team.end_scheduler()
        self.store.allocator.release()
        dropped = self._dropped()
        self.team.ask([m.request("end", dropped) for m in self.team.members], self._abort)
        self.team.lent = False
