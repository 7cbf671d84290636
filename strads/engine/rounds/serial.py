"""Run all logical workers in this process, one after the other.

This is for small problems, for debugging, for running with the JIT off, and for machines without
worker processes. Rounds, machine code and result bits are the same as on processes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from strads.engine.compiling.compile import CompiledKernel
from strads.engine.errors import StradsError
from strads.engine.memory.allocators import Private
from strads.engine.program.program import Program
from strads.engine.rounds.counts.visits import Visited, Visits, taken
from strads.engine.rounds.executor import Executor
from strads.engine.rounds.generated.templates import UPDATES
from strads.engine.rounds.generated.writer import Stage
from strads.engine.rounds.racecheck import RaceCheck
from strads.engine.rounds.ring import Ring
from strads.engine.rounds.rounds import Rounds
from strads.engine.rounds.stages import COUNTS, arguments, new_cursor
from strads.engine.schedules.replay import Record


class Serial(Executor):
    """Executor without processes.

    Parameters
    ----------
    program : Program
    workers : int
        Number of logical workers: it changes the computed numbers, but not the speed.
    seed : int
    check : bool
        Whether to run every round twice, with the workers in opposite orders, and raise RaceError
        unless both give the same bits.
    """

    kind = "serial"

    def __init__(self, program: Program, workers: int, seed: int, *, check: bool = False) -> None:
        super().__init__(program, workers, seed, Private())
        self.check = check
        self.rounds: dict[str, Rounds] = {}
        self._cursors: dict[str, np.ndarray] = {}
        self._args: dict[str, list[Any]] = {}
        self._entries: dict[str, Any] = {}

    def _ready(self) -> None:
        for name in self.bound:
            self._bind(name)
        for name in self.compiled:
            self._hand_out_stage(name, self.bound[name].compiled(self.compilation))
        self._start_policies()

    def _start_policies(self) -> None:
        for name in self.schedules:
            self._start(name)

    def _bind(self, name: str) -> None:
        call = self.bound[name].call
        self._cursors[name] = new_cursor(call)
        self._args[name] = arguments(call, self.store.arrays, self._cursors[name])

    def _hand_out_stage(self, name: str, kernel: CompiledKernel) -> None:
        self._entries[name] = kernel.entry

    def _start(self, name: str) -> None:
        arrays = self.store.arrays
        ring = Ring.of(arrays, name)
        number = list(self.stages).index(name)
        self.rounds[name] = Rounds(
            self.schedules[name], self.world(name), ring, self.phase(name), self.seed, number,
            counts=arrays[COUNTS][number] if self.starts else None, starts=self.starts,
        )  # fmt: skip

    def _launch(self, name: str, epochs: int) -> None:
        stage, since = self.stages[name], time.perf_counter()
        self._cursors[name][:] = 0
        working = 0.0

        def dispatched(t: int) -> None:
            nonlocal working
            begun = time.perf_counter()
            if self.check:
                self._checked(stage, t)
            else:
                self._call(stage, (0, self.workers, 1, False, t, t + 1))
            working += time.perf_counter() - begun

        if name in self.rounds:
            self.rounds[name].launch(epochs, _nothing, dispatched)
        else:
            together = self.phase(name).pull is not None and not self.check
            for _ in range(1 if together else epochs):
                self._cursors[name][:] = 0
                self._begin_epochs(name, epochs if together else 1)
                dispatched(0)
        wall = time.perf_counter() - since
        counters = self._count(name, wall, {"scheduling_seconds": wall - working})
        # All logical workers run in this process: none waits, and all time is the leader's.
        self.accounts.add_process(
            "leader", seconds=wall, busy_seconds=working, scheduling_seconds=wall - working,
            waiting_seconds=0.0, starved_seconds=0.0, updates=int(counters[:, UPDATES].sum()),
        )  # fmt: skip

    def _call(self, stage: Stage, head: tuple[Any, ...]) -> None:
        assert stage.phase is not None
        name = stage.phase.name
        entry = self._entries[name]
        try:
            entry(*head, *self._args[name])
        except StradsError:
            raise
        except Exception as error:
            raise self.bound[name].call.kernel_error(error, self._cursors[name]) from error

    def _checked(self, stage: Stage, t: int) -> None:
        assert stage.phase is not None
        name = stage.phase.name
        guard = RaceCheck(self.program, self.store, stage, self._cursors[name])
        before = guard.copy()
        self._call(stage, (0, self.workers, 1, False, t, t + 1))
        forward = guard.copy()
        guard.put_back(before)
        self._call(stage, (self.workers - 1, -1, -1, False, t, t + 1))
        guard.compare(forward, t)
        guard.put_back(forward)

    def _once(self, word: str) -> np.ndarray:
        parts = self.store.arrays[".parts"]
        entry = self._entries[word]
        try:
            entry(0, self.workers, 1, parts, *self._args[word])
        except StradsError:
            raise
        except Exception as error:
            raise self.bound[word].call.kernel_error(error) from error
        return parts

    def _tell(self, phase: str, message: str, content: tuple[Any, ...]) -> None:
        self.rounds[phase].tell(message, content)

    def _restart(self, phase: str, *, anew: bool) -> None:
        self.rounds[phase].begin(self.schedules[phase], self.world(phase), anew=anew)

    def _hand_out_moved(self, names: Sequence[str]) -> None:
        for name in self.bound:
            self._bind(name)

    def record(self) -> None:
        """Record every round from now on."""
        for rounds in self.rounds.values():
            rounds.log = []

    def recorded(self) -> dict[str, list[Record]]:
        """Return the rounds of every phase that were recorded since the last call."""
        return {name: rounds.recorded() for name, rounds in self.rounds.items()}

    def _count_visits(self) -> None:
        for name, parts in self.counting.items():
            self.rounds[name].visits = Visits(self.world(name), parts)

    def visited(self) -> dict[str, list[Visited]]:
        """Return the visits counted since the last call, by phase."""
        return {name: taken(rounds.visits) for name, rounds in self.rounds.items()}

    def _policies_state(self) -> dict[str, Any]:
        return {name: rounds.state() for name, rounds in self.rounds.items()}

    def _restore_policies(self, state: Mapping[str, Any]) -> None:
        for name, rounds in self.rounds.items():
            rounds.restore(state[name])

    def schedule_statistics(self) -> dict[str, dict[str, Any]]:
        """Return what every policy has counted, by phase."""
        return {name: rounds.statistics() for name, rounds in self.rounds.items()}

    def close(self) -> None:
        """Drop all views of the arrays and release their memory."""
        self.compilation.close()
        self.rounds.clear()
        self._args.clear()
        self.store.arrays.clear()  # else a traceback that refers to the store keeps the memory
        self.store.allocator.release()


def _nothing(_: int) -> None:
    """Wait for nothing: a serial round is finished as soon as it has been handed out."""
