"""Couplings: what makes two ids depend on each other, for the priority schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.fields import Data, Field
from strads.engine.schedules import conflict_graph
from strads.kernels.linear.matrices import CSC, CSR
from strads.kernels.scheduling import coupling as kernels

CACHE = 1 << 16  # entries of the direct-mapped cache of correlations


@dataclass(frozen=True)
class Correlation:
    """Absolute correlation ``|x_jᵀx_k| / (‖x_j‖‖x_k‖)`` of the columns of a data field.

    Two columns whose 64-bit row signatures have no bit in common share no row, so their product
    need not be computed. Other products are computed when first needed and kept in a direct-mapped
    cache.

    Parameters
    ----------
    matrix : str
        Field with layout "csc" over (rows, axis).
    """

    matrix: str

    def declared(self, fields: Mapping[str, Field], axis: str) -> None:
        """Refuse a field whose columns are not the ids of the axis."""
        field = fields.get(self.matrix)
        if field is None:
            raise ProgramError(f"Correlation({self.matrix!r}) names no field of the program")
        if not isinstance(field, Data) or len(field.axes) != 2 or field.layout == "csr":
            raise ProgramError(
                f"Correlation({self.matrix!r}) needs data(ROWS, {axis!r}, layout='csc'), or dense "
                f"data over two axes; {_described(field)}"
            )
        if field.axes[1] != axis:
            raise ProgramError(
                f"Correlation({self.matrix!r}) of a schedule over {axis!r}: the columns of "
                f"{self.matrix} are over {field.axes[1]!r}. Name data(ROWS, {axis!r}, "
                "layout='csc'), such as the transposed matrix"
            )

    def bind(self, arrays: Mapping[str, Any], size: int) -> kernels.Columns:
        """Return what the compiled check reads; norms and signatures are computed at the start."""
        self.demand_columns(arrays, size)
        return self.typed(arrays, size)

    def demand_columns(self, arrays: Mapping[str, Any], size: int) -> None:
        """Refuse a matrix without one column per id; compiled code does not check that."""
        A = arrays.get(self.matrix)
        if A is None:
            raise ProgramError(f"Correlation({self.matrix!r}) names no field of the program")
        columns = len(A.indptr) - 1 if isinstance(A, CSC) else np.shape(A)[-1]
        if isinstance(A, CSR) or columns != size:
            raise ProgramError(
                f"Correlation({self.matrix!r}) needs a matrix, dense or with layout 'csc', with a "
                f"column for each of the {size} ids of the schedule's axis"
            )

    def typed(self, arrays: Mapping[str, Any], size: int, cache: int = CACHE) -> kernels.Columns:
        """Return the same as :meth:`bind`, without a check: its types tell what to compile."""
        return kernels.Columns(
            arrays[self.matrix], np.zeros(size), np.zeros(size, np.uint64),
            np.full((cache, 2), -1, np.int64), np.zeros(cache), np.zeros(1, np.int64),
        )  # fmt: skip


@dataclass(frozen=True)
class Gram:
    """Absolute correlation ``|G_jk| / √(G_jj G_kk)`` from a Gram matrix that the program keeps.

    Parameters
    ----------
    matrix : str
        Symmetric field over (axis, axis).
    diagonal : str
        Field over (axis,) with the matrix's diagonal, so that one check reads only one row.
    """

    matrix: str
    diagonal: str

    def declared(self, fields: Mapping[str, Field], axis: str) -> None:
        """Refuse fields that are neither over the schedule's axis nor over one that no data has.

        An axis that no data has can grow. The program must then make sure that the first ids of
        that axis are those of the schedule's axis.
        """
        of_data = {a for field in fields.values() if isinstance(field, Data) for a in field.axes}
        for name, times in ((self.matrix, 2), (self.diagonal, 1)):
            field = fields.get(name)
            if field is None:
                raise ProgramError(f"Gram names {name!r}, which is not a field of the program")
            over = field.axes[0] if field.axes and field.axes[0] not in of_data else axis
            if field.axes != (over,) * times or field.replicated or getattr(field, "layout", None):
                raise ProgramError(
                    f"Gram({self.matrix!r}, {self.diagonal!r}) of a schedule over {axis!r} needs "
                    f"{name} dense over {(axis,) * times}; {_described(field)}"
                )

    def bind(self, arrays: Mapping[str, Any], size: int) -> kernels.Gram:
        """Return what the compiled check reads."""
        G = arrays.get(self.matrix)
        if not isinstance(G, np.ndarray) or G.ndim != 2:
            raise ProgramError(f"Gram({self.matrix!r}) must name a two-dimensional field")
        diagonal = arrays.get(self.diagonal)
        if not isinstance(diagonal, np.ndarray) or diagonal.ndim != 1:
            raise ProgramError(f"Gram: diagonal={self.diagonal!r} must name a field over the axis")
        return kernels.Gram(G, diagonal)

    def demand_size(self, bound: kernels.Gram, size: int) -> None:
        """Refuse fields with fewer ids than the axis; compiled code does not check that.

        To be called before each round, not earlier: after the axis has grown, the program may still
        have to grow the fields.
        """
        if min(*bound.G.shape, len(bound.diagonal)) < size:  # fields may have reserved capacity
            raise ProgramError(
                f"Gram({self.matrix!r}, {self.diagonal!r}): the schedule's axis has {size} ids, "
                f"the fields have shapes {bound.G.shape} and {bound.diagonal.shape}"
            )


@dataclass(frozen=True)
class Graph:
    """A symmetric conflict graph that the user gives: neighbours never move together.

    Parameters
    ----------
    graph : str
        Sparse field with layout "csr" over (axis, axis).
    """

    graph: str

    def declared(self, fields: Mapping[str, Field], axis: str) -> None:
        """Refuse a field that is not a graph over the axis."""
        demand_graph(fields, self.graph, axis, f"Graph({self.graph!r})")

    def bind(self, arrays: Mapping[str, Any], size: int) -> kernels.Graph:
        """Return what the compiled check reads."""
        graph = arrays.get(self.graph)
        if not isinstance(graph, CSR):
            raise ProgramError(f"Graph({self.graph!r}) must name sparse data with layout 'csr'")
        return kernels.Graph(graph.indices, graph.indptr)


@dataclass(frozen=True)
class Coupled:
    """A coupling that the user computes; ids that are coupled by ρ or more never move together.

    When a run begins, the coupling of all pairs is computed once. The resulting conflict graph is
    kept for later runs, for as long as the kernel and the data that it reads stay the same.

    Parameters
    ----------
    function : kernel
        Its parameters are ``j`` (an id), ``others`` (ids), ``out`` (an array of zeros into which
        it writes one coupling in [0, 1] for each of `others`) and data fields by name::

            @kernel
            def near(j, others, position, out):
                for i, k in enumerate(others):
                    out[i] = np.exp(-abs(position[j] - position[k]))

        A coupling is symmetric, so `others` are ids below `j` only. A plain Python function
        ``function(j, others, arrays)`` that returns the couplings may be given instead; it is
        called once per id, in every run.
    rho : float, optional
        Smallest coupling that is a conflict; by default the schedule's ``rho``.
    """

    function: Any
    rho: float | None = None

    def declared(self, fields: Mapping[str, Field], axis: str) -> None:
        """Refuse a kernel that lacks a parameter or asks for what the program does not declare."""
        if not callable(self.function):
            raise ProgramError(f"Coupled needs a kernel, not {self.function!r}")
        if not conflict_graph.is_kernel(self.function):
            return
        words = conflict_graph.words_of(self.function)
        name = getattr(self.function, "__name__", "kernel")
        missing = [word for word in conflict_graph.WORDS if word not in words]
        if missing:
            raise ProgramError(
                f"the coupling kernel {name!r} must have the parameters "
                f"{', '.join(conflict_graph.WORDS)}; it lacks {', '.join(missing)}"
            )
        for word in words:
            if word not in conflict_graph.WORDS and not isinstance(fields.get(word), Data):
                raise ProgramError(
                    f"the coupling kernel {name!r} asks for {word!r}, which is neither a data "
                    f"field of the program nor one of {', '.join(conflict_graph.WORDS)}; couplings "
                    "are computed before the first round, from data and global constants only"
                )

    def ask(self, arrays: Mapping[str, Any], size: int, rho: float) -> dict[str, np.ndarray]:
        """Return the conflict graph of all pairs, computed now or kept from an earlier run."""
        rho = rho if self.rho is None else self.rho
        ask = (
            conflict_graph.conflicts_of_kernel
            if conflict_graph.is_kernel(self.function)
            else conflict_graph.conflicts_of_function
        )
        indices, indptr = ask(self.function, arrays, size, rho)
        return {"indices": indices, "indptr": indptr}

    def bare(self) -> Coupled:
        """Return this coupling without the user's function, for the scheduler process."""
        return Coupled(_asked_already, self.rho)


def _asked_already(j: int, others: np.ndarray, arrays: Any) -> np.ndarray:
    raise AssertionError("the leader has made the conflict graph")


def demand_graph(fields: Mapping[str, Field], name: str, axis: str, who: str) -> None:
    """Refuse a declared field that is not a conflict graph over the axis."""
    field = fields.get(name)
    if field is None:
        raise ProgramError(f"{who} names {name!r}, which is not a field of the program")
    if getattr(field, "layout", None) != "csr" or field.axes != (axis, axis):
        raise ProgramError(
            f"{who} of a schedule over {axis!r} needs data({axis!r}, {axis!r}, layout='csr'); "
            f"{_described(field)}"
        )


def _described(field: Field) -> str:
    """Describe a field in an error message."""
    words = f"{field.name} is {field.kind} over ({', '.join(field.axes)})"
    layout = getattr(field, "layout", None)
    words += f" with layout {layout!r}" if layout else ""
    return words + (", one copy per worker" if field.replicated else "")


def independent() -> kernels.Independent:
    """Return the coupling of independent ids, which may all move together."""
    return kernels.Independent(np.zeros(1))
