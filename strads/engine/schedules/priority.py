"""Priority + dependency: important ids first, strongly dependent ones never together.

What STRADS is for (Lee et al. 2014; Kim et al. 2016): an id is drawn with probability
proportional to its last change plus a floor, and joins a micro-round only if no id that moves at
the same time is coupled to it by ρ or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np

from strads.engine.compile import CompiledKernel, compile_kernel
from strads.engine.errors import ProgramError
from strads.engine.fields import Field
from strads.engine.partition import Partition
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.coupling import (
    CACHE,
    Correlation,
    Coupled,
    Gram,
    Graph,
    independent,
)
from strads.engine.schedules.lease import COUNT, N_MICRO, SWEEPS, Lease
from strads.engine.schedules.symmetry import demand_symmetric
from strads.engine.schedules.validation import whole_ids
from strads.kernels import coupling as checks
from strads.kernels import priority as kernels
from strads.kernels.random import derive
from strads.kernels.rowindex import Indexed, indexed, indexed_nbytes
from strads.kernels.sumtree import sumtree_empty, sumtree_layout

Coupling = Correlation | Gram | Graph | Coupled
#: Weight of an id that was never visited: everything is tried once before anything twice.
UNVISITED = 1e30


@dataclass(frozen=True)
class Priority(Schedule):
    """Draw by last change, filter by dependency.

    Parameters
    ----------
    axis : str
    lease : int
        Ids a worker and round, at most. An id in flight cannot be drawn, so a lease also is at most
        ``active ids / (workers · (look_ahead + 2))``: while as many leases as the look-ahead asks
        for are on their way, there must be ids left to choose from. Not so if `sweeps` is more
        than 1. ``lease`` among the counts of a run says what became of it.
    micro : int
        Micro-rounds a round, of ``lease / micro`` ids a worker; a smaller lease has fewer of them.
    rho : float
        Two ids with coupling ≥ rho never share a micro-round across workers (nor within one,
        unless the program's pushes are sequential). 1 switches the filter off.
    coupling : Correlation, Gram, Graph or Coupled, optional
        What the coupling is; None: ids are independent.
    floor : float
        Smallest weight, relative to the largest recent change.
    max_deferrals : int
        An id deferred this often in a row gets a micro-round of its own.
    sweeps : int
        Times that the workers go through a lease's micro-rounds before the next lease.
    """

    rho: float = 0.1
    coupling: Coupling | None = None
    floor: float = 0.01
    max_deferrals: int = 16
    sweeps: int = 1

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        if not 0.0 <= self.rho <= 1.0:
            raise ProgramError(f"rho={self.rho} must lie in [0, 1]; it is a correlation")
        if not self.floor > 0.0:
            raise ProgramError(f"floor={self.floor} must be positive, or ids would starve")
        if self.sweeps < 1 or self.max_deferrals < 1:
            raise ProgramError("sweeps and max_deferrals must be at least 1")

    @property
    def per(self) -> int:
        """Ids a worker and micro-round, at most."""
        return -(-self.lease // self.micro)

    def capacity(self, world: World) -> int:
        """Room for all micro-rounds; distinct ids never exceed the axis."""
        return min(self.per * self.micro, max(1, world.partition.size))

    def declared(self, fields: Mapping[str, Field]) -> None:
        """Refuse fields of the coupling that are not over the axis."""
        if self.coupling is not None:
            self.coupling.declared(fields, self.axis)

    @property
    def unfiltered(self) -> bool:
        """Whether all ids may move together."""
        return self.coupling is None or self.rho >= 1.0

    def make(self, world: World) -> dict[str, Any]:
        """Ask a user's coupling for the conflict graph."""
        if self.unfiltered or not isinstance(self.coupling, Coupled):
            return {}
        return self.coupling.ask(world.arrays, world.partition.size, self.rho)

    def bare(self) -> Priority:
        """Without a user's coupling, whose graph the leader has made."""
        if not isinstance(self.coupling, Coupled):
            return self
        return replace(self, coupling=self.coupling.bare())

    def bound(self, world: World) -> Any:
        """Return the coupling bound to the run's arrays."""
        if self.coupling is None or self.unfiltered:
            return independent()
        if world.depth > 0 and self.sweeps > 1:
            raise ProgramError(
                f"Priority with sweeps={self.sweeps} at depth={world.depth}: a lease's last and "
                "first micro-rounds would meet in flight unchecked; use sweeps=1 or depth=0"
            )
        if isinstance(self.coupling, Coupled):
            return checks.Graph(world.made["indices"], world.made["indptr"])
        bound = self.coupling.bind(world.arrays, world.partition.size)
        if isinstance(self.coupling, Graph):
            name = self.coupling.graph
            demand_symmetric(world.arrays[name], name, world.partition)
        if isinstance(bound, checks.Columns) and isinstance(bound.A, tuple):
            return indexed(bound, world.workers * self.per, world.depth + 1)
        return bound

    def _typed(self, world: World) -> tuple[Any, Any]:
        """Return a book and a coupling of the right types, and hardly any size."""
        few = Partition.contiguous(1, world.workers)
        book = new_book(replace(world, partition=few), replace(self, lease=1, micro=1))
        if self.coupling is None or self.unfiltered:
            return book, independent()
        if isinstance(self.coupling, Coupled):
            return book, self.bound(world)
        if not isinstance(self.coupling, Correlation):
            return book, self.coupling.bind(world.arrays, world.partition.size)
        self.coupling.demand_columns(world.arrays, world.partition.size)
        columns = self.coupling.typed(world.arrays, 1, cache=1)
        return book, indexed(columns, 0, 1) if isinstance(columns.A, tuple) else columns

    def kernels(self, world: World) -> dict[str, CompiledKernel]:
        """Compile what the policy calls, for the types of this run."""
        book, coupling = self._typed(world)
        b, c = numba.typeof(book), numba.typeof(coupling)
        ids, reals, integer = numba.int64[:, ::1], numba.float64[::1], numba.int64
        real, boolean = numba.float64, numba.boolean
        made = {
            "reset": compile_kernel(kernels.reset, (b, integer, reals)),
            "land": compile_kernel(kernels.land, (b, c)),
            "resume": compile_kernel(kernels.resume, (b, c)),
            "fill": compile_kernel(
                kernels.fill,
                (b, c, ids, ids, reals, integer, integer, real, integer, boolean),
            ),
            "observe": compile_kernel(
                kernels.observe, (b, ids, ids, numba.float64[:, ::1], integer, real)
            ),
        }
        columns = _columns(coupling)
        if columns is not None:
            prepare = (
                checks.prepare_columns if isinstance(columns.A, tuple) else checks.prepare_dense
            )
            arrays = (columns.A, columns.norms, columns.signatures)
            made["prepare"] = compile_kernel(prepare, tuple(numba.typeof(a) for a in arrays))
        return made

    def nbytes(self, world: World) -> int:
        """Books, and what the check of the coupling remembers."""
        size, workers = world.partition.size, world.workers
        longest = int(np.diff(world.partition.bounds).max(initial=1))
        # The tree, and the weights that it is built of when ids are activated; an id's deferrals,
        # its stamp, and its weight among everybody's.
        books = 8 * workers * sumtree_layout(longest)[0] + 8 * longest + 24 * size
        books += 8 * workers * self.per * (2 * kernels.TRIES * self.micro + world.depth)
        if not isinstance(self.coupling, Correlation) or self.unfiltered:
            return books
        A = world.arrays[self.coupling.matrix]
        books += 16 * size + 24 * CACHE
        if isinstance(A, tuple):
            books += indexed_nbytes(A, workers * self.per, world.depth + 1)
        return books

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _Priority(world if world.made else replace(world, made=self.make(world)), self)


def new_book(world: World, schedule: Priority) -> kernels.Book:
    """Return empty books for a run."""
    bounds = world.partition.bounds
    workers, size = world.workers, world.partition.size
    tree, offsets = sumtree_empty(int(np.diff(bounds).max(initial=1)))
    # As many ids wait, at most, as a lease looks at; while it is filled, each may stand twice.
    room = 2 * kernels.TRIES * schedule.per * schedule.micro
    return kernels.Book(
        trees=np.zeros((workers, len(tree))), offsets=offsets, bounds=bounds.copy(),
        waiting=np.full((workers, room), -1, np.int64), n_waiting=np.zeros(workers, np.int64),
        deferrals=np.zeros(max(size, 1), np.int64), stamps=np.zeros(max(size, 1), np.int64),
        flight=np.zeros((world.depth, workers, schedule.per), np.int64),
        n_flight=np.zeros((world.depth, workers), np.int64),
        counts=np.zeros(8, np.int64), scale=np.zeros(2),
    )  # fmt: skip


class _Priority(Policy):
    def __init__(self, world: World, schedule: Priority) -> None:
        super().__init__(world, schedule.micro)
        self.schedule = schedule
        self.rho = schedule.rho
        compiled = world.kernels or {n: k.entry for n, k in schedule.kernels(world).items()}
        self.entries = compiled
        self.book = new_book(world, schedule)
        self.book.counts[kernels.KEY] = derive(world.seed, 0x9817)
        self.coupling = schedule.bound(world)
        c = _columns(self.coupling)
        if c is not None:
            self.entries["prepare"](c.A, c.norms, c.signatures)
        self.costs = _relative(world.costs)
        self.room = min(schedule.per * schedule.micro, max(1, world.partition.size))
        self.activate(None)

    def activate(self, ids: Any, weights: Any = None) -> None:
        """Restrict to these ids; weights replace what was known of them."""
        super().activate(ids)
        self._fit()
        size = self.world.partition.size
        book = self.book
        everything = np.zeros(size)
        chosen = slice(None) if self.active is None else self.active
        everything[chosen] = UNVISITED
        if weights is not None:
            given = np.asarray(weights, dtype=np.float64)
            if not np.all((given >= 0.0) & (given < np.inf)):
                raise ProgramError("weights must be finite and not negative")
            at = np.arange(size) if ids is None else whole_ids(ids, size, "activate")
            if given.shape not in ((), at.shape):
                raise ProgramError(
                    f"activate: {len(at)} ids, but weights of shape {given.shape}; give one for "
                    "each id"
                )
            # As in feedback, a floor: an id without weight would never be drawn.
            given = given + self.schedule.floor * given.max(initial=0.0) + 1e-300
            everything[at] = given
            book.scale[0] = given.max(initial=0.0)
        book.n_waiting[:] = 0
        book.deferrals[:] = 0
        self.entries["land"](book, self.coupling)
        room = book.trees.shape[1] - book.offsets[-1]
        for p in range(self.world.workers):
            lo, hi = self.world.partition.range(p)
            padded = np.zeros(room)
            padded[: hi - lo] = everything[lo:hi]
            self.entries["reset"](book, p, padded)

    def _fit(self) -> None:
        """Bound the lease, so that ids are left to choose from while leases are on their way.

        Micro-rounds keep their size, which says how much moves at once; there are fewer of them. A
        lease that is swept several times is a problem to be solved, which a part of it is not:
        bounded ones took eight workers up to twelve times the updates in the Lasso's small sets.
        """
        s, world = self.schedule, self.world
        lease = s.per * s.micro
        if s.sweeps == 1:
            even = self.n_active // (world.workers * (world.look_ahead + 2))
            lease = max(1, min(lease, even))
        self.per = min(s.per, lease)
        self.micro = -(-lease // self.per)

    def restrain(self, factor: float) -> None:
        """Multiply ρ: for a program whose joint updates did harm."""
        self.rho *= factor

    def _demand_room(self, lease: Lease) -> None:
        """Refuse what compiled code would write or read beyond."""
        s = self.schedule
        if isinstance(s.coupling, Gram) and isinstance(self.coupling, checks.Gram):
            s.coupling.demand_room(self.coupling, self.world.partition.size)
        if lease.ids.shape[1] < self.room or lease.cuts.shape[1] <= s.micro:
            raise ProgramError(
                f"a Priority that hands out {self.room} ids a worker in {s.micro} micro-rounds got "
                f"a lease with room for {lease.ids.shape[1]} and {lease.cuts.shape[1] - 1}: a "
                "schedule around it must have its capacity() and micro_max()"
            )

    def fill(self, lease: Lease) -> None:
        s = self.schedule
        self._demand_room(lease)
        lease.change[...] = 0.0
        count = self.entries["fill"](
            self.book, self.coupling, lease.ids, lease.cuts, self.costs, self.per, self.micro,
            self.rho, s.max_deferrals, self.world.sequential,
        )  # fmt: skip
        lease.info[N_MICRO], lease.info[SWEEPS], lease.info[COUNT] = self.micro, s.sweeps, count

    def observe(self, lease: Lease) -> None:
        micro = int(lease.info[N_MICRO])
        self.entries["observe"](
            self.book, lease.ids, lease.cuts, lease.change, micro, self.schedule.floor
        )

    def state(self) -> dict[str, Any]:
        book = {name: np.copy(value) for name, value in self.book._asdict().items()}
        return {**super().state(), "book": book, "rho": self.rho}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self._fit()
        self.rho = state["rho"]
        for name, value in self.book._asdict().items():
            value[...] = state["book"][name]
        self.entries["resume"](self.book, self.coupling)

    def statistics(self) -> dict[str, Any]:
        counts = self.book.counts
        found = {
            "drawn": int(counts[kernels.DRAWS]),
            "dispatched": int(counts[kernels.DISPATCHED]),
            "deferred": int(counts[kernels.DEFERRED]),
            "alone": int(counts[kernels.ALONE]),
            "checks": int(counts[kernels.CHECKS]),
            "waiting": int(self.book.n_waiting.sum()),
            "rho": self.rho,
            "lease": self.per * self.micro,
        }
        columns = _columns(self.coupling)
        if columns is not None:
            found["products"] = int(columns.counts[0])
        return found


def _columns(coupling: Any) -> checks.Columns | None:
    """Return the columns behind a coupling, if it is made of columns."""
    columns = coupling.columns if isinstance(coupling, Indexed) else coupling
    return columns if isinstance(columns, checks.Columns) else None


def _relative(costs: np.ndarray | None) -> np.ndarray:
    """Costs with mean 1: a micro-round's budget is then its number of ids."""
    if costs is None or not len(costs) or not np.sum(costs) > 0.0:
        return np.empty(0)
    return np.ascontiguousarray(costs, dtype=np.float64) / np.mean(costs)
