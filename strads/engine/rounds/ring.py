"""The ring of a phase: slots for its leases, in memory that scheduler and workers share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.failures import blamed
from strads.engine.memory.needs import check_memory
from strads.engine.memory.store import Store
from strads.engine.program.program import Program
from strads.engine.rounds.generated.writer import Stage
from strads.engine.schedules.base import Schedule, World
from strads.engine.schedules.lease import LAST, N_MICRO, NO_GAIN, SWEEPS, Lease
from strads.kernels.driving.slots import Slots

#: Kind, shape and type of an array in the store.
Declared = tuple[str, tuple[int, ...], Any]


class Ring:
    """Slots for the leases of one phase; round t uses slot t modulo their number.

    Parameters
    ----------
    ids, change : ndarray of shape (slots, workers, capacity)
        Leased ids, and the change of each that its push reports.
    gain : ndarray of shape (slots, workers, capacity), optional
        The gain of each that its push reports.
    cuts : ndarray of shape (slots, workers, micro + 1)
        Where each micro-round of a worker begins in its row of `ids`, and where the last one ends.
    info : ndarray of shape (slots, 8)
        One word for each constant of :mod:`strads.engine.schedules.lease`.
    """

    NAMES = (".ids", ".cuts", ".change", ".info", ".gain")
    #: Those with a row as long as the longest possible lease. They are not zeroed, so that what
    #: shorter leases leave unused is never touched and takes no memory. The changes and gains of
    #: the leased ids are cleared in every round.
    LONG = (".ids", ".change", ".gain")

    def __init__(
        self, ids: np.ndarray, cuts: np.ndarray, change: np.ndarray, info: np.ndarray,
        gain: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        empty = np.empty((0, 0, 0))
        #: The same arrays as the compiled loop gets them.
        self.whole = Slots(ids, cuts, change, empty if gain is None else gain, info)
        self.slots = [
            Lease(
                ids=ids[s], change=change[s], cuts=cuts[s], info=info[s],
                gain=NO_GAIN if gain is None else gain[s],
            )
            for s in range(ids.shape[0])
        ]  # fmt: skip

    @staticmethod
    def of(arrays: Mapping[str, Any], phase: str) -> Ring:
        """Return the ring of a phase, from the arrays of a run; not every ring has gains."""
        ids, cuts, change, info = (arrays[f"{word}@{phase}"] for word in Ring.NAMES[:4])
        return Ring(ids, cuts, change, info, arrays.get(f".gain@{phase}"))

    @staticmethod
    def shapes(
        slots: int, workers: int, capacity: int, micro: int, *, gain: bool = False
    ) -> dict[str, tuple[tuple[int, ...], Any]]:
        """Shapes and types of a ring's arrays by name; rows are padded to whole cache lines."""
        padded = max(16, -(-capacity // 16) * 16)
        gains = {".gain": ((slots, workers, padded), np.float64)}
        return {
            ".ids": ((slots, workers, padded), np.int64),
            ".cuts": ((slots, workers, micro + 1), np.int64),
            ".change": ((slots, workers, padded), np.float64),
            ".info": ((slots, 8), np.int64),
            **(gains if gain else {}),
        }


def new_rings(
    program: Program,
    stages: Mapping[str, Stage],
    store: Store,
    worlds: Mapping[str, Sequence[World]],
) -> None:
    """Add the ring and the outboxes of every phase to the store, under ``name@phase``.

    Parameters
    ----------
    program : Program
    stages : mapping of str to Stage
    store : Store
    worlds : mapping of phase to sequence of World
        For every phase with a schedule, the worlds whose leases must fit its ring.

    Raises
    ------
    InsufficientMemory
        If rings, outboxes and policies together need more memory than is free.
    """
    declared: dict[str, Declared] = {}
    needs: dict[str, int] = {}
    for name, stage in stages.items():
        phase = stage.phase
        if phase is None:
            continue
        added = _declared(program, stage, worlds.get(name, ()))
        for word, (_, shape, dtype) in added.items():
            if not _untouched(stage, word):
                needs[word] = math.prod(shape) * np.dtype(dtype).itemsize
        declared |= added
        if phase.schedule is not None:
            blame = culprit(phase.schedule, name)
            with blamed(blame):
                needs[blame] = phase.schedule.nbytes(worlds[name][0])
    check_memory(needs)
    for word, (kind, shape, dtype) in declared.items():
        store.new(word, kind, shape, dtype, zero=word.partition("@")[0] not in Ring.LONG)
    for name, stage in stages.items():
        if stage.phase is not None and stage.phase.schedule is None:
            # One empty lease, used in every epoch: kernels run once, on no ids.
            info = store.arrays[f".info@{name}"]
            info[0, N_MICRO], info[0, LAST], info[0, SWEEPS] = 1, 1, 1


def _declared(program: Program, stage: Stage, worlds: Sequence[World]) -> dict[str, Declared]:
    """Declare the arrays of a phase's ring and its outboxes, by their names in the store."""
    phase = stage.phase
    assert phase is not None
    workers = next(iter(program.partitions.values())).workers
    slots, capacity, micro = 1, 0, 1
    if phase.schedule is not None:
        slots = phase.lag(workers) + 2
        with blamed(culprit(phase.schedule, phase.name)):
            capacity = max(phase.schedule.capacity(world) for world in worlds)
            micro = max(phase.schedule.micro_max(world) for world in worlds)
    shapes = Ring.shapes(slots, workers, capacity, micro, gain="gain" in stage.engine)
    found: dict[str, Declared] = {
        f"{word}@{phase.name}": ("engine", shape, dtype) for word, (shape, dtype) in shapes.items()
    }
    if "ids" not in stage.engine:  # it has no rounds and so no outboxes, only a random key
        return {name: array for name, array in found.items() if name.startswith(".info")}
    padded = found[f".ids@{phase.name}"][1][2]
    for word in stage.outboxes:
        shape = (stage.buffers, workers, padded, *_row(program, word))
        found[f"{word}@{phase.name}"] = ("outbox", shape, program.fields()[word].dtype)
    return found


def _untouched(stage: Stage, word: str) -> bool:
    """Whether next to nothing of an array is ever written: it takes no memory then."""
    assert stage.phase is not None
    name = word.partition("@")[0]
    return stage.phase.spans and (
        name == ".ids" or (name == ".change" and "change" not in stage.engine)
    )


def _row(program: Program, outbox: str) -> tuple[int, ...]:
    """Return the shape of an entry of an outbox.

    Raises
    ------
    ProgramError
        If its width is the name of no axis.
    """
    width = getattr(program.fields()[outbox], "width", 0)
    if not isinstance(width, str):
        return (width,) if width else ()
    if width not in program.size:
        raise ProgramError(
            f"outbox {outbox!r} has width={width!r}, which is none of the axes: "
            f"{', '.join(map(repr, program.size))}"
        )
    return (program.size[width],)


def demand_fits(store: Store, name: str, schedule: Schedule, world: World) -> None:
    """Check that the leases of a schedule fit the ring of its phase, since kernels do not.

    Raises
    ------
    ProgramError
        If a lease may have more ids a worker, or more micro-rounds, than a slot holds.
    """
    blame = culprit(schedule, name)
    with blamed(blame):
        ids, micro = schedule.capacity(world), schedule.micro_least(world)
    capacity = store.arrays[f".ids@{name}"].shape[2]
    most = store.arrays[f".cuts@{name}"].shape[2] - 1
    if ids > capacity or micro > most:
        raise ProgramError(
            f"{blame} asks for leases of {ids} ids a worker and {micro} micro-rounds, but the run "
            f"began with leases of at most {capacity} ids and {most} micro-rounds. Begin with the "
            f"schedule that needs most, or set self.reserve = {{{schedule.axis!r}: …}} to the "
            "largest size that the axis may get"
        )


def culprit(schedule: Schedule, phase: str) -> str:
    """Name a schedule and its phase, as errors do."""
    return f"schedule {type(schedule).__name__} of phase {phase!r}"
