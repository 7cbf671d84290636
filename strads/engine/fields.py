"""What a program declares: data, variables, derived arrays, controls, outboxes, scratch.

A field is a class attribute of a :class:`~strads.engine.program.program.Program`; on an instance it
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
        self.reduce: str | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        if self.name not in instance.state:
            raise ProgramError(
                f"{type(instance).__name__}.{self.name} is a declared {self.kind}, which has an "
                "array during a run only; the results of a run are in result.state"
            )
        return instance.state[self.name]

    def __set__(self, instance: Any, value: object) -> None:
        raise ProgramError(
            f"{type(instance).__name__}.{self.name} is a declared {self.kind}; "
            f"write into it (self.state[{self.name!r}][:] = …) instead of replacing it"
        )


def exactly(field: Field, value: Any, dtype: np.dtype[Any]) -> np.ndarray:
    """Return a value as an array of a field's type, without losing more than a float's last digits.

    Raises
    ------
    ProgramError
        If it holds what that type has not: a fraction among integers, a number beyond its range,
        text.
    """
    try:
        array = value if isinstance(value, np.ndarray) else np.asarray(value)  # or a memory map
        if array.dtype == object and dtype.kind == "f":  # integers beyond 64 bits
            array = array.astype(dtype)
        if array.dtype.kind not in "biuf":
            raise TypeError
        if np.can_cast(array.dtype, dtype, "safe"):
            return array.astype(dtype, copy=False)
        with np.errstate(all="ignore"):
            made = array.astype(dtype)
    except (TypeError, ValueError, OverflowError):
        raise ProgramError(
            f"{field.name} ({field.kind}, {dtype}) cannot be {value!r:.60}"
        ) from None
    same = np.isfinite(made) == np.isfinite(array) if dtype.kind == "f" else made == array
    if np.all(same):
        return made
    wrong = array.ravel()[int(np.argmin(np.ravel(same)))]
    wider = {"f": "float64", "b": "an integer default"}.get(dtype.kind, "a float or wider type")
    hint = f"; declare it with {wider}"
    if field.kind == "control" and np.isfinite(wrong):
        hint += f", as in {field.name} = control({float(wrong)})"
    raise ProgramError(f"{field.name} ({field.kind}, {dtype}) cannot be {wrong}{hint}")


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
    With ``reduce="sum"`` a replicated array is a sum over the workers: in a launch of a phase that
    may write it, every copy begins at zero and takes its worker's contributions; when the launch
    ends, every copy becomes the sum of all, added in the order of the workers. The same around
    ``rebuild``. A phase that reads the sum names the array in ``frozen``.
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
        reduce: str | None = None,
    ) -> None:
        super().__init__(axes, dtype)
        if reduce not in (None, "sum"):
            raise ProgramError(f"reduce={reduce!r} is not 'sum' or None")
        if reduce and not replicated:
            raise ProgramError(
                "reduce='sum' adds up the workers' copies, so the array must be replicated=True"
            )
        self.reduce = reduce
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
        array = super().__get__(instance, owner)
        return array[0].item() if self.scalar else array

    def __set__(self, instance: Any, value: object) -> None:
        if self.name not in instance.state:
            raise ProgramError(
                f"{type(instance).__name__}.{self.name} is a control, which has its place during a "
                f"run only: give its first value as {type(instance).__name__}({self.name}=…)"
            )
        self.fill(instance.state[self.name], value)

    def fill(self, array: np.ndarray, value: Any) -> None:
        """Write a value into the control's array, if it fits."""
        made = exactly(self, value, array.dtype)
        if made.ndim and made.size != array.size:
            raise ProgramError(
                f"{self.name} is a control of shape {np.shape(self.default)} and cannot take a "
                f"value of shape {made.shape}"
            )
        array[...] = made.reshape(array.shape) if made.ndim else made


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
