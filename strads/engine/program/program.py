"""Programs: a user declares fields, a schedule and a few small kernels in a class.

    class NNLS(Program):
        A = data("rows", "cols", layout="csc")
        b = data("rows")
        w = variable("cols")
        r = derived("rows")
        delta = outbox("block")
        schedule = Priority("cols", coupling=Correlation("A"))

        @kernel
        def push(block, A, w, r, delta, change): ...
        @kernel
        def pull(block, delta, rows, A, r): ...

A kernel asks for what it needs by the names of its parameters: a declared field, an axis
(this worker's half-open range of it), or one of the words that the engine provides
(:data:`~strads.engine.program.kernels.ENGINE_WORDS`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numba.core import config
from numba.core.dispatcher import Dispatcher

from strads.engine.errors import ProgramError
from strads.engine.fields import Data, Field, Outbox
from strads.engine.partition import Partition
from strads.engine.program.kernels import ENGINE_WORDS, meanings
from strads.engine.program.phase import Phase, resolved
from strads.engine.schedules.base import Schedule


class Program:
    """Base class of all programs; `docs/programs.md` shows how to write one.

    A program may also define the methods ``setup``, ``cycle``, ``recover``, ``progress``,
    ``epoch``, ``save_state`` and ``load_state``.

    Parameters
    ----------
    **given
        Data and initial variables by field name, values of controls, and sizes of axes that no
        given array determines.

    Attributes
    ----------
    schedule, frozen, sequential, depth, look_ahead
        Options of the only phase of a program without ``phases``, see :class:`Phase`.
    phases : mapping of str to Phase
        The phases of a program that has several.
    costs : mapping of str to str
        Axis → name of the field or method that gives the cost of each id.
    measure : kernel, optional
        Runs on every worker after a step; ``progress`` makes figures of what it returns.
    measure_every : int
        Number of steps from one measure to the next.
    members_of : mapping, optional
        For an axis whose ids are members of another axis, such as a working set: that axis, and
        the field with the ids there. Who shows which ids were visited uses it.
    rebuild : kernel, optional
        Computes derived fields anew from data and variables.
    objective_at_start : float, optional
        The objective before any update, which ``setup`` or the first step may set. It is needed
        for ``parallelisation_error``.
    """

    schedule: ClassVar[Schedule | None] = None
    frozen: ClassVar[tuple[str, ...]] = ()
    sequential: ClassVar[bool] = False
    depth: ClassVar[int] = 0
    look_ahead: ClassVar[int | None] = None
    phases: Mapping[str, Phase] = {}
    costs: ClassVar[Mapping[str, str]] = {}
    objective_at_start: float | None = None
    measure: ClassVar[Any] = None
    measure_every: int = 1
    rebuild: ClassVar[Any] = None
    members_of: ClassVar[Mapping[str, tuple[str, str]]] = {}
    _known_fields: ClassVar[dict[str, Field]]
    _known_axes: ClassVar[frozenset[str]]
    _known_data: ClassVar[dict[str, Data]]

    def __init__(self, **given: Any) -> None:
        self._demand_names()
        self.given = given
        self.state: dict[str, Any] = {}
        self.size: dict[str, int] = {}
        self.partitions: dict[str, Partition] = {}
        self.reserve: dict[str, int] = {}
        self.stopped: str | None = None
        self._here: range | None = None  # workers of this process, if others have the rest
        self._tell: Callable[[str, str, tuple[Any, ...]], None] | None = None
        self._grow: Callable[[str, int], None] | None = None
        known = self.fields().keys() | self.axes()
        unknown = sorted(set(given) - known)
        if unknown:
            raise ProgramError(
                f"{type(self).__name__} got {', '.join(unknown)}, which it neither declares "
                f"as a field nor uses as an axis; it knows {', '.join(sorted(known))}"
            )

    def _demand_names(self) -> None:
        """Refuse fields and axes whose names have another meaning already."""
        fields, axes = self.fields().keys(), self.axes()
        meanings = (
            (set(ENGINE_WORDS) & (fields | axes), "a kernel gets from the engine under that name"),
            (fields & _RESERVED, "Program needs for itself"),
            (fields & axes, "is an axis, too: a kernel that asks for it could mean either"),
        )
        for taken, meaning in meanings:
            if taken:
                raise ProgramError(
                    f"{type(self).__name__} declares {', '.join(sorted(taken))}, which {meaning}; "
                    "choose another name"
                )

    # -- what the class declares ---------------------------------------------------------------

    @classmethod
    def fields(cls) -> dict[str, Field]:
        """Return the declared fields in the order of declaration, those of base classes first."""
        known: dict[str, Field] | None = vars(cls).get("_known_fields")
        if known is None:  # a run asks a hundred times, and the class does not change any more
            known = cls._known_fields = cls._collected()
        return known.copy()

    @classmethod
    def _collected(cls) -> dict[str, Field]:
        found: dict[str, Field] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, Field):
                    found[name] = value
                elif name in found:
                    del found[name]
        return found

    @classmethod
    def axes(cls) -> set[str]:
        """Return the names of all axes that fields use."""
        known: frozenset[str] | None = vars(cls).get("_known_axes")
        if known is None:
            known = cls._known_axes = frozenset(
                axis
                for field in cls.fields().values()
                if not isinstance(field, Outbox)
                for axis in field.axes
            )
        return set(known)

    def all_phases(self) -> dict[str, Phase]:
        """Return all phases by name, checked, with their kernels in place of names.

        A program without ``phases`` has one phase, ``"main"``, made of the program's attributes.
        """
        if self.phases:
            named = {n: replace(p, name=n) for n, p in self.phases.items()}
        else:
            named = {
                "main": Phase(
                    pull="pull" if getattr(self, "pull", None) is not None else None,
                    schedule=self.schedule,
                    frozen=tuple(self.frozen),
                    sequential=self.sequential,
                    depth=self.depth,
                    look_ahead=self.look_ahead,
                    name="main",
                )
            }
        return {n: resolved(p, self) for n, p in named.items()}

    def demand_kernel(self, function: Any, what: str) -> None:
        """Refuse a function that is not a kernel; `what` says in the message what it is for."""
        if isinstance(function, Dispatcher):
            return
        if not callable(function):
            raise ProgramError(f"{what} of {type(self).__name__} is {function!r:.60}, not a kernel")
        if not config.DISABLE_JIT:  # type: ignore[attr-defined]
            code = getattr(function, "__code__", None)
            place = f", {code.co_filename}, line {code.co_firstlineno}," if code else ""
            raise ProgramError(
                f"{what} of {type(self).__name__}{place} is a plain function; put @kernel above it"
            )

    def check_words(
        self, function: Any, place: str, missing: Mapping[str, str],
        where: Mapping[str, str] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """Refuse a kernel that asks for a word that does not exist, or not in its place.

        Parameters
        ----------
        function : kernel
        place : str
            Name of the place in the error message.
        missing : mapping of str to str
            Engine words that do not exist in that place, and why; ``"outbox"`` stands for every
            field that is an outbox.
        where : mapping of str to str, optional
            What parameters stand for, see :class:`Phase`.
        """
        fields = self.fields()
        known = fields.keys() | self.axes() | set(ENGINE_WORDS)
        name = f"kernel {getattr(function, '__name__', 'kernel')!r} of {type(self).__name__}"
        for asked, word in meanings(function, where).items():
            if word == "self":
                raise ProgramError(f"{name} asks for self; kernels ask for fields, by their names")
            if word not in known:
                raise ProgramError(
                    f"{name} asks for {word!r}"
                    + (f" (as {asked!r})" if asked != word else "")
                    + ", which is neither a declared field, an axis "
                    f"({', '.join(sorted(self.axes()))}) nor one of {', '.join(ENGINE_WORDS)}"
                )
            kind = "outbox" if isinstance(fields.get(word), Outbox) else word
            if kind in missing:
                raise ProgramError(f"{name} asks for {word!r} in {place}: {missing[kind]}")

    # -- what a program may override -----------------------------------------------------------

    def setup(self, rng: np.random.Generator) -> None:
        """Fill arrays that were not given; the leader calls this once, before the first round."""

    def cycle(self) -> Iterator[str | tuple[str, int]]:
        """Yield the phases of one epoch in order; ``(name, k)`` stands for k epochs of a phase."""
        yield from self.all_phases()

    #: A method that returns or yields phases to run before a step begins again, after a process has
    #: died within it. Variables then hold what has been written of the step, controls and
    #: attributes what ``cycle`` has set, derived arrays and scratch anything. When these phases
    #: have run, ``cycle`` is called again. ``"rebuild"`` stands for that kernel. A program without
    #: ``recover`` has ``rebuild`` run; one with neither is copied before each step.
    recover: ClassVar[Any] = None

    #: A method ``load_elsewhere(arrays, workers)`` of a program whose variables are laid out for
    #: the number of workers: it fills them from those of a run that had so many.
    load_elsewhere: ClassVar[Any] = None

    if TYPE_CHECKING:
        # Programs define progress(self, parts), or progress(self) where nothing is measured.
        progress: Callable[..., Mapping[str, float]]
    else:

        def progress(self, parts: np.ndarray) -> dict[str, float]:
            """Return figures by name, computed in the leader after a measure.

            `parts` has what ``measure`` returned: one entry (or row) per worker, in order. A
            program without ``measure`` may define ``progress(self)``.
            """
            return {}

    def epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        """Act after an epoch, in the leader: change controls, stop, grow an axis, tell a policy."""

    def save_state(self) -> dict[str, Any]:
        """Return what a checkpoint must keep besides fields: attributes that change in a run.

        Values may be None, numbers, text, arrays, and dicts, lists and tuples of these.
        """
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`save_state` returned, in a new instance with its fields restored."""

    # -- what a program may call ---------------------------------------------------------------

    def stop(self, reason: str = "converged") -> None:
        """End the run after this epoch."""
        self.stopped = reason

    def tell(self, phase: str, message: str, *content: Any) -> None:
        """Call the method `message` of a phase's policy, at once."""
        if self._tell is None:
            raise ProgramError("tell() works only during a run")
        self._tell(phase, message, content)

    def own_ids(self, axis: str) -> slice:
        """Return the ids of which this process needs the entries of local fields.

        On one machine these are all ids. On ranks of MPI they are those of the rank's workers:
        ``setup`` may leave the entries of other ids of a local field as they are.
        """
        bounds, here = self.partitions[axis].bounds, self._here
        if here is None:
            return slice(0, int(bounds[-1]))
        return slice(int(bounds[here.start]), int(bounds[here.stop]))

    def grow(self, axis: str, size: int) -> None:
        """Change the size of an axis: arrays keep their contents, and a new partition is cut."""
        if self._grow is None:
            raise ProgramError("grow() works only during a run")
        self._grow(axis, size)


#: Names that a program must not declare: they are attributes of Program or of its instances.
_RESERVED: Final = frozenset(vars(Program)) | {
    "_known_axes", "_known_data", "_known_fields",
    "given", "partitions", "reserve", "size", "state", "stopped",
}  # fmt: skip


def data_fields(program: type[Program] | Program) -> dict[str, Data]:
    """Return the data fields of a program."""
    cls = program if isinstance(program, type) else type(program)
    known: dict[str, Data] | None = vars(cls).get("_known_data")
    if known is None:
        known = cls._known_data = {n: f for n, f in cls.fields().items() if isinstance(f, Data)}
    return known.copy()


def demand_program(program: Any) -> None:
    """Refuse anything that is not an instance of a program, such as the class itself."""
    if isinstance(program, Program):
        return
    if isinstance(program, type) and issubclass(program, Program):
        name = program.__name__
        data = ", ".join(f"{n}=…" for n, f in program.fields().items() if isinstance(f, Data))
        raise ProgramError(
            f"a run needs an instance of {name}, not the class: run({name}({data}), …)"
        )
    raise ProgramError(f"a run needs a Program, not {program!r:.60}")
