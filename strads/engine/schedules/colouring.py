"""Colouring: in each round the ids of one colour of a conflict graph move together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
import scipy.sparse as sp

from strads.engine.compiling.compile import CompiledKernel, compile_kernel
from strads.engine.errors import ProgramError
from strads.engine.fields import Field
from strads.engine.schedules.base import Policy, Schedule, World
from strads.engine.schedules.conflict_graph import demand_symmetric
from strads.engine.schedules.coupling import demand_graph
from strads.engine.schedules.lease import Block, in_row
from strads.engine.schedules.planned import EpochPolicy, in_leases
from strads.kernels.linear.matrices import CSR


@numba.njit(nogil=True)
def greedy_colours(indptr: np.ndarray, indices: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Give every id, in the given order, the smallest colour that no neighbour has."""
    n = len(indptr) - 1
    colours = np.full(n, -1, np.int64)
    taken = np.full(n + 1, -1, np.int64)  # colour → last id with a neighbour of that colour
    for j in order:
        for k in range(indptr[j], indptr[j + 1]):
            neighbour = indices[k]
            if neighbour != j and colours[neighbour] >= 0:
                taken[colours[neighbour]] = j
        colour = 0
        while taken[colour] == j:
            colour += 1
        colours[j] = colour
    return colours


def graph_colours(graph: Any) -> np.ndarray:
    """Colour the ids of a graph as :class:`Colouring` does: greedily, largest degree first.

    Parameters
    ----------
    graph : sparse matrix of shape (size, size)
        Symmetric; every stored entry is a conflict, whatever its value.

    Returns
    -------
    ndarray of int64, shape (size,)
        Colours from 0 on; no two adjacent ids have the same.
    """
    rows = sp.csr_array(graph)
    order = np.argsort(-np.diff(rows.indptr), kind="stable").astype(np.int64)
    types = (numba.typeof(rows.indptr), numba.typeof(rows.indices), numba.int64[::1])
    compiled = compile_kernel(greedy_colours, types).entry
    return np.asarray(compiled(rows.indptr, rows.indices, order))


@dataclass(frozen=True)
class Colouring(Schedule):
    """Greedy colouring, largest degree first; two adjacent ids never share a round.

    Parameters
    ----------
    axis : str
    graph : str
        Field with the conflict graph: symmetric, CSR over (axis, axis). Every stored entry is a
        conflict, whatever its value, even zero.
    lease : int
        Largest number of ids per worker and round, by default 65,536: ids of one colour may all
        move together, and rounds of a thousand light ids take as long to hand out as to update.
    colours : str
        Field with a colour of every id, as :func:`graph_colours` returns them, if the program has
        coloured its graph before: to lay out the ids of a colour side by side, or to have the same
        colours for any number of workers. By default the schedule colours the graph itself.
    """

    graph: str = ""
    colours: str = field(default="", kw_only=True)
    lease: int = field(default=65_536, kw_only=True)

    def declared(self, fields: Mapping[str, Field]) -> None:
        """Refuse a field that is not a graph over the axis, and colours that are not over it."""
        demand_graph(fields, self.graph, self.axis, f"Colouring(graph={self.graph!r})")
        given = fields.get(self.colours)
        if self.colours and (given is None or given.axes != (self.axis,)):
            raise ProgramError(
                f"Colouring(colours={self.colours!r}) needs data({self.axis!r}) of that name, with "
                "whole numbers"
            )

    def nbytes(self, world: World) -> int:
        """Bytes of the colours, the order of colouring, and the rounds of an epoch."""
        return 32 * world.partition.size

    def start(self, world: World) -> Policy:
        """Make the policy of one run."""
        graph = self._found(world)
        demand_symmetric(graph, self.graph, world.partition)
        return _Colouring(world, self, graph)

    def kernels(self, world: World) -> dict[str, CompiledKernel]:
        """Compile the colouring, for the types of this run, unless the colours are given."""
        if self.colours:
            return {}
        graph = self._found(world)
        types = (numba.typeof(graph.indptr), numba.typeof(graph.indices), numba.int64[::1])
        return {"colours": compile_kernel(greedy_colours, types)}

    def _found(self, world: World) -> CSR:
        graph = world.arrays.get(self.graph)
        if not isinstance(graph, CSR):
            raise ProgramError(
                f"Colouring needs graph=NAME of sparse data with layout 'csr', not {self.graph!r}"
            )
        return graph


def _demand_colours(graph: Any, given: Any, name: str) -> np.ndarray:
    """Return given colours as whole numbers; refuse them if two adjacent ids have the same."""
    colours: np.ndarray = np.asarray(given)
    if colours.dtype.kind not in "iu" or colours.min(initial=0) < 0:
        raise ProgramError(f"Colouring: {name!r} must hold whole numbers from 0 on")
    ids = np.arange(len(colours))
    source = np.repeat(ids, np.diff(graph.indptr))
    same = (colours[source] == colours[graph.indices]) & (source != graph.indices)
    if same.any():
        j, k = int(source[same][0]), int(graph.indices[same][0])
        raise ProgramError(
            f"Colouring: ids {j} and {k} are adjacent, and {name!r} gives both the colour "
            f"{colours[j]}; graph_colours(graph) gives colours that differ"
        )
    return colours


class _Colouring(EpochPolicy):
    def __init__(self, world: World, schedule: Colouring, graph: Any) -> None:
        super().__init__(world, schedule.micro)
        self.lease = schedule.lease
        if schedule.colours:
            self.colours = _demand_colours(graph, world.arrays[schedule.colours], schedule.colours)
            return
        order = np.argsort(-np.diff(graph.indptr), kind="stable")
        compiled = world.kernels or {n: k.entry for n, k in schedule.kernels(world).items()}
        self.colours = compiled["colours"](graph.indptr, graph.indices, order)

    def plan(self) -> list[list[Block]]:
        mine = [self.mine(p) for p in range(self.world.workers)]
        rounds: list[list[Block]] = []
        for colour in range(int(self.colours.max(initial=-1)) + 1):
            blocks = [ids[self.colours[ids] == colour] for ids in mine]
            rounds += in_leases([in_row(ids) for ids in blocks], self.lease)
        return rounds

    def statistics(self) -> dict[str, Any]:
        return {"colours": int(self.colours.max(initial=-1)) + 1}
