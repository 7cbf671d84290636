"""What policies with a dependency filter share: their state, and their calls of compiled code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from strads.engine.compiling.requests import KernelRequest
from strads.engine.errors import ProgramError
from strads.engine.ids import whole_ids
from strads.engine.schedules.base import Policy, World
from strads.engine.schedules.coupling import Gram
from strads.engine.schedules.driven import Driven, new_words
from strads.engine.schedules.lease import Lease
from strads.kernels.driving.slots import (
    ACTIVE,
    CHANGES,
    FEEDBACK,
    FILL,
    FLOOR,
    GAINS,
    LEASE_SWEEPS,
    LIMIT,
    MICRO,
    OBSERVE,
    PER,
    RHO,
    SEQUENTIAL,
    SQUARES,
)
from strads.kernels.scheduling import clearance
from strads.kernels.scheduling import coupling as checks
from strads.kernels.scheduling.deferral import TRIES
from strads.kernels.scheduling.rowindex import Indexed


class Settings(Protocol):
    """What the policy reads of its schedule, such as :class:`strads.Priority`."""

    @property
    def per(self) -> int: ...
    @property
    def micros(self) -> int: ...
    @property
    def rho(self) -> float: ...
    @property
    def max_deferrals(self) -> int: ...
    @property
    def sweeps(self) -> int: ...
    @property
    def coupling(self) -> Any: ...

    def kernels(self, world: World) -> dict[str, KernelRequest]: ...
    def bound(self, world: World) -> Any: ...


def common_book(world: World, schedule: Settings) -> dict[str, np.ndarray]:
    """Return the arrays that the books of all policies have, by name."""
    bounds = world.partition.bounds
    workers, size = world.workers, world.partition.size
    # At most as many ids wait as are candidates for a lease. While a lease is being filled, a
    # candidate may be listed twice.
    length = 2 * TRIES * schedule.per * schedule.micros
    return {
        "bounds": bounds.copy(),
        "waiting": np.full((workers, length), -1, np.int64),
        "n_waiting": np.zeros(workers, np.int64),
        "deferrals": np.zeros(max(size, 1), np.int64),
        "stamps": np.zeros(max(size, 1), np.int64),
        "flight": np.zeros((world.depth, workers, schedule.per), np.int64),
        "n_flight": np.zeros((world.depth, workers), np.int64),
        "lease": np.zeros((3, workers), np.int64),
        "spent": np.zeros(workers),
        "counts": np.zeros(clearance.COUNTS, np.int64),
    }


class FilteredPolicy(Policy):
    """State of such a schedule in a run: its book, its coupling, and the size of leases."""

    @staticmethod
    def new_book(world: World, schedule: Any) -> Any:
        """Return the empty book (arrays of the policy's state) of a run."""
        raise NotImplementedError

    @staticmethod
    def own_kernels(book: Any) -> dict[str, KernelRequest]:
        """Request the kernels that other policies do not have, for a type of book."""
        return {}

    @staticmethod
    def own_nbytes(world: World) -> int:
        """Bytes of the arrays that other policies do not have."""
        raise NotImplementedError

    def __init__(self, world: World, schedule: Any) -> None:
        super().__init__(world, schedule.micros)
        self.schedule: Any = schedule
        self.words, self.reals = new_words(world)
        self.rho = schedule.rho
        compiled = world.kernels or {n: k.entry for n, k in schedule.kernels(world).items()}
        self.entries = compiled
        self.book = self.new_book(world, schedule)
        self.coupling = schedule.bound(world)
        c = columns_of(self.coupling)
        if c is not None:
            self.entries["prepare"](c.A, c.norms, c.signatures)
        self.costs = _relative(world.costs)
        self.most = min(schedule.per * schedule.micros, max(1, world.partition.size))
        self.activate(None)

    def activate(self, ids: Any, weights: Any = None) -> None:
        """Restrict dispatching to these ids; `weights` replace what was known of their changes."""
        super().activate(ids)
        self._fit()
        at = given = None
        if weights is not None:
            size = self.world.partition.size
            at = np.arange(size) if ids is None else whole_ids(ids, size, "activate")
            given = _checked(weights, at)
        book = self.book
        for array in (book.n_waiting, book.deferrals, book.n_flight):
            array[:] = 0
        book.stamps[:] = clearance.LONG_AGO
        book.counts[clearance.STARVED] = -1
        self.entries["resume"](book, self.coupling)
        self._weigh(at, given)

    def _weigh(self, ids: np.ndarray | None, weights: np.ndarray | None) -> None:
        """Begin anew with the active ids; `weights` are given for `ids`, or None for all."""
        raise NotImplementedError

    def _bound(self) -> int | None:
        """Largest useful number of ids per worker in a lease; None if there is no limit."""
        raise NotImplementedError

    def _fit(self) -> None:
        """Bound the lease by :meth:`_bound`.

        Micro-rounds keep their size, which says how many ids move together; a smaller lease has
        fewer micro-rounds.
        """
        s, most = self.schedule, self._bound()
        lease = s.per * s.micros
        if most is not None:
            lease = max(1, min(lease, most))
        self.per = min(s.per, lease)
        self.micro = -(-lease // self.per)

    def restrain(self, factor: float) -> None:
        """Multiply ρ by a factor, for a program whose joint updates did harm."""
        self.rho *= factor

    def _demand_capacity(self, lease: Lease) -> None:
        """Refuse arrays that are too small; compiled code does not check that."""
        s = self.schedule
        if isinstance(s.coupling, Gram) and isinstance(self.coupling, checks.Gram):
            s.coupling.demand_size(self.coupling, self.world.partition.size)
        if lease.ids.shape[1] < self.most or lease.cuts.shape[1] <= s.micros:
            raise ProgramError(
                f"{type(s).__name__} hands out {self.most} ids per worker in {s.micros} "
                f"micro-rounds, but got a lease with capacity for {lease.ids.shape[1]} ids and "
                f"{lease.cuts.shape[1] - 1} micro-rounds: a schedule around it must have its "
                "capacity() and micro_max()"
            )

    @property
    def rho(self) -> float:
        """Correlation from which on two ids conflict."""
        return float(self.reals[RHO])

    @rho.setter
    def rho(self, value: float) -> None:
        self.reals[RHO] = value

    def learns_from(self, gains: bool) -> int:
        """Return what feedback the policy learns from; `gains` says whether pushes write them."""
        if self.schedule.feedback == "change":
            return CHANGES
        return GAINS if gains else SQUARES

    def driven(self, lease: Lease) -> Driven:
        """Return what the compiled loop needs to drive this policy."""
        self._demand_capacity(lease)
        s, words = self.schedule, self.words
        words[[PER, MICRO, LIMIT]] = self.per, self.micro, s.max_deferrals
        words[SEQUENTIAL], words[LEASE_SWEEPS] = self.world.sequential, s.sweeps
        words[ACTIVE], words[FEEDBACK] = self.n_active, self.learns_from(lease.gain.size > 0)
        self.reals[FLOOR] = getattr(s, "floor", 0.0)
        return Driven(
            self.entries["drive"], self.book, self.coupling, self.costs, words, self.reals
        )

    def fill(self, lease: Lease) -> None:
        """Write the next round into a lease."""
        self.driven(lease).single(lease, FILL)

    def observe(self, lease: Lease) -> None:
        """Learn from a finished lease."""
        self.driven(lease).single(lease, OBSERVE)

    def state(self) -> dict[str, Any]:
        book = {name: np.copy(value) for name, value in self.book._asdict().items()}
        return {**super().state(), "book": book, "rho": self.rho}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._fit()
        self.rho = state["rho"]
        for name, value in state["book"].items():
            getattr(self.book, name)[...] = value
        self.entries["resume"](self.book, self.coupling)

    def statistics(self) -> dict[str, Any]:
        counts = self.book.counts
        found = {
            "dispatched": int(counts[clearance.DISPATCHED]),
            "deferred": int(counts[clearance.DEFERRED]),
            "alone": int(counts[clearance.ALONE]),
            "checks": int(counts[clearance.CHECKS]),
            "waiting": int(self.book.n_waiting.sum()),
            "rho": self.rho,
            "lease": self.per * self.micro,
        }
        columns = columns_of(self.coupling)
        if columns is not None:
            found["products"] = int(columns.counts[0])
        return found


def spanned(book: Any, world: World, active: np.ndarray | None) -> Any:
    """Return a book that knows which ids are active, and where each worker's begin among them."""
    if active is None:
        return book._replace(active=np.empty(0, np.int64), spans=book.bounds)
    ids = active.astype(np.int64)
    return book._replace(active=ids, spans=np.searchsorted(ids, world.partition.bounds))


def _checked(weights: Any, ids: np.ndarray) -> np.ndarray:
    """Return the weights given for some ids.

    Raises
    ------
    ProgramError
        If they are negative or not finite, or not as many as ids.
    """
    given = np.asarray(weights, dtype=np.float64)
    if not np.all((given >= 0.0) & (given < np.inf)):
        raise ProgramError("weights must be finite and not negative")
    if given.shape not in ((), ids.shape):
        raise ProgramError(
            f"activate: {len(ids)} ids, but weights of shape {given.shape}; give one for each id"
        )
    return given


def columns_of(coupling: Any) -> checks.Columns | None:
    """Return the columns that a coupling is computed from; None if it has none."""
    columns = coupling.columns if isinstance(coupling, Indexed) else coupling
    return columns if isinstance(columns, checks.Columns) else None


def _relative(costs: np.ndarray | None) -> np.ndarray:
    """Scale costs to mean 1, so that the budget of a micro-round is its number of ids."""
    if costs is None or not len(costs) or not np.sum(costs) > 0.0:
        return np.empty(0)
    return np.ascontiguousarray(costs, dtype=np.float64) / np.mean(costs)
