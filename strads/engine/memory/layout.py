"""Lay a program out: partition its axes, place its data in their order, zero its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.engine.errors import ProgramError
from strads.engine.fields import Control, Data, Field, Outbox, exactly
from strads.engine.file_pages import file_map, sorted_rows
from strads.engine.memory import needs
from strads.engine.memory.filling import fill
from strads.engine.memory.mapped import demand_whole_file
from strads.engine.memory.needs import check_memory
from strads.engine.memory.sizes import alignment, axis_sizes, capacity, shape_of
from strads.engine.memory.store import Store
from strads.engine.partition import Partition
from strads.engine.program.costs import axis_costs
from strads.engine.program.given_arrays import sound
from strads.engine.program.program import Program, data_fields

#: Types of what a user may give as the partition of an axis.
PartitionLike = Partition | str | np.ndarray


def lay_out(
    program: Program,
    store: Store,
    workers: int,
    *,
    seed: int,
    partition: Mapping[str, PartitionLike] | None = None,
    align: bool = True,
    also: Callable[[Mapping[str, Any]], Mapping[str, int]] | None = None,
) -> None:
    """Fill `store` with the program's arrays and run its ``setup``.

    Parameters
    ----------
    program : Program
        Its ``size``, ``partitions`` and ``state`` are set.
    store : Store
        Must be empty.
    workers : int
        Number of workers.
    seed : int
        Seed of the generator that ``setup`` receives.
    partition : mapping of axis to partition, optional
        ``"contiguous"``, ``"balanced"`` (by costs), the number of a worker for every id, or a
        Partition. By default axes are balanced where costs are known.
    align : bool
        Whether to round cuts so that no two workers share a cache line; one worker then gets all
        ids of a small axis.
    also : callable, optional
        Called with the data in their declared layouts, once sizes and partitions are known and
        before any memory is taken. Returns the bytes, by name, of what the run needs besides
        fields.

    Raises
    ------
    DataError
        If the file of a memory map has become too short.
    InsufficientMemory
        If the run needs more memory than is left.
    ProgramError
        If sizes disagree, or data are neither given nor filled by ``setup``.
    """
    for name, value in program.given.items():
        demand_whole_file(value, name)
    given = {n: _converted(f, program.given[n]) for n, f in data_fields(program).items()
             if n in program.given}  # fmt: skip
    program.size, program.state = axis_sizes(program, given), {}
    start = {n: np.asarray(program.given[n]) for n, f in program.fields().items()
             if n in program.given and f.mutable}  # fmt: skip
    program.partitions = _partitions(
        program, {**start, **given}, workers, dict(partition or {}), align
    )
    others = also(given) if also is not None else {}
    arrays = needs.arrays(program, given, workers, store.allocator, in_files=store.kinds_in_files)
    check_memory({**arrays, **others})
    for name, field in program.fields().items():
        _place(program, store, field, given.get(name), workers)
    for axis, cut in program.partitions.items():
        store.new(f".bounds@{axis}", "engine", (workers + 1,), np.int64)[:] = cut.bounds
    store.new(".rooms", "engine", (max(len(replicated(program)), 1),), np.int64)
    show(program, store)
    fill(program, np.random.default_rng(seed))
    store.freeze()


def _converted(field: Data, value: Any) -> Any:
    """Convert given data to the declared layout, without a copy if they have it already."""
    value = sound(value, field.name)  # first, because conversions do not check indices
    if field.layout is None:
        if sp.issparse(value):
            raise ProgramError(
                f"{field.name} is given as a sparse matrix but declared without a layout; declare "
                f"it with layout='csc' (kernels go by columns) or layout='csr' (by rows)"
            )
        array = np.asarray(value) if not isinstance(value, np.memmap) else value
        if field.dtype is not None:
            array = exactly(field, array, field.dtype)
        return np.asarray(array, order="C") if not isinstance(array, np.memmap) else array
    if not sp.issparse(value):
        dense = value if isinstance(value, np.memmap) else np.asarray(value)
        if dense.ndim != 2:
            raise ProgramError(f"{field.name} must be two-dimensional, not of shape {dense.shape}")
        if dense.dtype not in (np.float32, np.float64):
            dense = dense.astype(np.float64)
        if field.layout == "csc":
            return dense if dense.flags.f_contiguous else np.asfortranarray(dense)
        value = sp.csr_array(dense)
    elif len(value.shape) != 2:
        raise ProgramError(f"{field.name} must be two-dimensional, not of shape {value.shape}")
    matrix = sp.csc_array(value) if field.layout == "csc" else sp.csr_array(value)
    if file_map(matrix.indices) is not None and sorted_rows(matrix.indptr, matrix.indices):
        matrix.has_sorted_indices = matrix.has_canonical_format = True
    if not matrix.has_canonical_format:  # which implies sorted indices, and takes one pass
        if sp.issparse(value) and np.may_share_memory(matrix.data, value.data):
            matrix = matrix.copy()  # do not change the user's matrix
        matrix.sum_duplicates()
    wanted = field.dtype or (
        matrix.dtype if matrix.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    )
    return matrix.astype(wanted, copy=False)


def _partitions(
    program: Program,
    given: Mapping[str, Any],
    workers: int,
    asked: dict[str, PartitionLike],
    align: bool,
) -> dict[str, Partition]:
    unknown = sorted(set(asked) - program.size.keys())
    if unknown:
        raise ProgramError(f"partition names axis {unknown[0]!r}, which the program lacks")
    return {
        axis: _partition(
            program,
            given,
            workers,
            axis,
            asked.get(axis, "auto"),
            alignment(program, axis) if align else 1,
        )
        for axis in program.size
    }


def _partition(
    program: Program,
    given: Mapping[str, Any],
    workers: int,
    axis: str,
    asked: PartitionLike,
    align: int,
) -> Partition:
    size = program.size[axis]
    if isinstance(asked, Partition):
        if asked.size != size or asked.workers != workers:
            raise ProgramError(
                f"the partition of {axis!r} is for {asked.size} ids and {asked.workers} "
                f"workers, the program has {size} and {workers}"
            )
        return asked
    if isinstance(asked, np.ndarray | list | tuple):
        owners = np.asarray(asked)
        if owners.shape != (size,):
            raise ProgramError(
                f"the owners of axis {axis!r} have shape {owners.shape}, it has {size} ids"
            )
        return Partition.from_owners(owners, workers)
    costs = axis_costs(program, axis, given) if asked in ("auto", "balanced") else None
    if costs is None:
        if asked not in ("auto", "balanced", "contiguous"):
            raise ProgramError(
                f"partition of {axis!r}: {asked!r} is not 'contiguous', 'balanced', a worker "
                "for every id, or a Partition"
            )
        return Partition.contiguous(size, workers, align=align)
    return Partition.balanced(costs, workers, align=align)


def replicated(program: Program) -> list[str]:
    """Return the names of the fields of which every worker has a copy."""
    return [name for name, field in program.fields().items() if field.replicated]


def show(program: Program, store: Store) -> None:
    """Fill the program's state with the store's arrays, replicated ones without their padding.

    To be called again whenever the capacity of an axis has changed.
    """
    fields = program.fields()
    for name in fields:
        if name in store.arrays:
            program.state[name] = store.arrays[name]
    for i, name in enumerate(replicated(program)):
        length = capacity(program, fields[name].axes[0])
        store.arrays[".rooms"][i] = length
        program.state[name] = store.arrays[name][:, :length]


def _place(program: Program, store: Store, field: Field, given: Any, workers: int) -> None:
    if isinstance(field, Outbox):
        return  # executors place outboxes, whose sizes depend on the leases of their phases
    if given is not None:
        store.put(field.name, "data", _ordered(program, field, given))
        return
    dtype = field.dtype or np.dtype(np.float64)
    order = "F" if isinstance(field, Data) and field.layout == "csc" else "C"
    # Growing zeroes reserved capacity when it is needed.
    zero = not any(program.reserve.get(axis) for axis in field.axes)
    shape = shape_of(program, field, workers)
    array = store.new(field.name, field.kind, shape, dtype, order, zero=zero)
    if isinstance(field, Control):
        field.fill(array, program.given.get(field.name, field.default))
    elif field.name in program.given:
        value = _ordered(program, field, exactly(field, program.given[field.name], array.dtype))
        array[tuple(slice(0, n) for n in value.shape)] = value


def _ordered(program: Program, field: Field, value: Any) -> Any:
    """Bring every dimension of a value into the order of laid-out ids."""
    orders = [program.partitions[axis].order for axis in field.axes]
    for dimension, order in enumerate(orders):
        if order is not None:
            value = value[order] if dimension == 0 else value[:, order]
    if any(order is not None for order in orders) and sp.issparse(value):
        value.sort_indices()  # which looks first
    return value


def user_order(program: Program, name: str, store: Store | None = None) -> np.ndarray:
    """Return a copy of a field's array in the order of the user's ids, at the sizes of its axes.

    If the array lies in a file, as the store tells, so does the copy.
    """
    field = program.fields()[name]
    array = program.state[name]
    if isinstance(field, Control):
        return array.copy()
    if field.replicated:
        array = array[0]
    array, copied = array[tuple(slice(0, program.size[a]) for a in field.axes)], False
    made = None if store is None else store.beside(name, array.shape)
    if made is not None:
        orders = (program.partitions[axis].order for axis in field.axes)
        made[np.ix_(*(np.arange(n) if order is None else order
                      for n, order in zip(array.shape, orders, strict=True)))] = array  # fmt: skip
        return made
    for dimension, axis in enumerate(field.axes):
        order = program.partitions[axis].order
        if order is not None:
            back = np.empty_like(order)
            back[order] = np.arange(order.size)
            array, copied = np.take(array, back, axis=dimension), True
    return array if copied else array.copy()
