"""The race check of programs with local fields: each worker must stay within its own range.

On ranks of MPI a worker finds zeros where a local array belongs to other ranks. Here each worker
gets a copy of such an array with other values there, and does its part of the round once more. If
these values change, it writes what is not its own; if the results differ from those of the round,
it reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from strads.engine.errors import KernelError, ProgramError
from strads.engine.mpi.changes import Copies
from strads.engine.mpi.link import Link
from strads.engine.mpi.plan import Plan, plan_of
from strads.engine.mpi.ranked_launch import RankedLaunch
from strads.engine.partition import Partition
from strads.engine.program.program import Program
from strads.engine.rounds.generated.writer import Stage
from strads.engine.rounds.racecheck import RaceCheck
from strads.engine.rounds.serial import Serial
from strads.engine.rounds.stages import Bound, arguments, bind, make_halves, new_cursor


class HomeCheck(Serial):
    """The serial executor with the race check, for programs with local fields.

    Parameters
    ----------
    program : Program
    workers : int
    seed : int
    """

    def __init__(self, program: Program, workers: int, seed: int) -> None:
        super().__init__(program, workers, seed, check=True)
        self._apart: dict[str, Bound] = {}  # stages as ranks run them
        self._local = _NONE  # the array of which every worker has a copy

    def _launch(self, name: str, epochs: int) -> None:
        moves = name in self.rounds and bool(self.rounds[name].policy.moves_holders)
        plan_of(self.program, self.stages[name], moves_holders=moves)  # refuses what cannot be
        self._alone = RankedLaunch(
            self.program, self.stages[name], Plan((), (), ()), self.store.arrays,
            cast(Link, _Nobody()),
            [range(self.workers)], Copies(), self._work,
        )  # fmt: skip
        super()._launch(name, epochs)

    def _checked(self, stage: Stage, t: int) -> None:
        assert stage.phase is not None
        name, launch = stage.phase.name, self._alone
        guard = RaceCheck(self.program, self.store, stage, self._cursors[name])
        before, waiting, micro_rounds = guard.copy(), launch.waiting.copy(), launch.micro_rounds
        super()._checked(stage, t)
        forward = guard.copy()

        def again() -> None:
            launch.waiting, launch.micro_rounds = waiting.copy(), micro_rounds
            guard.put_back(before)
            if stage.buffers:
                launch.round(t)
            else:
                launch.plain(ends=True)

        self._compare(f"phase {name!r}, round {t}", self._locals(stage), again, guard.compared)
        guard.put_back(forward)

    def _once(self, word: str) -> np.ndarray:
        stage, fields = self.stages[word], self.program.fields()
        local = [n for n in self._locals(stage) if word != "rebuild" or fields[n].kind == "derived"]
        written = [n for n in stage.fields if fields[n].mutable]
        before = {n: self.store.arrays[n].copy() for n in written}
        parts = super()._once(word)
        forward = {n: self.store.arrays[n].copy() for n in [*written, ".parts"]}

        def again() -> None:
            for name, array in before.items():
                self.store.arrays[name][...] = array
            self._work(word, (parts,))

        self._compare(word, local, again, [*written, ".parts"])
        for name, array in forward.items():
            self.store.arrays[name][...] = array
        return parts

    def _locals(self, stage: Stage) -> list[str]:
        fields = self.program.fields()
        return [name for name in stage.fields if fields[name].local]

    def _compare(
        self, where: str, names: Iterable[str], again: Callable[[], None], compared: Sequence[str]
    ) -> None:
        """Repeat what has been done, for each of some local arrays with copies for the workers."""
        arrays = self.store.arrays
        expected = {name: arrays[name].copy() for name in compared}
        for name in names:
            axis = self.program.fields()[name].axes[0]
            self._local = local = _Local(name, self.program.partitions[axis])
            try:
                again()
            except KernelError as error:
                raise self._broken(name, where, "reads") from error
            finally:
                self._local = _NONE
            if local.strayed():
                raise self._broken(name, where, "writes")
            local.put_together(arrays[name])
            for word, array in expected.items():
                if array.tobytes() != arrays[word].tobytes():
                    raise self._broken(name, where, "reads")

    def _work(self, name: str, first: Sequence[Any]) -> None:
        """Run a stage worker by worker, each with its own copy of one local array."""
        if name not in self._apart:
            halves = make_halves(self.program, self.stages)
            self._apart[name] = bind(
                self.program, {name: halves[name]}, self.store, checked=True
            )[name]  # fmt: skip
        bound, local = self._apart[name], self._local
        entry = bound.compiled(self.compilation).entry
        for p in range(self.workers):
            arrays = dict(self.store.arrays)
            if local.name:
                arrays[local.name] = local.copy(p, arrays[local.name])
            cursor = new_cursor(bound.call)
            try:
                entry(p, p + 1, 1, *first, *arguments(bound.call, arrays, cursor))
            except Exception as error:
                raise bound.call.kernel_error(error, cursor) from error

    def _broken(self, name: str, where: str, does: str) -> ProgramError:
        return ProgramError(
            f"{type(self.program).__name__} declares {name} local, but in {where} a worker {does} "
            "entries that other workers hold: let it touch its own range alone, or declare "
            f"{name} without local=True"
        )


class _Local:
    """The copies of a local array, each with other values outside of its worker's range."""

    def __init__(self, name: str, cut: Partition) -> None:
        self.name, self.cut = name, cut
        self.copies: list[np.ndarray] = []
        self.given: list[np.ndarray] = []  # the same, as they were made

    def copy(self, worker: int, array: np.ndarray) -> np.ndarray:
        """Return the copy of a worker; the first call for each makes it."""
        if len(self.copies) == worker:
            lo, hi = self.cut.range(worker)
            made = np.array(array)
            for rest in (slice(0, lo), slice(hi, None)):
                # Zeros as on ranks, since a whole number may be an index: one that is read ahead
                # and not used must not lead out of an array.
                made[rest] = np.nan if made.dtype.kind == "f" else 0
            self.copies.append(made)
            self.given.append(made.copy())
        return self.copies[worker]

    def strayed(self) -> bool:
        """Whether a worker has written outside of its range."""
        for p, (now, then) in enumerate(zip(self.copies, self.given, strict=True)):
            lo, hi = self.cut.range(p)
            then[lo:hi] = now[lo:hi]
            if now.tobytes() != then.tobytes():
                return True
        return False

    def put_together(self, array: np.ndarray) -> None:
        """Write what each worker has in its range into the one array, unless that is data."""
        for p, copy in enumerate(self.copies if array.flags.writeable else ()):
            lo, hi = self.cut.range(p)
            array[lo:hi] = copy[lo:hi]


_NONE = _Local("", Partition(np.zeros(1, np.int64)))


class _Nobody:
    """The link of a rank that is alone."""

    ranks = SimpleNamespace(rank=0, size=1)

    def gather(self, arrays: Any = (), *, reads: bool = False) -> list[memoryview]:
        return [memoryview(b"")]
