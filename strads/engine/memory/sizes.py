"""Sizes of axes and of the arrays on them: how long they are, how long they may become."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.fields import Control, Field, Outbox
from strads.engine.memory.allocators import LINE
from strads.engine.program.program import Program, data_fields

#: Most ids of an axis: with more, the address of an entry of eight bytes would exceed 64 bits.
MOST_IDS = 1 << 60


def axis_sizes(program: Program, given: Mapping[str, Any]) -> dict[str, int]:
    """Return the size of every axis, from the sizes and arrays that the user has given.

    Parameters
    ----------
    program : Program
    given : mapping
        Data in the declared layouts, by field name.

    Raises
    ------
    ProgramError
        If two arrays disagree, or no array and no argument tells the size of an axis.
    """
    sizes: dict[str, tuple[int, str]] = {}

    def note(axis: str, size: int, source: str) -> None:
        known = sizes.setdefault(axis, (size, source))
        if known[0] != size:
            raise ProgramError(
                f"axis {axis!r} has {known[0]} ids in {known[1]} but {size} in {source}; "
                "give arrays that agree"
            )

    for axis in program.axes():
        if axis in program.given:
            note(axis, _whole_size(axis, program.given[axis]), f"the argument {axis}=")
    fields = program.fields()
    for name, field in fields.items():
        value = given.get(name)
        if value is None and field.mutable and name in program.given:
            value = np.asarray(program.given[name])
        if value is None:
            continue
        if len(value.shape) != len(field.axes):
            raise ProgramError(
                f"{name} is declared with axes {field.axes} but has shape {value.shape}"
            )
        for axis, length in zip(field.axes, value.shape, strict=True):
            note(axis, int(length), name)
    for name, field in fields.items():
        missing = [a for a in field.axes if a not in sizes and not isinstance(field, Outbox)]
        if missing:
            raise ProgramError(
                f"the size of axis {missing[0]!r} (of {name}) is unknown: give an array that "
                f"has it, or {missing[0]}=SIZE"
            )
    return {axis: size for axis, (size, _) in sizes.items()}


def is_whole(number: Any) -> bool:
    """Whether something is a whole number, of whatever type; True and False are not."""
    try:
        return not isinstance(number, bool) and int(number) == number
    except (TypeError, ValueError, OverflowError):  # text, NaN, infinity
        return False


def _whole_size(axis: str, size: Any) -> int:
    """Return the size of an axis as an int, or raise ProgramError."""
    if not is_whole(size) or not 0 <= size <= MOST_IDS:
        raise ProgramError(
            f"axis {axis!r} cannot have {size!r} ids; its size is a whole number from 0 to 2**60"
        )
    return int(size)


def may_grow(program: Program, axis: str) -> bool:
    """Whether an axis may get another size during a run: not if an array of data has that axis."""
    return not any(axis in field.axes for field in data_fields(program).values())


def demand_growable(program: Program, axis: str, size: Any) -> int:
    """Return the new size of an axis as an int, or raise ProgramError if it cannot have it."""
    if axis not in program.size:
        raise ProgramError(
            f"grow({axis!r}, …): {type(program).__name__} has no such axis; it has "
            f"{', '.join(sorted(program.size))}"
        )
    fixed = [name for name, field in data_fields(program).items() if axis in field.axes]
    if fixed:
        raise ProgramError(
            f"axis {axis!r} cannot grow: {fixed[0]} is data, whose size cannot change"
        )
    return _whole_size(axis, size)


def capacity(program: Program, axis: str) -> int:
    """Number of ids that arrays on an axis have memory for, reserved capacity included."""
    return max(program.size[axis], program.reserve.get(axis, 0), 1)


def shape_of(program: Program, field: Field, workers: int) -> tuple[int, ...]:
    """Shape of a field's array, with reserved capacity.

    A replicated field has one copy per worker, each padded so that it begins at a line of its own.
    """
    if isinstance(field, Control):
        return np.shape(field.default) or (1,)
    shape = tuple(capacity(program, axis) for axis in field.axes)
    if not field.replicated:
        return shape
    per_line = LINE // np.dtype(field.dtype).itemsize
    return (workers, -(-shape[0] // per_line) * per_line, *shape[1:])


def alignment(program: Program, axis: str) -> int:
    """Multiple of ids at which an axis is cut, so that two workers write to no common line."""
    items = [
        np.dtype(f.dtype).itemsize * _row_length(program, f)
        for f in program.fields().values()
        if f.mutable and not f.replicated and f.axes and f.axes[0] == axis
    ]
    return max(1, LINE // min(items)) if items else 1


def _row_length(program: Program, field: Field) -> int:
    return math.prod(capacity(program, a) for a in field.axes[1:]) or 1
