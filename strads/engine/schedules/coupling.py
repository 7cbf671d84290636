"""What makes two ids dependent, as the priority schedule is told it."""

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

CACHE = 1 << 16  # direct-mapped entries of computed correlations


@dataclass(frozen=True)
class Correlation:
    """Absolute correlation |x_jᵀx_k| / (‖x_j‖‖x_k‖) of the columns of a data field.

    Columns whose 64-bit row signatures do not meet share no row: no product is computed. Others
    are computed when first met and kept in a direct-mapped cache.

    Parameters
    ----------
    matrix : str
        Field with layout "csc" over (rows, axis).
    """

    matrix: str

    def declared(self, fields: Mapping[str, Field], axis: str) -> None:
        """Refuse a field whose columns are not those of the axis."""
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
        """Return what the compiled check needs; norms and signatures are filled at the start."""
        self.demand_columns(arrays, size)
        return self.typed(arrays, size)

    def demand_columns(self, arrays: Mapping[str, Any], size: int) -> None:
        """Refuse a matrix that has not one column for each id: compiled code does not look."""
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
        """Return the same without a look at the matrix: what types and sizes follow from."""
        return kernels.Columns(
            arrays[self.matrix], np.zeros(size), np.zeros(size, np.uint64),
            np.full((cache, 2), -1, np.int64), np.zeros(cache), np.zeros(1, np.int64),
        )  # fmt: skip


@dataclass(frozen=True)
class Gram:
    """|G_jk| / √(G_jj G_kk) of a Gram matrix that the program keeps.

    Parameters
    ----------
    matrix : str
        Field over (axis, axis), symmetric.
    diagonal : str
        Field over (axis,) with its diagonal, so that a check stays in one row.
    """

    matrix: str
    diagonal: str

    def declared(self, fields: Mapping[str, Field], axis: str) -> None:
        """Refuse fields that are not over the axis, or over one whose first ids it stands for.

        The latter is an axis that no data has: the program grows it, and says what its ids are.
        """
        of_data = {a for field in fields.values() if isinstance(field, Data) for a in field.axes}
        for name, times in ((self.matrix, 2), (self.diagonal, 1)):
            field = fields.get(name)
            if field is None:
                raise ProgramError(f"Gram names {name!r}, which is no field of the program")
            over = field.axes[0] if field.axes and field.axes[0] not in of_data else axis
            if field.axes != (over,) * times or field.replicated or getattr(field, "layout", None):
                raise ProgramError(
                    f"Gram({self.matrix!r}, {self.diagonal!r}) of a schedule over {axis!r} needs "
                    f"{name} dense over {(axis,) * times}; {_described(field)}"
                )

    def bind(self, arrays: Mapping[str, Any], size: int) -> kernels.Gram:
        """Return what the compiled check needs."""
        G = arrays.get(self.matrix)
        if not isinstance(G, np.ndarray) or G.ndim != 2:
            raise ProgramError(f"Gram({self.matrix!r}) must name a two-dimensional field")
        diagonal = arrays.get(self.diagonal)
        if not isinstance(diagonal, np.ndarray) or diagonal.ndim != 1:
            raise ProgramError(f"Gram: diagonal={self.diagonal!r} must name a field over the axis")
        return kernels.Gram(G, diagonal)

    def demand_room(self, bound: kernels.Gram, size: int) -> None:
        """Refuse fields with fewer ids than the axis: compiled code does not look.

        Before a round, not before: the axis may have grown, and the fields be about to.
        """
        if min(*bound.G.shape, len(bound.diagonal)) < size:  # more is room to grow
            raise ProgramError(
                f"Gram({self.matrix!r}, {self.diagonal!r}): the schedule's axis has {size} ids, "
                f"the fields have shapes {bound.G.shape} and {bound.diagonal.shape}"
            )


@dataclass(frozen=True)
class Graph:
    """A declared, symmetric conflict graph: neighbours never move together.

    Parameters
    ----------
    graph : str
        Sparse field with layout "csr" over (axis, axis).
    """

    graph: str

    def declared(self, fields: Mapping[str, Field], axis: str) -> None:
        """Refuse a field that is no graph of the axis."""
        demand_graph(fields, self.graph, axis, f"Graph({self.graph!r})")

    def bind(self, arrays: Mapping[str, Any], size: int) -> kernels.Graph:
        """Return what the compiled check needs."""
        graph = arrays.get(self.graph)
        if not isinstance(graph, CSR):
            raise ProgramError(f"Graph({self.graph!r}) must name sparse data with layout 'csr'")
        return kernels.Graph(graph.indices, graph.indptr)


@dataclass(frozen=True)
class Coupled:
    """A coupling of the user's: one id against many; ids coupled by ρ or more are conflicts.

    It is asked once, when a run begins, about all pairs; the graph of the conflicts is kept for
    later runs while the kernel and the data that it reads are the same.

    Parameters
    ----------
    function : kernel
        Asks by the names of its parameters for ``j`` (an id), ``others`` (ids), ``out`` (where
        one coupling in [0, 1] for each of `others` goes; zeros before) and data fields::

            @kernel
            def near(j, others, position, out):
                for i, k in enumerate(others):
                    out[i] = np.exp(-abs(position[j] - position[k]))

        A coupling is symmetric: the kernel is asked about `others` below `j`. A plain Python
        function ``function(j, others, arrays)`` that returns the couplings is taken, too; it is
        called once an id, in every run.
    rho : float, optional
        Couplings of at least this much are conflicts; by default the schedule's.
    """

    function: Any
    rho: float | None = None

    def declared(self, fields: Mapping[str, Field], axis: str) -> None:
        """Refuse a kernel that asks for what there is not."""
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
                    f"field of the program nor one of {', '.join(conflict_graph.WORDS)}; it is asked "
                    "before the first round, so it can depend on data and global constants only"
                )

    def ask(self, arrays: Mapping[str, Any], size: int, rho: float) -> dict[str, np.ndarray]:
        """Ask for every pair, or find what was answered before; return the conflict graph."""
        rho = rho if self.rho is None else self.rho
        ask = (
            conflict_graph.conflicts_of_kernel
            if conflict_graph.is_kernel(self.function)
            else conflict_graph.conflicts_of_function
        )
        indices, indptr = ask(self.function, arrays, size, rho)
        return {"indices": indices, "indptr": indptr}

    def bare(self) -> Coupled:
        """Return the same without the user's function, for a process that finds the graph made."""
        return Coupled(_asked_already, self.rho)


def _asked_already(j: int, others: np.ndarray, arrays: Any) -> np.ndarray:
    raise AssertionError("the leader has made the conflict graph")


def demand_graph(fields: Mapping[str, Field], name: str, axis: str, who: str) -> None:
    """Refuse a declared field that is no conflict graph of the axis."""
    field = fields.get(name)
    if field is None:
        raise ProgramError(f"{who} names {name!r}, which is no field of the program")
    if getattr(field, "layout", None) != "csr" or field.axes != (axis, axis):
        raise ProgramError(
            f"{who} of a schedule over {axis!r} needs data({axis!r}, {axis!r}, layout='csr'); "
            f"{_described(field)}"
        )


def _described(field: Field) -> str:
    """Say what a field is."""
    words = f"{field.name} is {field.kind} over ({', '.join(field.axes)})"
    layout = getattr(field, "layout", None)
    words += f" with layout {layout!r}" if layout else ""
    return words + (", one copy a worker" if field.replicated else "")


def independent() -> kernels.Independent:
    """Return the coupling of ids that may all move together."""
    return kernels.Independent(np.zeros(1))
