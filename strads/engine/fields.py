"""Fields that a program declares: data, variables, derived arrays, controls, outboxes, scratch.

A field is a class attribute of a :class:`~strads.Program`. On an instance the attribute gives the
field's array or value during a run; only controls can be assigned to.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike

from strads.engine.errors import ProgramError

LAYOUTS: Final = ("csc", "csr")


class Field:
    """A declared array or value; its name is that of the class attribute.

    Parameters
    ----------
    axes : tuple of str
        Axis of every dimension. The partition of the first one says which worker holds an entry.
    dtype : dtype-like, optional
        Type of the entries. Only data may have None: they keep the type that the user gives.
    """

    kind = "field"
    mutable = False

    def __init__(self, axes: tuple[str, ...] = (), dtype: DTypeLike | None = None) -> None:
        self.name = ""
        self.axes = axes
        self.dtype = None if dtype is None else np.dtype(dtype)
        self.replicated = False
        self.private = False
        self.local = False
        self.returned = True
        self.reduce: str | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        try:
            return instance.state[self.name]
        except KeyError:
            raise ProgramError(
                f"{type(instance).__name__}.{self.name} is a declared {self.kind}, which has an "
                "array during a run only; the results of a run are in result.state"
            ) from None

    def __set__(self, instance: Any, value: object) -> None:
        raise ProgramError(
            f"{type(instance).__name__}.{self.name} is a declared {self.kind}; "
            f"write into it (self.state[{self.name!r}][:] = …) instead of replacing it"
        )


def exactly(field: Field, value: Any, dtype: np.dtype[Any]) -> np.ndarray:
    """Convert a value to an array of a field's type; only floats may be rounded.

    Raises
    ------
    ProgramError
        If the type cannot hold the value: a fraction among integers, a number beyond the range of
        the type, or text.
    """
    try:
        array = value if isinstance(value, np.ndarray) else np.asarray(value)  # keep memory maps
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
    """Read-only input, shared by all workers.

    Parameters
    ----------
    *axes : str
        Axis of every dimension.
    layout : "csc" or "csr", optional
        Of a matrix that may be sparse.
    dtype : dtype-like, optional
        By default the type of what is given.
    local : bool
        Promise that kernels read only entries of the worker's own range of the first axis. Of such
        an array that ``setup`` fills, a rank of MPI then holds its own part alone. What is given is
        used where it is in any case.
    """

    kind = "data"

    def __init__(
        self, *axes: str, layout: str | None = None, dtype: DTypeLike | None = None,
        local: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(axes, dtype)
        self.local = local
        if local and layout is not None:
            raise ProgramError(
                f"layout={layout!r} with local=True: give such a matrix as a map of its files, of "
                "which a rank reads what its workers touch anyway"
            )
        if layout is not None and (layout not in LAYOUTS or len(axes) != 2):
            raise ProgramError(
                f"layout={layout!r} with axes {axes}: a layout is one of {LAYOUTS} "
                "and goes with exactly two axes"
            )
        self.layout = layout


class Variable(Field):
    """A part of the model: checkpoints save it and the result returns it.

    Parameters
    ----------
    *axes : str
        Axis of every dimension.
    dtype : dtype-like
    private : bool
        Promise that only the holder reads an entry: see :class:`Derived`.
    local : bool
        Promise that in every phase and in ``measure`` a worker touches only entries of its own
        range of the first axis: see :class:`Derived`.
    """

    kind = "variable"
    mutable = True

    def __init__(
        self, *axes: str, dtype: DTypeLike = np.float64, private: bool = False, local: bool = False
    ) -> None:
        super().__init__(axes, dtype)
        self.private, self.local = private or local, local


class Derived(Field):
    """An array that follows from data and variables (a residual, counts, rows of a Gram matrix).

    Parameters
    ----------
    *axes : str
        Axis of every dimension.
    dtype : dtype-like
    replicated : bool
        Whether every worker has a copy. Otherwise there is one array, and only the holder of id `i`
        of the first axis writes entry `i`.
    private : bool
        Promise that only the holder reads an entry, too. It saves one synchronisation of the
        workers per micro-round.
    local : bool
        Promise that, beyond that, a worker touches only entries of its own range in every phase,
        those without rounds included, and in ``measure``. Only ``rebuild`` may read all entries, of
        local variables. A run with ``check=True`` finds kernels that break it. A rank of MPI then
        holds the entries of its own workers. The leader's part still reads and writes whole arrays,
        which the ranks gather for it; it must ask for the array anew after every phase.
    returned : bool
        Whether the result contains the array; False saves a copy. Checkpoints keep it all the same.
    reduce : "sum", optional
        Makes a replicated array a sum over the workers. In a launch of a phase that may write the
        array, every copy begins at zero and receives the contributions of its worker. When the
        launch ends, every copy becomes the sum of all copies, added in the order of the workers.
        ``rebuild`` treats it in the same way. A phase that reads the sum names it in ``frozen``.
    """

    kind = "derived"
    mutable = True

    def __init__(
        self,
        *axes: str,
        dtype: DTypeLike = np.float64,
        replicated: bool = False,
        private: bool = False,
        local: bool = False,
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
        if local and replicated:
            raise ProgramError(
                "local=True is about one array of all workers, replicated=True about a copy for "
                "each: choose one"
            )
        self.reduce = reduce
        self.replicated = replicated
        self.private, self.local = private or local, local
        self.returned = returned


class Scratch(Derived):
    """Work space, one copy per worker: never saved, and its contents do not outlast a round."""

    kind = "scratch"

    def __init__(self, *axes: str, dtype: DTypeLike = np.float64) -> None:
        super().__init__(*axes, dtype=dtype, replicated=True, returned=False)


class Control(Field):
    """A small value that the leader sets and kernels read (a step size, a temperature)."""

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
        return array.item(0) if self.scalar else array

    def __set__(self, instance: Any, value: object) -> None:
        if self.name not in instance.state:
            raise ProgramError(
                f"{type(instance).__name__}.{self.name} is a control, which can be set during a "
                f"run only: give its first value as {type(instance).__name__}({self.name}=…)"
            )
        self.fill(instance.state[self.name], value)

    def fill(self, array: np.ndarray, value: Any) -> None:
        """Write a value into the control's array; raise ProgramError if it does not fit."""
        if type(value) is float and self.scalar and array.dtype == np.float64:
            array[0] = value  # the most frequent case, for which the rest takes ten times as long
            return
        made = exactly(self, value, array.dtype)
        if made.ndim and made.size != array.size:
            raise ProgramError(
                f"{self.name} is a control of shape {np.shape(self.default)} and cannot take a "
                f"value of shape {made.shape}"
            )
        array[...] = made.reshape(array.shape) if made.ndim else made


class Outbox(Field):
    """An array that a push fills and every worker's pull reads: one entry per id of the block.

    With a `width`, a number or the name of an axis that keeps its size, an entry is a row.
    """

    kind = "outbox"
    mutable = True

    def __init__(
        self, axis: str = "block", dtype: DTypeLike = np.float64, width: int | str = 0
    ) -> None:
        if axis != "block":
            raise ProgramError(f"an outbox is aligned with the block, not with axis {axis!r}")
        super().__init__((axis,), dtype)
        self.width = width


# Lower-case names, so that a declaration reads ``w = variable("features")``.
data = Data
variable = Variable
derived = Derived
scratch = Scratch
control = Control
outbox = Outbox
