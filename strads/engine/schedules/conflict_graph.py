"""Conflict graphs: which ids must not move together.

The graph of a user's coupling is computed here: the coupling is evaluated for all pairs of ids, and
pairs that are coupled by ``rho`` or more become edges. A graph that the user gives is checked: it
must be symmetric, since schedules look for a pair at one of its ids only.

A coupling that is a kernel is called by compiled code; a plain Python function is called once per
id. Both happen in the leader, because the scheduler process lives longer than a run and would keep
an old version of code that the user has edited since. Graphs of kernels are kept for later runs,
for as long as the kernel's code, the threshold and the arrays that it reads stay the same.
"""

from __future__ import annotations

import hashlib
import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numba
import numpy as np
import scipy.sparse as sp

from strads.engine.compiling.compile import CompiledKernel, compile_kernel
from strads.engine.errors import ProgramError
from strads.engine.partition import Partition
from strads.kernels.linear.matrices import CSR

#: Parameters of a coupling kernel that are not data: an id, the ids to compare it with, and the
#: array that receives their couplings.
WORDS = ("j", "others", "out")
#: Approximate number of pairs per call of compiled code: Ctrl-C takes effect between two calls.
PAIRS = 1 << 22
#: Most bytes of graphs that are kept for later runs.
KEPT = 1 << 28

Graph = tuple[np.ndarray, np.ndarray]  # indices, indptr
_kept: OrderedDict[tuple[Any, ...], Graph] = OrderedDict()

ASK = """
def ask_coupling(first, last, size, rho, {arguments}):
    everyone, answers = np.arange(size), np.empty(size)
    found, counts, n = np.empty(1024, np.int32), np.zeros(last - first, np.int64), 0
    for j in range(first, last):
        others, out = everyone[:j], answers[:j]
        out[:] = 0.0
        couple({call})
        for k in range(j):
            if not abs(out[k]) < rho:
                if np.isnan(out[k]):
                    counts[j - first] = -1 - k
                    return counts, found[:0].copy()
                if n == len(found):
                    larger = np.empty(2 * n, np.int32)
                    larger[:n] = found
                    found = larger
                found[n] = k
                n += 1
                counts[j - first] += 1
    return counts, found[:n].copy()
"""


def is_kernel(function: Any) -> bool:
    """Whether a coupling is a kernel; with the JIT off, its parameters tell."""
    return hasattr(function, "py_func") or "out" in words_of(function)


def words_of(function: Any) -> tuple[str, ...]:
    """Names of a function's parameters."""
    return tuple(inspect.signature(getattr(function, "py_func", function)).parameters)


def conflicts_of_kernel(
    function: Any, arrays: Mapping[str, Any], size: int, rho: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return indices and row pointers of the conflict graph of a coupling kernel.

    A coupling is symmetric, so the kernel compares every id `j` with the ids below `j` only.
    """
    names = [word for word in words_of(function) if word not in WORDS]
    given = [arrays[name] for name in names]
    compiled = _compiled(function, names, given)
    key = (compiled.key, size, rho, _digest(given))
    if compiled.key and key in _kept:
        _kept.move_to_end(key)
        return _kept[key]
    graph = _mirrored(*_asked(compiled, given, size, rho), size)
    if compiled.key:
        _keep(key, graph)
    return graph


def conflicts_of_function(
    function: Callable[..., Any], arrays: Mapping[str, Any], size: int, rho: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the conflict graph of a plain Python function, which is called once per id."""
    everyone = np.arange(size)
    rows = []
    for j in range(size):
        answers = np.abs(np.asarray(function(j, everyone, arrays), dtype=np.float64))
        if answers.shape != everyone.shape or np.isnan(answers).any():
            raise ProgramError(
                f"the coupling {_name(function)} must return one number in [0, 1] for each of "
                f"{size} ids; for id {j} it returned shape {answers.shape}, "
                f"{int(np.isnan(answers).sum())} of them NaN"
            )
        rows.append(np.flatnonzero((answers >= rho) & (everyone != j)))
    counts = np.array([len(row) for row in rows], np.int64)
    return _mirrored(counts, np.concatenate([np.empty(0, np.int64), *rows]), size)


def _compiled(function: Any, names: list[str], given: list[Any]) -> CompiledKernel:
    own = {name: f"own_{name}" for name in names}
    source = ASK.format(
        arguments=", ".join(own.values()),
        call=", ".join(own.get(word, word) for word in words_of(function)),
    )
    space: dict[str, Any] = {"__name__": "strads.generated", "np": np, "couple": function}
    exec(compile(source, "<strads ask_coupling>", "exec"), space)
    integer = numba.int64
    types = (integer, integer, integer, numba.float64, *(numba.typeof(array) for array in given))
    return compile_kernel(space["ask_coupling"], types)


def _asked(
    compiled: CompiledKernel, given: list[Any], size: int, rho: float
) -> tuple[np.ndarray, np.ndarray]:
    """Compare every id with those below it; return each id's number of conflicts, and the ids."""
    counts, found = [np.empty(0, np.int64)], [np.empty(0, np.int32)]
    for first, last in _chunks(size):
        some, indices = compiled.entry(first, last, size, rho, *given)
        if some.min(initial=0) < 0:
            at = int(np.argmin(some))
            raise ProgramError(
                f"the coupling of ids {first + at} and {-1 - int(some[at])} is NaN; a coupling "
                "kernel must write one number in [0, 1] into out for each of others"
            )
        counts.append(some)
        found.append(indices)
    return np.concatenate(counts), np.concatenate(found)


def _chunks(size: int) -> Iterator[tuple[int, int]]:
    """Cut the ids into ranges that have about :data:`PAIRS` pairs each."""
    first = 0
    while first < size:
        last = min(size, first + max(1, PAIRS // (first + 1)), 2 * first + 1024)
        yield first, last
        first = last


def _mirrored(counts: np.ndarray, indices: np.ndarray, size: int) -> Graph:
    """Return a symmetric graph, of conflicts that may be listed at one of both ids only."""
    indptr = np.concatenate([[0], np.cumsum(counts)])
    half = sp.csr_array((np.ones(len(indices), bool), indices, indptr), shape=(size, size))
    both = sp.csr_array(half + half.T)
    both.sort_indices()
    return both.indices.astype(np.int32), both.indptr.astype(np.int64)


def _digest(arrays: list[Any]) -> str:
    """Return a digest of the contents of arrays."""
    digest = hashlib.blake2b(digest_size=20)
    parts = [part for array in arrays for part in (array if isinstance(array, tuple) else (array,))]
    for part in parts:
        flat = np.ravel(part, order="K")
        digest.update(repr((part.dtype.str, part.shape, part.strides)).encode())
        digest.update(np.ascontiguousarray(flat).view(np.uint8).data if flat.size else b"")
    return digest.hexdigest()


def _keep(key: tuple[Any, ...], graph: Graph) -> None:
    """Keep a graph for later runs; drop the graphs used longest ago when they take too much."""
    _kept[key] = graph
    while sum(part.nbytes for kept in _kept.values() for part in kept) > KEPT and len(_kept) > 1:
        _kept.popitem(last=False)


def _name(function: Any) -> str:
    return repr(getattr(function, "__name__", type(function).__name__))


def demand_symmetric(graph: CSR, name: str, partition: Partition) -> None:
    """Refuse a conflict graph that stores `k` as a neighbour of `j`, but not `j` as one of `k`.

    Every stored entry is a conflict, whatever its value. The check takes one transposition, in
    compiled code of SciPy: O(entries).

    Parameters
    ----------
    graph : CSR
        Indices are sorted within each row.
    name : str
        Name of the field.
    partition : Partition
        Partition of the axis; its order translates ids into those of the user.

    Raises
    ------
    ProgramError
        If the graph does not have one row and one column per id, or is not symmetric; the message
        names the first pair, by the user's ids.
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
    mirrored = pattern.T.tocsr()  # its rows are sorted
    if np.array_equal(mirrored.indptr, graph.indptr) and np.array_equal(
        mirrored.indices, graph.indices
    ):
        return
    j, k = _first_half_pair(pattern, mirrored, partition)
    raise ProgramError(
        f"the conflict graph {name!r} is not symmetric: {k} is a neighbour of {j}, but {j} is "
        f"not a neighbour of {k}. Store both entries, as {name} + {name}.T does"
    )


def _first_half_pair(
    pattern: sp.csr_array, mirrored: sp.csr_array, partition: Partition
) -> tuple[int, int]:
    """Return the smallest pair, by the user's ids, of which only one entry is stored."""
    alone = (pattern - mirrored).tocoo()
    pairs = np.column_stack(alone.coords)[alone.data > 0]
    if partition.order is not None:
        pairs = partition.order[pairs]
    j, k = min(pairs.tolist())
    return j, k
