"""One launch on several ranks: push, exchange, pull, for the logical workers of every rank.

What a worker sees in a push or a pull is what it would see on one machine: outboxes of all workers,
shared fields and moved blocks come with the exchange after each push, shared fields that pulls
write with one after the pull. Ranks apply what they get in the order of the workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from strads.engine.mpi.changes import Copies, apply, as_words, changed
from strads.engine.mpi.link import Link, Reader
from strads.engine.mpi.moving import Moving, as_slice
from strads.engine.mpi.plan import Plan
from strads.engine.program.kept import used
from strads.engine.program.program import Program
from strads.engine.rounds.generated.writer import Stage
from strads.engine.rounds.ring import Ring
from strads.engine.rounds.stages import has_rounds, pull_of
from strads.engine.schedules.lease import LAST, N_MICRO, SWEEPS

#: Runs a stage for this rank's workers, with these numbers as its first arguments.
Work = Callable[[str, tuple[Any, ...]], None]


class RankedLaunch:
    """One launch of a stage.

    Parameters
    ----------
    program : Program
    stage : Stage
        The loop of a phase, or a stage without rounds.
    plan : Plan
    arrays : dict of str to ndarray
        All arrays of the run.
    link : Link
    crews : sequence of range
        The logical workers of every rank.
    copies : Copies
    work : callable
    """

    def __init__(
        self, program: Program, stage: Stage, plan: Plan, arrays: dict[str, Any],
        link: Link, crews: Sequence[range], copies: Copies, work: Work,
    ) -> None:  # fmt: skip
        self.program, self.stage, self.plan, self.arrays = program, stage, plan, arrays
        self.link, self.crews, self.work = link, crews, work
        self.rank = link.ranks.rank
        self.others = [rank for rank in range(len(crews)) if rank != self.rank]
        self.micro_rounds = 0
        self.waiting: deque[tuple[int, int, int]] = deque()  # pushed, but not pulled
        self._shared = {name: as_words(used(program, self._field(name))) for name in plan.shared}
        mine = [(name, self._own(name, self.rank)) for name in plan.own]
        self._before = {n: copies.take(n, a) for n, a in [*self._shared.items(), *mine]}
        if stage.phase is not None and has_rounds(stage):
            name = stage.phase.name
            self._cuts, self._info = arrays[f".cuts@{name}"], arrays[f".info@{name}"]
            self._leases = Ring.of(arrays, name).slots
            # What goes with a block: its outboxes, and the feedback to the schedule.
            self._sent = [f"{word}@{name}" for word in stage.outboxes]
            self._fed = [f".{w}@{name}" for w in ("change", "gain") if w in stage.engine]
        self._moving: Moving | None = None
        if plan.moved:
            rows = [program.state[name] for name in plan.moved]
            size = program.size[self._field(plan.moved[0]).axes[0]]
            self._moving = Moving(rows, size, link)

    # -- rounds --------------------------------------------------------------------------------

    def round(self, t: int, *, ends: bool = True) -> None:
        """Run a round; `ends` says whether its last micro-round may be the launch's last one."""
        assert self.stage.phase is not None
        phase, slot = self.stage.phase, t % len(self._info)
        info = self._info[slot]
        micros = [(s, m) for s in range(int(info[SWEEPS])) for m in range(int(info[N_MICRO]))]
        for sweep, m in micros:
            last = ends and bool(info[LAST]) and (sweep, m) == micros[-1]
            buffer = self.micro_rounds % self.stage.buffers
            if self._moving is not None:
                self._moving.fetch([self._ids(slot, m, crew) for crew in self.crews])
            self.work(phase.name, (slot, sweep, m, buffer))
            self.micro_rounds += 1
            # What nobody reads before the launch ends is exchanged then.
            self._after_push(slot, m, buffer, shared=not last or phase.pull is not None)
            if phase.pull is None:
                continue
            self.waiting.append((slot, m, buffer))
            if len(self.waiting) > phase.depth:
                self._pull(slot, sweep, shared=not last)
        while info[LAST] and self.waiting:
            self._pull(slot, micros[-1][0], shared=False)

    def _pull(self, slot: int, sweep: int, *, shared: bool) -> None:
        assert self.stage.phase is not None
        pulled, m, buffer = self.waiting.popleft()
        self.work(pull_of(self.stage.phase.name), (slot, sweep, pulled, m, buffer))
        names, blocks = self.plan.pulled if shared else (), self.plan.pulled_blocks
        if names or blocks or self._moving is not None:
            self._exchange(names, lambda crew: self._rows(blocks, pulled, m, crew))

    def _after_push(self, slot: int, m: int, buffer: int, *, shared: bool) -> None:
        names = self.plan.pushed if shared else ()
        if names or self._sent or self._fed or self.plan.blocks:
            self._exchange(names, lambda crew: self._pushed(slot, m, buffer, crew))
        elif self.plan.moved:  # it is sent when all ranks are known to have come so far
            self.link.gather()

    def _pushed(self, slot: int, m: int, buffer: int, crew: range) -> Iterator[tuple[Any, Any]]:
        """Yield what a rank's push sends to all, each as an array and an index into it."""
        for p in crew:
            lo, hi = (int(cut) for cut in self._cuts[slot, p, m : m + 2])
            if lo < hi:
                yield from ((self.arrays[name], (buffer, p, slice(lo, hi))) for name in self._sent)
                yield from ((self.arrays[name], (slot, p, slice(lo, hi))) for name in self._fed)
        yield from self._rows(self.plan.blocks, slot, m, crew)

    def _rows(
        self, names: Sequence[str], slot: int, m: int, crew: range
    ) -> Iterator[tuple[Any, Any]]:
        """Yield the rows of some fields at the ids of a rank's blocks."""
        ids = self._ids(slot, m, crew) if names else np.empty(0, np.int64)
        if len(ids):
            place = as_slice(ids)
            yield from ((self.program.state[name], place) for name in names)

    def _ids(self, slot: int, m: int, crew: range) -> np.ndarray:
        """Return the ids of the blocks of a rank's workers in a micro-round."""
        blocks = [self._leases[slot].micro_round(p, m) for p in crew]
        return np.concatenate(blocks) if blocks else np.empty(0, np.int64)

    # -- exchanges -----------------------------------------------------------------------------

    def _exchange(self, names: Sequence[str], pieces: Callable[[range], Any]) -> None:
        """Send pieces whose sizes all ranks know, then the changes of shared fields."""
        sent = [array[place] for array, place in pieces(self.crews[self.rank])]
        for name in names:
            sent += changed(self._shared[name], self._before[name])
        found = self.link.gather(sent)
        for rank in self.others:
            reader = Reader(found[rank])
            for array, place in pieces(self.crews[rank]):
                part = array[place]
                array[place] = reader.take(part.size, part.dtype).reshape(part.shape)
            for name in names:
                apply(reader, self._shared[name], self._before[name])

    def plain(self, *, ends: bool) -> None:
        """Run a stage without rounds; unless the launch ends, bring shared fields level."""
        assert self.stage.phase is not None
        self.work(self.stage.phase.name, (False, 0, 1))
        if not ends and self.plan.pushed:
            self._exchange(self.plan.pushed, lambda crew: ())

    def end(self, counters: Sequence[str]) -> None:
        """Bring all arrays level, and the rows of the workers in some arrays of the engine."""
        sent = [self.arrays[name][_rows_of(self.crews[self.rank])] for name in counters]
        for name in self.plan.shared:
            sent += changed(self._shared[name], self._before[name], last=True)
        for name in self.plan.own:
            sent += changed(self._own(name, self.rank), self._before[name], last=True)
        if self._moving is not None:
            sent += self._moving.last()
        found = self.link.gather(sent)
        for rank in self.others:
            reader = Reader(found[rank])
            for name in counters:
                part = self.arrays[name][_rows_of(self.crews[rank])]
                part[...] = reader.take(part.size, part.dtype).reshape(part.shape)
            for name in self.plan.shared:
                apply(reader, self._shared[name])
            for name in self.plan.own:
                apply(reader, self._own(name, rank))
            if self._moving is not None:
                self._moving.put_last(reader, rank)

    def _field(self, name: str) -> Any:
        return self.program.fields()[name]

    def _own(self, name: str, rank: int) -> np.ndarray:
        """Return the part of a private or replicated array that the workers of a rank write."""
        field, crew = self._field(name), self.crews[rank]
        rows = _rows_of(crew)
        if not field.replicated:
            bounds = self.program.partitions[field.axes[0]].bounds
            rows = slice(int(bounds[crew.start]), int(bounds[crew.stop]))
        return as_words(used(self.program, field)[rows])


def _rows_of(crew: range) -> slice:
    return slice(crew.start, crew.stop)
