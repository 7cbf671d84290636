"""What a program declares: data, variables, derived arrays, controls, outboxes, scratch.

A field is a class attribute of a :class:`~strads.engine.program.Program`; on an instance it
reads (and, for controls, writes) the program's state.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike

from strads.engine.errors import ProgramError

LAYOUTS: Final = ("csc", "csr")


class Field:
    """A declared array or value; its attribute name is its name everywhere.

    Parameters
    ----------
    axes : tuple of str
        Axis of every dimension; the first decides who holds which entries.
    dtype : dtype-like, optional
        Fixed for variables, derived arrays and outboxes; data keeps what the user gives.
    """

    kind = "field"
    mutable = False

    def __init__(self, axes: tuple[str, ...] = (), dtype: DTypeLike | None = None) -> None:
        self.name = ""
        self.axes = axes
        self.dtype = None if dtype is None else np.dtype(dtype)
        self.replicated = False
        self.private = False
        self.returned = True

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else instance.state[self.name]

    def __set__(self, instance: Any, value: object) -> None:
        raise ProgramError(
            f"{type(instance).__name__}.{self.name} is a declared {self.kind}; "
            f"write into it (self.state[{self.name!r}][:] = …) instead of replacing it"
        )


class Data(Field):
    """Read-only input, shared by all workers."""

    kind = "data"

    def __init__(
        self, *axes: str, layout: str | None = None, dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(axes, dtype)
        if layout is not None and (layout not in LAYOUTS or len(axes) != 2):
            raise ProgramError(
                f"layout={layout!r} with axes {axes}: a layout is one of {LAYOUTS} "
                "and goes with exactly two axes"
            )
        self.layout = layout


class Variable(Field):
    """Part of the model: saved in checkpoints, returned as the result."""

    kind = "variable"
    mutable = True

    def __init__(self, *axes: str, dtype: DTypeLike = np.float64, private: bool = False) -> None:
        super().__init__(axes, dtype)
        self.private = private


class Derived(Field):
    """Recomputable from data and variables (a residual, counts, Gram rows).

    Sliced by default: entry `i` is written only by the holder of id `i`. ``private`` promises
    that nobody but the holder reads it either, which saves a synchronisation a micro-round.
    With ``returned=False`` the result goes without it: nobody asks for a matrix that is as large
    as it is easily computed. Checkpoints keep it all the same.
    """

    kind = "derived"
    mutable = True

    def __init__(
        self,
        *axes: str,
        dtype: DTypeLike = np.float64,
        replicated: bool = False,
        private: bool = False,
        returned: bool = True,
    ) -> None:
        super().__init__(axes, dtype)
        self.replicated = replicated
        self.private = private
        self.returned = returned


class Scratch(Derived):
    """Work space of one worker: replicated, never saved, contents undefined between rounds."""

    kind = "scratch"

    def __init__(self, *axes: str, dtype: DTypeLike = np.float64) -> None:
        super().__init__(*axes, dtype=dtype, replicated=True, returned=False)


class Control(Field):
    """A small value held by the leader and read by kernels (step size, temperature)."""

    kind = "control"

    def __init__(self, default: float | int | np.ndarray) -> None:
        value = np.asarray(default)
        super().__init__((), value.dtype)
        self.default = default
        self.scalar = value.ndim == 0

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        array = instance.state[self.name]
        return array[0].item() if self.scalar else array

    def __set__(self, instance: Any, value: object) -> None:
        instance.state[self.name][...] = value


class Outbox(Field):
    """What a push sends to every pull: one entry for each id of the block."""

    kind = "outbox"
    mutable = True

    def __init__(self, axis: str = "block", dtype: DTypeLike = np.float64, width: int = 0) -> None:
        if axis != "block":
            raise ProgramError(f"an outbox is aligned with the block, not with axis {axis!r}")
        super().__init__((axis,), dtype)
        self.width = width


# Declarations read as words in a class body: ``w = variable("features")``.
data = Data
variable = Variable
derived = Derived
scratch = Scratch
control = Control
outbox = Outbox
