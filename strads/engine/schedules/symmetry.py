"""Is a declared conflict graph symmetric? A schedule looks at one side of a pair only."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from strads.engine.errors import ProgramError
from strads.engine.partition import Partition
from strads.kernels.linear.matrices import CSR


def demand_symmetric(graph: CSR, name: str, partition: Partition) -> None:
    """Refuse a conflict graph in which `k` stands at `j`, but `j` not at `k`.

    Every stored entry is a conflict, whatever its value. Costs one transposition, in compiled
    code that is there already: O(entries).

    Parameters
    ----------
    graph : CSR
        Indices sorted within a row.
    name : str
        Of the field.
    partition : Partition
        Of the axis; its order gives the user's ids back.

    Raises
    ------
    ProgramError
        Naming the first pair, by the user's ids, or the ids that are not of the axis.
    """
    size, rows = partition.size, len(graph.indptr) - 1
    columns = int(graph.indices.max(initial=-1)) + 1
    if rows != size or columns > size:
        raise ProgramError(
            f"the conflict graph {name!r} must have {size} rows and columns, one for each id of "
            f"the schedule's axis; it has {rows} rows, and neighbours up to id {columns - 1}"
        )
    ones = np.ones(len(graph.indices), np.int8)
    pattern = sp.csr_array((ones, graph.indices, graph.indptr), shape=(size, size))
    mirrored = pattern.T.tocsr()  # rows come out sorted
    if np.array_equal(mirrored.indptr, graph.indptr) and np.array_equal(
        mirrored.indices, graph.indices
    ):
        return
    j, k = _first(pattern, mirrored, partition)
    raise ProgramError(
        f"the conflict graph {name!r} is not symmetric: {k} is a neighbour of {j}, but {j} is "
        f"none of {k}. Store both entries, as {name} + {name}.T does"
    )


def _first(pattern: sp.csr_array, mirrored: sp.csr_array, partition: Partition) -> tuple[int, int]:
    """Return the smallest pair, by the user's ids, of which only one half is stored."""
    alone = (pattern - mirrored).tocoo()
    pairs = np.column_stack(alone.coords)[alone.data > 0]
    if partition.order is not None:
        pairs = partition.order[pairs]
    j, k = min(pairs.tolist())
    return j, k
