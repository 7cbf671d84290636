"""How much memory a run needs, by array, counted before any of it is taken.

When shared memory runs out, the process that touches the missing page is killed by a signal. So
all memory that a run will touch is counted here first and compared with what is left. Reserved
capacity is not touched before an axis grows into it, so it is not counted; :func:`growth` counts
what an axis adds when it grows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.engine.errors import InsufficientMemory
from strads.engine.fields import Control, Field, Outbox
from strads.engine.memory.allocators import Private, Shared
from strads.engine.memory.segments import demand_shared_memory
from strads.engine.platform import available_memory
from strads.engine.program.program import Program

#: Bytes by which a run may grow before it looks up what memory is left, which takes a millisecond.
UNCHECKED = 16 << 20

#: Seconds for which a look at the memory that is left serves small needs, which are taken off it.
FRESH_S = 0.1
_look: tuple[Any, float, int] = (None, 0.0, 0)

#: Kinds of fields that a result does not contain.
NOT_RETURNED = ("data", "outbox", "scratch")


def check_memory(needs: Mapping[str, int], *, reserved: bool = False) -> None:
    """Compare the memory that a run needs with what the machine and its cgroup have left.

    Parameters
    ----------
    needs : mapping of str to int
        Bytes by name.
    reserved : bool
        Whether they lie within capacity that shared segments have reserved already.

    Raises
    ------
    InsufficientMemory
        If it does not suffice; the message names the largest arrays.
    """
    needed = sum(needs.values())
    left = _left(needed)
    if needed > left:
        largest = sorted(needs.items(), key=lambda item: -item[1])[:3]
        raise InsufficientMemory(needed=needed, available=left, largest=largest)
    if reserved:
        demand_shared_memory(needed)


def _left(needed: int) -> int:
    """Return the bytes that are left; for small needs, by a look of less than `FRESH_S` ago."""
    global _look
    by, when, left = _look
    now = time.monotonic()
    old = by is not available_memory or now - when > FRESH_S
    if old or needed >= min(UNCHECKED, left):
        by, when, left = available_memory, now, available_memory()
    _look = by, when, left - needed
    return left


def arrays(
    program: Program, given: Mapping[str, Any], workers: int, allocator: Private | Shared,
    *, in_files: Collection[str] = (),
) -> dict[str, int]:  # fmt: skip
    """Return the bytes of a program's arrays as laid out, and of their copies in the result.

    Parameters
    ----------
    program : Program
        Its sizes and partitions must be set.
    given : mapping
        Data in the declared layouts, by field name.
    workers : int
    allocator : Private or Shared
        Tells which of the data need no copy.
    in_files : collection of str
        Kinds of fields that lie in files, which take no memory.
    """
    needs: dict[str, int] = {}
    for name, field in program.fields().items():
        if isinstance(field, Outbox):
            continue  # counted with the leases of its phase
        if field.kind in in_files:
            continue
        if name in given:
            needs[name] = _data(program, field, given[name], allocator)
            continue
        needs[name] = used_nbytes(program, field, workers)
        if field.local:
            own, size = program.own_ids(field.axes[0]), program.size[field.axes[0]]
            needs[name] = needs[name] * (own.stop - own.start) // max(size, 1)
        if name in program.given and _reordered(program, field):
            needs[name] += used_nbytes(program, field, 1)
    return {**needs, **results(program, in_files)}


def results(program: Program, in_files: Collection[str] = ()) -> dict[str, int]:
    """Return the bytes of the copies that a result consists of, but for those in files."""
    return {
        f"{name} in the result": used_nbytes(program, field, 1)
        for name, field in returned(program).items()
        if field.kind not in in_files
    }


def returned(program: Program) -> dict[str, Field]:
    """Return the fields that a result contains."""
    return {
        name: field
        for name, field in program.fields().items()
        if field.returned and field.kind not in NOT_RETURNED
    }


def growth(program: Program, axis: str, old: int, new: int, workers: int) -> dict[str, int]:
    """Return the bytes that an axis adds when it grows from `old` to `new` ids in its capacity."""
    needs = {}
    for name, field in growing(program, axis).items():
        shape = [program.size[a] for a in field.axes]
        before, after = (
            math.prod(size if a == axis else n for a, n in zip(field.axes, shape, strict=True))
            for size in (old, new)
        )
        copies = workers if field.replicated else 1
        needs[name] = max(0, after - before) * copies * _itemsize(field)
    return needs


def growing(program: Program, axis: str) -> dict[str, Field]:
    """Return the fields whose arrays change their size with an axis."""
    return {
        name: field
        for name, field in program.fields().items()
        if axis in field.axes and field.mutable and not isinstance(field, Outbox | Control)
    }


def used_nbytes(program: Program, field: Field, workers: int) -> int:
    """Bytes of a field's array without reserved capacity; a replicated one has `workers` copies."""
    if isinstance(field, Control):
        return int(np.asarray(field.default).nbytes)
    copies = workers if field.replicated else 1
    return copies * math.prod(program.size[a] for a in field.axes) * _itemsize(field)


def _itemsize(field: Field) -> int:
    return (field.dtype or np.dtype(np.float64)).itemsize


def _reordered(program: Program, field: Field) -> bool:
    return any(program.partitions[axis].order is not None for axis in field.axes)


def _data(program: Program, field: Field, value: Any, allocator: Private | Shared) -> int:
    parts = (value.data, value.indices, value.indptr) if sp.issparse(value) else (value,)
    if not _reordered(program, field):
        return sum(int(part.nbytes) for part in parts if not allocator.holds(part))
    # Brought into the partition's order in private memory, then copied into shared memory.
    return sum(int(part.nbytes) for part in parts) * (2 if allocator.shared else 1)
