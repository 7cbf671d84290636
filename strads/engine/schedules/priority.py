"""Priority + dependency: important ids first, strongly dependent ones never together.

What STRADS is for (Lee et al. 2014; Kim et al. 2016): an id is drawn with probability
proportional to its last change plus a floor, and joins a micro-round only if no id that moves at
the same time is coupled to it by ρ or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from strads.engine.compile import CompiledKernel, compile_kernel
from strads.engine.errors import ProgramError
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.coupling import Correlation, Coupled, Gram, Graph, independent
from strads.engine.schedules.lease import COUNT, N_MICRO, SWEEPS, Lease
from strads.engine.schedules.symmetry import demand_symmetric
from strads.kernels import coupling as checks
from strads.kernels import priority as kernels
from strads.kernels.random import derive
from strads.kernels.rowindex import Indexed, indexed
from strads.kernels.sumtree import sumtree_empty

Coupling = Correlation | Gram | Graph | Coupled
#: Weight of an id that was never visited: everything is tried once before anything twice.
UNVISITED = 1e30


@dataclass(frozen=True)
class Priority(Schedule):
    """Draw by last change, filter by dependency.

    Parameters
    ----------
    axis : str
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
        if self.coupling is not None and not hasattr(self.coupling, "bind"):
            raise ProgramError(
                f"coupling={self.coupling!r:.60} says not what makes ids dependent; give "
                "Correlation(matrix), Gram(matrix, diagonal), Graph(field), Coupled(function) or "
                "None"
            )
        if not isinstance(self.rho, int | float | np.number):
            raise ProgramError(f"rho={self.rho!r:.60} must be a number; the second argument is rho")
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

    def bound(self, world: World, *, ask: bool = True) -> Any:
        """Return the coupling bound to the run's arrays.

        With ``ask=False`` it only has the right type: a user's function is not called.
        """
        if self.coupling is None or self.rho >= 1.0:
            return independent()
        if world.depth > 0 and self.sweeps > 1:
            raise ProgramError(
                f"Priority with sweeps={self.sweeps} at depth={world.depth}: a lease's last and "
                "first micro-rounds would meet in flight unchecked; use sweeps=1 or depth=0"
            )
        if isinstance(self.coupling, Coupled) and not ask:
            return checks.Graph(np.empty(0, np.int64), np.empty(0, np.int64))
        bound = self.coupling.bind(world.arrays, world.partition.size, self.rho)
        if isinstance(self.coupling, Graph) and ask:  # once is enough
            name = self.coupling.graph
            demand_symmetric(world.arrays[name], name, world.partition)
        if isinstance(bound, checks.Columns) and isinstance(bound.A, tuple):
            return indexed(bound, world.workers * self.per, world.depth + 1)
        return bound

    def kernels(self, world: World) -> dict[str, CompiledKernel]:
        """Compile what the policy calls, for the types of this run."""
        book, coupling = new_book(world, self), self.bound(world, ask=False)
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

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        return _Priority(world, self)


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
        self.activate(None)

    def activate(self, ids: Any, weights: Any = None) -> None:
        """Restrict to these ids; weights replace what was known of them."""
        super().activate(ids)
        size = self.world.partition.size
        book = self.book
        everything = np.zeros(size)
        chosen = slice(None) if self.active is None else self.active
        everything[chosen] = UNVISITED
        if weights is not None:
            given = np.asarray(weights, dtype=np.float64)
            if not np.all((given >= 0.0) & (given < np.inf)):
                raise ProgramError("weights must be finite and not negative")
            # As in feedback, a floor: an id without weight would never be drawn.
            given = given + self.schedule.floor * given.max(initial=0.0) + 1e-300
            everything[np.arange(size) if ids is None else np.asarray(ids, np.int64)] = given
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

    def restrain(self, factor: float) -> None:
        """Multiply ρ: for a program whose joint updates did harm."""
        self.rho *= factor

    def fill(self, lease: Lease) -> None:
        s = self.schedule
        lease.change[...] = 0.0
        count = self.entries["fill"](
            self.book, self.coupling, lease.ids, lease.cuts, self.costs, s.per, s.micro,
            self.rho, s.max_deferrals, self.world.sequential,
        )  # fmt: skip
        lease.info[N_MICRO], lease.info[SWEEPS], lease.info[COUNT] = s.micro, s.sweeps, count

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
