"""Schedules that look neither at values nor at dependencies: RoundRobin, Shuffled and Random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine.compiling.argument_types import type_of
from strads.engine.compiling.requests import KernelRequest
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.coupling import independent
from strads.engine.schedules.driven import Driven, new_words, request_drive
from strads.engine.schedules.lease import Block, Lease
from strads.engine.schedules.planned import EpochPolicy, in_leases
from strads.kernels.driving.slots import EPOCH_ROUNDS, MICRO, PER, STATIC
from strads.kernels.driving.turns import ENDED, NEXT, TurnBook
from strads.kernels.scheduling.clearance import COUNTS, ORDER_WANTED, SPANNED

#: From so many rounds an epoch on, a compiled loop hands them out: with few, the time of Python is
#: nothing beside the work of a round, and a kernel need not be compiled.
MANY = 64


@dataclass(frozen=True)
class _InTurn(Schedule):
    """Base of schedules that visit every id of a worker's range once per epoch."""

    def kernels(self, world: World) -> dict[str, KernelRequest]:
        """Request the compiled loop, if an epoch has many rounds."""
        longest = int(np.diff(world.partition.bounds).max(initial=0))
        if longest < MANY * self.lease:
            return {}
        return {"drive": request_drive(type_of(_book(world)), type_of(independent()))}


class _TurnPolicy(EpochPolicy):
    """State of such a schedule in a run."""

    renewed = False  # whether each epoch has an order of its own

    def __init__(self, world: World, schedule: Schedule) -> None:
        super().__init__(world, schedule.micro)
        self.lease = schedule.lease
        self._book: TurnBook | None = None

    def _blocks(self) -> list[Block]:
        """Return the ids of each worker, in the order of the next epoch."""
        return [self.held(p) for p in range(self.world.workers)]

    def plan(self) -> list[list[Block]]:
        """Return the blocks of every round of an epoch, one block per worker."""
        return in_leases(self._blocks(), self.lease)

    def driven(self, lease: Lease) -> Driven | None:
        """Return what the compiled loop needs; None if Python must fill the rounds."""
        if "drive" not in self.world.kernels:
            return None
        if self.world.spans and (self.renewed or self.active is not None):
            return None  # where ids are not in a row, the error is raised in Python
        book, (words, reals) = _book(self.world), new_words(self.world)
        spans = [self.span(p) for p in range(self.world.workers)]
        book.spans[:] = [spans[0][0], *(last for _, last in spans)]
        if self.renewed:
            book = book._replace(ids=np.zeros(self.n_active, np.int64))
        elif self.active is not None:
            book = book._replace(ids=self.active.astype(np.int64))
        longest = int(np.diff(book.spans).max())
        rounds = max(-(-longest // self.lease), 1)
        book.turn[:] = self.position, rounds, 0, self.renewed
        book.counts[SPANNED] = self.world.spans
        words[[PER, MICRO, STATIC, EPOCH_ROUNDS]] = self.lease, self.micro, 1, rounds
        self._book = book
        if self.renewed:
            self.write_order()
        return Driven(self.world.kernels["drive"], book, independent(), np.empty(0), words, reals)

    def write_order(self) -> None:
        """Write the order of the next epoch for the compiled loop, which has asked for it."""
        assert self._book is not None
        self._ended()
        self._book.ids[:] = np.concatenate(self._blocks())
        self._book.counts[ORDER_WANTED] = 0

    def undriven(self) -> None:
        """Take over what the compiled loop has changed."""
        if self._book is not None:
            self._ended()
            self.position, self._plan, self._book = int(self._book.turn[NEXT]), None, None

    def _ended(self) -> None:
        """Take note of the epochs that the compiled loop has ended."""


@dataclass(frozen=True)
class RoundRobin(_InTurn):
    """Visit every id once per epoch; each worker visits the ids of its own range in order."""

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _TurnPolicy(world, self)


@dataclass(frozen=True)
class Shuffled(_InTurn):
    """Visit every id once per epoch; each worker visits its own range in a random order.

    A new order is drawn for every epoch, as in LIBLINEAR. It depends on the seed, the epoch and
    the worker, but not on ``lease``. Unlike :class:`Random`, this schedule visits no id twice
    before it has visited all of them.
    """

    def nbytes(self, world: World) -> int:
        """Bytes of the order of one epoch."""
        return 24 * world.partition.size

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _Shuffled(world, self)


class _Shuffled(_TurnPolicy):
    renewed = True

    def __init__(self, world: World, schedule: Schedule) -> None:
        super().__init__(world, schedule)
        self.passes = 0  # epochs handed out

    def _blocks(self) -> list[Block]:
        seeds = [self.world.seed, 0x5AFF1E, self.passes]
        return [
            np.random.default_rng([*seeds, p]).permutation(self.mine(p))
            for p in range(self.world.workers)
        ]

    def _take(self) -> Sequence[Block]:
        blocks = super()._take()
        if self.position == 0:  # that was the last round of an epoch
            self.passes += 1
            self._plan = None
        return blocks

    def _ended(self) -> None:
        assert self._book is not None
        self.passes += int(self._book.turn[ENDED])
        self._book.turn[ENDED] = 0

    def state(self) -> dict[str, Any]:
        return {**super().state(), "passes": self.passes}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.passes = state["passes"]


@dataclass(frozen=True)
class Random(Schedule):
    """Draw ids of every worker's range uniformly, as Shotgun does (Bradley et al. 2011).

    The ids of one round are distinct; the next round draws from all ids again. Dependencies are
    not checked, so concurrent updates may interfere: this schedule is the baseline that shows how
    much a dependency filter helps.
    """

    def nbytes(self, world: World) -> int:
        """Bytes of the permutation of a worker's range that a draw of many ids makes."""
        return 8 * int(np.diff(world.partition.bounds).max(initial=0))

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _Random(world, self)


class _Random(Policy):
    def __init__(self, world: World, schedule: Schedule) -> None:
        super().__init__(world, schedule.micro)
        self.lease = schedule.lease
        self.drawn = 0
        self.rng = np.random.default_rng([world.seed, 0x5407])

    def dispatch(self) -> Sequence[np.ndarray]:
        blocks = []
        for p in range(self.world.workers):
            first, last = self.span(p)
            count = min(self.lease, last - first)
            # Draw positions instead of ids: a list of all ids would take time in every round.
            places = first + self.rng.choice(last - first, count, replace=False)
            blocks.append(places if self.active is None else self.active[places])
            self.drawn += count
        return blocks

    def state(self) -> dict[str, Any]:
        return {**super().state(), "rng": self.rng.bit_generator.state, "drawn": self.drawn}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.rng.bit_generator.state = state["rng"]
        self.drawn = state["drawn"]

    def statistics(self) -> dict[str, Any]:
        return {"drawn": self.drawn, "dispatched": self.drawn}


def _book(world: World) -> TurnBook:
    """Return the book of a policy that hands ids out in turn."""
    spans = np.zeros(world.workers + 1, np.int64)
    return TurnBook(np.empty(0, np.int64), spans, np.zeros(4, np.int64), np.zeros(COUNTS, np.int64))
