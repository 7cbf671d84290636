"""Run a program's ``setup``, and check that it fills the data that were not given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.fields import Field
from strads.engine.program.program import Program, data_fields


class _Watched(dict[str, Any]):
    """A program's state during ``setup``; it records which arrays ``setup`` asks for."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        super().__init__(arrays)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def values(self) -> Any:
        self.asked.update(self)
        return super().values()

    def items(self) -> Any:
        self.asked.update(self)
        return super().items()


def fill(program: Program, rng: np.random.Generator) -> None:
    """Run a program's ``setup`` and demand that it fills the data that were not given.

    Such an array of floats begins with minus zeros, which add and compare like zeros but have other
    bits: if all of them are still there afterwards, ``setup`` has not written into the array. Other
    types have no such value; for them it is enough that ``setup`` has asked for the array.

    Raises
    ------
    ProgramError
        If data are neither given nor filled; the message names them.
    """
    fields = data_fields(program)
    missing = [
        name
        for name, field in fields.items()
        if name not in program.given and all(program.size[axis] for axis in field.axes)
    ]
    for name in missing:
        if program.state[name].dtype.kind == "f":
            _own(program, fields[name])[...] = -0.0
    watched = _Watched(program.state)
    program.state = watched
    try:
        program.setup(rng)
    finally:
        program.state = dict(watched)
    for name in missing:
        array = _own(program, fields[name])
        filled = array.size == 0 or array.dtype.kind != "f" or not _untouched(array)
        begun = name in watched.asked and filled
        if not begun:
            axes = ", ".join(map(repr, fields[name].axes))
            raise ProgramError(
                f"{type(program).__name__} declares {name} = data({axes}), which is neither given "
                f"nor filled: give it, as in {type(program).__name__}({name}=…), or write into "
                f"self.state[{name!r}] in setup()"
            )
        if array.dtype.kind == "f":
            array += 0.0  # turn the remaining minus zeros into zeros


def _own(program: Program, field: Field) -> np.ndarray:
    """Return the entries of an array that this process needs."""
    array: np.ndarray = program.state[field.name]
    return array[program.own_ids(field.axes[0])] if field.local else array


def _untouched(array: np.ndarray) -> bool:
    """Whether an array has nothing but the minus zeros that it began with."""
    return not array.any() and bool(np.signbit(array).all())
