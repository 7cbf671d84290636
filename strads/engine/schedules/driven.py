"""Policies of this package that a compiled loop can drive, without Python in a round."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from strads.engine.compiling.argument_types import type_of
from strads.engine.compiling.requests import KernelRequest, request_kernel
from strads.engine.schedules.base import World
from strads.engine.schedules.lease import Lease
from strads.kernels.driving import slots
from strads.kernels.driving.loop import drive
from strads.kernels.driving.slots import Slots, no_clocks, no_visits


class Driven(NamedTuple):
    """What the compiled loop needs of a policy.

    Attributes
    ----------
    entry : callable
        The compiled :func:`strads.kernels.driving.loop.drive`.
    book, coupling : named tuple
        State of the policy, and what says which ids conflict.
    costs : ndarray of float64
        Costs of the ids, or empty.
    words, reals : ndarray
        Words of the loop, with the policy's settings: :mod:`strads.kernels.driving.slots`.
    """

    entry: Any
    book: Any
    coupling: Any
    costs: np.ndarray
    words: np.ndarray
    reals: np.ndarray

    def single(self, lease: Lease, mode: int) -> None:
        """Fill or observe one lease."""
        self.words[slots.MODE] = mode
        self.words[slots.FILLED] = self.words[slots.SEEN] = 0
        ring = Slots(
            lease.ids[None], lease.cuts[None], lease.change[None], lease.gain[None],
            lease.info[None],
        )  # fmt: skip
        self.call(ring, no_clocks(), no_visits())

    def call(self, ring: Slots, clocks: slots.Clocks, visits: slots.Visits) -> int:
        """Call the loop; return its status."""
        status: int = self.entry(
            self.book, self.coupling, self.costs, ring, clocks, visits, self.words, self.reals
        )
        return status


def new_words(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Return words and reals of the loop for a policy of this world."""
    words = np.zeros(slots.WORDS, np.int64)
    words[slots.SIZE], words[slots.LEASE_SWEEPS] = world.partition.size, 1
    words[slots.LOOK_AHEAD], words[slots.DEPTH] = world.look_ahead, world.depth
    return words, np.zeros(3)


def request_drive(book: Any, coupling: Any) -> KernelRequest:
    """Request the loop for the types of a book and a coupling."""
    ids, reals = np.empty((0, 0, 0), np.int64), np.empty((0, 0, 0))
    ring = Slots(ids, ids, reals, reals, np.empty((0, 0), np.int64))
    parts = (ring, no_clocks(), no_visits())
    words, costs = numba.int64[::1], numba.float64[::1]
    return request_kernel(drive, (book, coupling, costs, *map(type_of, parts), words, costs))
