"""Schedules with a dependency filter: strongly dependent ids never move together.

An id joins a micro-round only if no id that moves at the same time is coupled to it by ρ or more.
Which ids are candidates is up to the schedules that derive from this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from strads.engine.compiling.argument_types import type_of
from strads.engine.compiling.requests import KernelRequest, request_kernel
from strads.engine.errors import ProgramError
from strads.engine.fields import Field
from strads.engine.partition import Partition
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.conflict_graph import demand_symmetric
from strads.engine.schedules.coupling import (
    CACHE,
    Correlation,
    Coupled,
    Gram,
    Graph,
    independent,
)
from strads.engine.schedules.driven import request_drive
from strads.engine.schedules.priority.policy import FilteredPolicy, columns_of
from strads.kernels.scheduling import clearance
from strads.kernels.scheduling import coupling as checks
from strads.kernels.scheduling.deferral import TRIES
from strads.kernels.scheduling.rowindex import goes_by_rows, indexed, indexed_nbytes

#: Number of ids of a worker that move together by default, if pushes are sequential.
SEQUENTIAL = 8

Coupling = Correlation | Gram | Graph | Coupled


@dataclass(frozen=True)
class Filtered(Schedule):
    """Base of schedules with a dependency filter.

    Parameters
    ----------
    axis : str
    lease, micro : int
        See :class:`strads.Priority`.
    rho : float
        Two ids with a coupling of at least `rho` never move together.
    coupling : Correlation, Gram, Graph or Coupled, optional
        How strongly two ids depend on each other; by default all ids are independent.
    """

    micro: int | None = field(default=None, kw_only=True)  # type: ignore[assignment]
    rho: float = 0.1
    coupling: Coupling | None = None

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        super().__post_init__()
        if self.coupling is not None and not isinstance(self.coupling, Coupling):
            raise ProgramError(
                f"coupling={self.coupling!r:.60} does not say what makes ids dependent; give "
                "Correlation(matrix), Gram(matrix, diagonal), Graph(field), Coupled(function) or "
                "None"
            )
        if not isinstance(self.rho, int | float | np.number):
            raise ProgramError(f"rho={self.rho!r:.60} must be a number; the second argument is rho")
        if not 0.0 <= self.rho <= 1.0:
            raise ProgramError(f"rho={self.rho} must lie in [0, 1]; it is a correlation")

    @property
    def policy(self) -> type[FilteredPolicy]:
        """Class of the policy of a schedule in a run."""
        raise NotImplementedError

    @property
    def per(self) -> int:
        """Largest number of ids per worker and micro-round, of a schedule in a run."""
        return -(-self.lease // self.micros)

    @property
    def grouped(self) -> bool:
        """Whether the policy of a schedule in a run puts ids into groups."""
        return False

    def together(self, world: World) -> int:
        """Number of ids of a worker that move together by default."""
        return SEQUENTIAL if world.sequential else 1

    @property
    def micros(self) -> int:
        """Number of micro-rounds of a schedule in a run."""
        return self.micro or 1

    def within(self, world: World) -> Self:
        """Return the schedule as it is in a run: with a number of micro-rounds.

        Where one worker works alone and sees all earlier updates, it has no filter: ids cannot
        conflict once each has a micro-round of its own, which costs less than to check them.
        """
        alone = world.workers == 1 and world.depth == 0 and not self.unfiltered
        if alone and not world.sequential:
            per = 1
        elif self.micro is not None or alone or self.unfiltered:
            per = self.per
        else:
            per = self.together(world)
        micro = -(-self.per * self.micros // per)
        return replace(self, micro=micro, coupling=None if alone else self.coupling)

    def micro_max(self, world: World) -> int:
        """Largest number of micro-rounds of a lease."""
        return self.within(world).micros

    def capacity(self, world: World) -> int:
        """Number of ids per worker in all micro-rounds, at most all ids of the axis."""
        return min(self.per * self.micros, max(1, world.partition.size))

    def declared(self, fields: Mapping[str, Field]) -> None:
        """Refuse fields that the coupling cannot use."""
        if self.coupling is not None:
            self.coupling.declared(fields, self.axis)

    @property
    def unfiltered(self) -> bool:
        """Whether all ids may move together."""
        return self.coupling is None or self.rho >= 1.0

    def make(self, world: World) -> dict[str, Any]:
        """Compute the conflict graph of a user's coupling."""
        if self.unfiltered or not isinstance(self.coupling, Coupled):
            return {}
        return self.coupling.ask(world.arrays, world.partition.size, self.rho)

    def bare(self) -> Self:
        """Return the schedule without a user's coupling; the leader has made its graph."""
        if not isinstance(self.coupling, Coupled):
            return self
        return replace(self, coupling=self.coupling.bare())

    def bound(self, world: World) -> Any:
        """Return the coupling bound to the run's arrays."""
        if self.coupling is None or self.unfiltered:
            return independent()
        if isinstance(self.coupling, Coupled):
            return checks.Graph(world.made["indices"], world.made["indptr"])
        bound = self.coupling.bind(world.arrays, world.partition.size)
        if isinstance(self.coupling, Graph):
            name = self.coupling.graph
            demand_symmetric(world.arrays[name], name, world.partition)
        if isinstance(bound, checks.Columns) and goes_by_rows(bound.A):
            together = self.per * (self.micros if self.grouped else 1)
            return indexed(bound, world.workers * together, world.depth + 1)
        return bound

    def _typed(self, world: World) -> tuple[Any, Any]:
        """Return a tiny book and coupling that have the same types as those of the run."""
        few = Partition.contiguous(1, world.workers)
        tiny = replace(self, lease=1, micro=1)
        book = self.policy.new_book(replace(world, partition=few), tiny)
        if self.coupling is None or self.unfiltered:
            return book, independent()
        if isinstance(self.coupling, Coupled):  # every graph of a user's coupling has these types
            return book, checks.Graph(np.empty(0, np.int32), np.empty(0, np.int64))
        if not isinstance(self.coupling, Correlation):
            return book, self.coupling.bind(world.arrays, world.partition.size)
        self.coupling.demand_columns(world.arrays, world.partition.size)
        columns = self.coupling.typed(world.arrays, 1, cache=1)
        return book, indexed(columns, 0, 1) if goes_by_rows(columns.A) else columns

    def kernels(self, world: World) -> dict[str, KernelRequest]:
        """Request what the policy calls, for the types of this run."""
        used = self.within(world)
        book, coupling = used._typed(world)
        b, c = type_of(book), type_of(coupling)
        made = {
            "resume": request_kernel(clearance.resume, (b, c)),
            "drive": request_drive(b, c),
            **used.policy.own_kernels(b),
        }
        columns = columns_of(coupling)
        if columns is not None:
            prepare = (
                checks.prepare_columns if isinstance(columns.A, tuple) else checks.prepare_dense
            )
            arrays = (columns.A, columns.norms, columns.signatures)
            made["prepare"] = request_kernel(prepare, tuple(type_of(a) for a in arrays))
        return made

    def nbytes(self, world: World) -> int:
        """Bytes of the policy's books, and of what the check of the coupling keeps."""
        self = self.within(world)
        size, workers = world.partition.size, world.workers
        books = self.policy.own_nbytes(world) + 16 * size  # each id's deferrals and stamp
        books += 8 * workers * self.per * (2 * TRIES * self.micros + world.depth)
        if not isinstance(self.coupling, Correlation) or self.unfiltered:
            return books
        A = world.arrays[self.coupling.matrix]
        books += 16 * size + 24 * CACHE
        if goes_by_rows(A):
            together = self.per * (self.micros if self.grouped else 1)
            books += indexed_nbytes(A, workers * together, world.depth + 1)
        return books

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        made = world if world.made else replace(world, made=self.make(world))
        used = self.within(world)
        if used.coupling is not self.coupling:
            self._demand_coupling(world)
        return used.policy(made, used)

    def _demand_coupling(self, world: World) -> None:
        """Refuse what a run on more workers would refuse, though this one has no use for it."""
        if isinstance(self.coupling, Correlation):
            self.coupling.demand_columns(world.arrays, world.partition.size)
        elif not isinstance(self.coupling, Coupled):
            self.bound(world)
