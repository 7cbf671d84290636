"""Bind stages to arrays: argument lists, compiled entries, rings; shared by both executors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numba
import numpy as np
from numba.core.errors import NumbaError

from strads.engine.compiling.boundscheck import compile_checked
from strads.engine.compiling.compile import CompiledKernel, compile_kernel
from strads.engine.errors import ProgramError
from strads.engine.failures import blamed
from strads.engine.memory.needs import check_memory
from strads.engine.memory.store import Store
from strads.engine.program.phase import Phase
from strads.engine.program.program import Program
from strads.engine.rounds.fuse import ENGINE_ARRAYS, PIPE_HEAD, Stage, write_loop, write_once
from strads.engine.rounds.kernel_errors import described, uncompiled
from strads.engine.rounds.rounds import Ring, culprit
from strads.engine.schedules.base import Schedule, World
from strads.kernels.parts import MAX_PARTS

STRIDE = 16  # int64 words between two workers' counters
_stages: dict[Any, Stage] = {}
_compiled: dict[Any, CompiledKernel] = {}


def engine_arrays(workers: int) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Shapes of the words that leader, scheduler and workers share.

    The engine's own arrays have names that begin with a dot: no field of a program can have one.
    """
    return {
        ".clocks": ((workers * STRIDE,), np.int64),
        ".bell": ((4 * STRIDE,), np.int64),
        ".published": ((STRIDE,), np.int64),
        ".done": ((workers * STRIDE,), np.int64),
        ".chime": ((4 * STRIDE,), np.int64),
        ".promise": ((workers, STRIDE), np.float64),
        ".times": ((workers, STRIDE), np.int64),
        ".parts": ((workers, MAX_PARTS + 1), np.float64),
    }


def costs_of(axis: str) -> str:
    """Name of the array with the costs of an axis's ids."""
    return f".costs@{axis}"


def make_stages(program: Program) -> dict[str, Stage]:
    """Generate every stage of a program: its phases, ``measure`` and ``rebuild``."""
    made = {name: _loop(program, phase) for name, phase in program.all_phases().items()}
    for word in ("measure", "rebuild"):
        if getattr(program, word) is not None:
            made[word] = _remembered(program, word, partial(write_once, program, word))
    return made


def _loop(program: Program, phase: Phase) -> Stage:
    key = (phase.name, phase.push, phase.pull, phase.frozen, phase.depth, phase.schedule is None)
    made = _remembered(program, key, lambda: write_loop(program, phase))
    return Stage(**{**made.__dict__, "phase": phase})


def _shipped(program: Program) -> bool:
    """Whether all code of a program is ours, hence cannot be edited while we run."""
    return all(
        base is object or base.__module__.startswith("strads.") for base in type(program).__mro__
    )


def _remembered(program: Program, key: Any, write: Callable[[], Stage]) -> Stage:
    if not _shipped(program):
        return write()
    full = (type(program), key)
    if full not in _stages:
        _stages[full] = write()
    return _stages[full]


def new_rings(
    program: Program,
    stages: Mapping[str, Stage],
    store: Store,
    worlds: Mapping[str, Sequence[World]],
) -> None:
    """Add the rings and outboxes of every phase to the store, under ``name@phase``.

    Leases of the phase's schedule fit in any of its `worlds`.
    """
    shapes: dict[str, tuple[str, tuple[int, ...], Any]] = {}
    needs: dict[str, int] = {}
    for name, stage in stages.items():
        phase = stage.phase
        if phase is None:
            continue
        shapes |= _shapes(program, stage, worlds.get(name, ()))
        if phase.schedule is not None:
            blame = culprit(phase.schedule, name)
            with blamed(blame):
                needs[blame] = phase.schedule.nbytes(worlds[name][0])
    for word, (_, shape, dtype) in shapes.items():
        needs[word] = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    check_memory(needs)
    for word, (kind, shape, dtype) in shapes.items():
        # Rows of a ring have room for the longest lease; what short ones leave is never touched.
        store.new(word, kind, shape, dtype, zero=not word.startswith((".ids@", ".change@")))
    for name, stage in stages.items():
        if stage.phase is not None and stage.phase.schedule is None:
            info = store.arrays[f".info@{name}"]
            info[0, 0], info[0, 2], info[0, 3] = 1, 1, 1


def _shapes(
    program: Program, stage: Stage, worlds: Sequence[World]
) -> dict[str, tuple[str, tuple[int, ...], Any]]:
    """Kinds, shapes and types of a phase's ring and outboxes."""
    phase, fields = stage.phase, program.fields()
    assert phase is not None
    workers = next(iter(program.partitions.values())).workers
    slots, room, micro = 1, 0, 1
    if phase.schedule is not None:
        slots = max(phase.look_ahead, phase.depth) + 2
        with blamed(culprit(phase.schedule, phase.name)):
            room = max(phase.schedule.capacity(world) for world in worlds)
            micro = max(phase.schedule.micro_max(world) for world in worlds)
    found: dict[str, tuple[str, tuple[int, ...], Any]] = {
        f"{word}@{phase.name}": ("engine", shape, dtype)
        for word, (shape, dtype) in Ring.shapes(slots, workers, room, micro).items()
    }
    room = found[f".ids@{phase.name}"][1][2]
    for word in stage.outboxes:
        width = getattr(fields[word], "width", 0)
        shape = (stage.buffers, workers, room) + ((width,) if width else ())
        found[f"{word}@{phase.name}"] = ("outbox", shape, fields[word].dtype)
    return found


def demand_room(store: Store, name: str, schedule: Schedule, world: World) -> None:
    """Refuse a schedule whose leases do not fit the ring of its phase: kernels do not look."""
    blame = culprit(schedule, name)
    with blamed(blame):
        ids, micro = schedule.capacity(world), schedule.micro_max(world)
    room = store.arrays[f".ids@{name}"].shape[2]
    most = store.arrays[f".cuts@{name}"].shape[2] - 1
    if ids > room or micro > most:
        raise ProgramError(
            f"{blame} asks for leases of {ids} ids a worker and {micro} micro-rounds; the run has "
            f"begun with room for {room} and {most}. Begin with the schedule that needs most, or "
            f"set self.reserve = {{{schedule.axis!r}: …}} to as many ids as the axis may get"
        )


@dataclass(frozen=True)
class Call:
    """How to call a stage: what a worker process needs to know of it."""

    name: str
    names: tuple[str, ...]  # arrays in the store, in the order of the arguments
    readonly: frozenset[str]
    buffers: int
    looped: bool
    program: str  # and kernels, for errors
    kernels: tuple[str, ...]


@dataclass
class Bound:
    """A stage, compiled for the run's arrays."""

    stage: Stage
    call: Call
    compiled: CompiledKernel


def call_of(program: Program, stage: Stage) -> Call:
    """Describe a stage's arguments; data, controls, bounds and frozen fields are read-only."""
    bounds = [f".bounds@{axis}" for axis in stage.axes]
    never = {n for n, f in program.fields().items() if not f.mutable}
    readonly = frozenset(never | stage.frozen | set(bounds) | {".rooms"})
    of = type(program).__name__, tuple(map(described, stage.kernels))
    if stage.phase is None:
        names = (".rooms", *stage.fields, *bounds)
        return Call(stage.name, names, readonly, stage.buffers, False, *of)
    name = stage.phase.name
    engine = (f".{word}" for word in ENGINE_ARRAYS)
    names = (
        *(f"{word}@{name}" if word in Ring.NAMES else word for word in engine),
        *stage.fields,
        *(f"{word}@{name}" for word in stage.outboxes),
        *bounds,
    )
    return Call(name, names, readonly, stage.buffers, True, *of)


def arguments(call: Call, arrays: Mapping[str, Any], pipe: np.ndarray) -> list[Any]:
    """Arrays for a call, in order."""
    found = (pipe if name == ".pipe" else arrays[name] for name in call.names)
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


def new_pipe(call: Call) -> np.ndarray:
    """One worker's place in a launch."""
    return np.zeros(PIPE_HEAD + 3 * call.buffers, np.int64)


def bind(
    program: Program, stages: Mapping[str, Stage], store: Store, *, checked: bool = False
) -> dict[str, Bound]:
    """Compile, or load, every stage for the arrays in the store.

    ``checked`` asks for code that checks all indices of a user's program: ours has its own tests,
    and takes minutes to compile.
    """
    checked = checked and not _shipped(program)
    compiler = compile_checked if checked else compile_kernel
    bound: dict[str, Bound] = {}
    for name, stage in stages.items():
        call = call_of(program, stage)
        signature = _signature(call, arguments(call, store.arrays, new_pipe(call)))
        key = (stage.function, signature, checked)
        compiled = _compiled.get(key) if _shipped(program) else None
        if compiled is None:
            try:
                compiled = compiler(stage.function, signature)
            except NumbaError as error:
                raise uncompiled(program, stage, error) from error
            if _shipped(program):
                _compiled[key] = compiled
        bound[name] = Bound(stage, call, compiled)
    return bound


def _signature(call: Call, args: list[Any]) -> tuple[Any, ...]:
    integer, boolean = numba.int64, numba.boolean
    head: list[Any] = [integer] * 3
    head += [boolean, integer, integer] if call.looped else [numba.float64[:, ::1]]
    return (*head, *(numba.typeof(a) for a in args))
