"""Bind stages to the arrays of a run: lists of arguments, compiled functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numba
import numpy as np
from numba.core.errors import NumbaError

from strads.engine.compiling.argument_types import kind_of, type_of
from strads.engine.compiling.boundscheck import compile_checked
from strads.engine.compiling.compile import CompiledKernel
from strads.engine.compiling.requests import Compilation, KernelRequest, found, request_kernel
from strads.engine.errors import KernelError
from strads.engine.memory.store import Store
from strads.engine.program.phase import Phase
from strads.engine.program.program import Program
from strads.engine.rounds.generated.halves import write_pull, write_push
from strads.engine.rounds.generated.templates import HEAD
from strads.engine.rounds.generated.writer import Stage, write_loop, write_once
from strads.engine.rounds.kernel_errors import described, raised, uncompiled
from strads.engine.rounds.ring import Ring
from strads.kernels.parts import MAX_PARTS

STRIDE = 16  # int64 words between two workers' counters
COUNTS = ".counts"  # array with a row of counts for every stage: see `Rounds`
_stages: dict[Any, Stage] = {}
_compiled: dict[Any, CompiledKernel] = {}


def engine_arrays(workers: int, stages: int) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Shapes and types, by name, of the engine's arrays that all processes of a team share.

    Their names begin with a dot, which the name of a field cannot.
    """
    return {
        ".clocks": ((workers * STRIDE,), np.int64),
        ".wake_workers": ((4 * STRIDE,), np.int64),
        ".published": ((STRIDE,), np.int64),
        ".done": ((workers * STRIDE,), np.int64),
        ".wake_scheduler": ((4 * STRIDE,), np.int64),
        ".promise": ((workers, STRIDE), np.float64),
        ".times": ((workers, STRIDE), np.int64),
        ".parts": ((workers, MAX_PARTS + 1), np.float64),
        COUNTS: ((stages, STRIDE), np.int64),
    }


def costs_of(axis: str) -> str:
    """Name of the array with the cost of every id on an axis."""
    return f".costs@{axis}"


def make_stages(program: Program) -> dict[str, Stage]:
    """Generate every stage of a program: its phases, ``measure`` and ``rebuild``."""
    made = {name: _loop(program, phase) for name, phase in program.all_phases().items()}
    for word in ("measure", "rebuild"):
        if getattr(program, word) is not None:
            made[word] = _remembered(program, word, partial(write_once, program, word))
    return made


def _loop(program: Program, phase: Phase) -> Stage:
    return _phase_stage(program, phase, "loop", write_loop)


def _phase_stage(
    program: Program, phase: Phase, word: str, write: Callable[[Program, Phase], Stage]
) -> Stage:
    key = (
        word, phase.name, phase.push, phase.pull, phase.frozen, phase.depth,
        phase.schedule is None, tuple(phase.where.items()),
    )  # fmt: skip
    made = _remembered(program, key, lambda: write(program, phase))
    return Stage(**{**made.__dict__, "phase": phase})


def make_halves(program: Program, stages: Mapping[str, Stage]) -> dict[str, Stage]:
    """Generate, in place of every loop with rounds, its two halves; keep all other stages.

    The pushes have the name of the phase, and the pulls that of :func:`pull_of`.
    """
    made: dict[str, Stage] = {}
    for name, stage in stages.items():
        phase = stage.phase
        if phase is None or not has_rounds(stage):
            made[name] = stage
            continue
        made[name] = _phase_stage(program, phase, "push", write_push)
        if phase.pull is not None:
            made[pull_of(name)] = _phase_stage(program, phase, "pull", write_pull)
    return made


def has_rounds(stage: Stage) -> bool:
    """Whether the stage of a phase has rounds: it has a schedule or a pull."""
    return stage.buffers > 0


def pull_of(name: str) -> str:
    """Name of the pulls of a phase, where they are a stage of their own."""
    return f"pull of {name}"


def shipped(program: Program) -> bool:
    """Whether all code of a program belongs to this package, so that no user edits it."""
    return all(
        base is object or base.__module__.startswith("strads.") for base in type(program).__mro__
    )


def _remembered(program: Program, key: Any, write: Callable[[], Stage]) -> Stage:
    if not shipped(program):
        return write()
    full = (type(program), key)
    if full not in _stages:
        _stages[full] = write()
    return _stages[full]


@dataclass(frozen=True)
class Call:
    """How to call a stage, in terms that can be sent to a worker process."""

    name: str
    names: tuple[str, ...]  # arrays in the store, in the order of the arguments
    readonly: frozenset[str]  # those that the stage may not write
    buffers: int
    first: str  # the numbers that come before the arrays; empty for measure and rebuild
    program: str  # name of the class, for errors
    kernels: tuple[str, ...]  # described, for errors

    def kernel_error(self, error: Exception, cursor: np.ndarray | None = None) -> KernelError:
        """Return the error that tells of one that a kernel of this stage raised.

        The cursor of the launch tells which kernel was at work; outside of launches there is none.
        """
        return raised(self.name, self.program, self.kernels, cursor, error)


@dataclass
class Bound:
    """A stage bound to the run's arrays, and its request to be compiled for them."""

    program: Program
    stage: Stage
    call: Call
    request: KernelRequest
    key: Any  # of what this process remembers; None for a user's program

    def compiled(self, compilation: Compilation) -> CompiledKernel:
        """Return the compiled stage; the first call may compile it.

        Raises
        ------
        ProgramError
            If a kernel does not compile.
        """
        try:
            kernel = compilation.result(self.request)
        except NumbaError as error:
            raise uncompiled(self.program, self.stage, error) from error
        if self.key is not None:
            _compiled[self.key] = kernel
        return kernel

    @property
    def source(self) -> str:
        """Where the code came from, or ``"unused"`` if it was not needed."""
        return "unused" if self.request.kernel is None else self.request.kernel.source


def call_of(program: Program, stage: Stage) -> Call:
    """Describe a stage's arguments; data, controls, bounds and frozen fields are read-only."""
    bounds = [f".bounds@{axis}" for axis in stage.axes]
    never = {n for n, f in program.fields().items() if not f.mutable}
    readonly = frozenset(never | stage.frozen | set(bounds) | {".rooms"})
    engine = tuple(f".{word}" for word in stage.engine)
    of = type(program).__name__, tuple(map(described, stage.kernels))
    if stage.phase is None:
        names = (*engine, *stage.fields, *bounds)
        return Call(stage.name, names, readonly, stage.buffers, "", *of)
    name = stage.phase.name
    names = (
        *(f"{word}@{name}" if word in Ring.NAMES else word for word in engine),
        *stage.fields,
        *(f"{word}@{name}" for word in stage.outboxes),
        *bounds,
    )
    return Call(name, names, readonly, stage.buffers, stage.first, *of)


def arguments(call: Call, arrays: Mapping[str, Any], cursor: np.ndarray) -> list[Any]:
    """Return the arrays for a call, in the order of its arguments."""
    found = (cursor if name == ".cursor" else arrays[name] for name in call.names)
    return [
        frozen(a) if name in call.readonly else a for name, a in zip(call.names, found, strict=True)
    ]


def frozen(array: Any) -> Any:
    """Return a read-only view of an array, or of the parts of a sparse matrix."""
    if isinstance(array, tuple):
        return type(array)(*(frozen(part) for part in array))
    view = array.view()
    view.flags.writeable = False
    return view


def new_cursor(call: Call) -> np.ndarray:
    """Return the words that say how far one worker has got in a launch, at its beginning."""
    return np.zeros(HEAD + 3 * call.buffers, np.int64)


def bind(
    program: Program, stages: Mapping[str, Stage], store: Store, *, checked: bool = False
) -> dict[str, Bound]:
    """Request every stage for the arrays in the store; those in a compile cache are loaded.

    With `checked`, the code of a user's program checks all indices. The package's own programs are
    not checked: their tests do that, and compiling them with checks takes minutes.

    Raises
    ------
    ProgramError
        If a kernel does not compile.
    """
    ours = shipped(program)
    checked = checked and not ours
    bound: dict[str, Bound] = {}
    for name, stage in stages.items():
        call = call_of(program, stage)
        args = arguments(call, store.arrays, new_cursor(call))
        kinds = (stage.function, *map(kind_of, args))
        key = kinds if ours and None not in kinds else None
        if key in _compiled:
            request = found(_compiled[key])
        elif checked:
            try:
                request = found(compile_checked(stage.function, _signature(call, args)))
            except NumbaError as error:
                raise uncompiled(program, stage, error) from error
        else:
            request = request_kernel(stage.function, _signature(call, args))
        bound[name] = Bound(program, stage, call, request, key)
    return bound


def _signature(call: Call, args: list[Any]) -> tuple[Any, ...]:
    words = call.first.split(", ") if call.first else ["first", "last", "step", "parts"]
    kinds = {"sync": numba.boolean, "parts": numba.float64[:, ::1]}
    return (*(kinds.get(word, numba.int64) for word in words), *map(type_of, args))
