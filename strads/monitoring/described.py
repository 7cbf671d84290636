"""What events say of a run: its data, its phases, and visits of the members of an axis."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from strads.engine import Run, Schedule

#: The digest of an array covers so many blocks of so many entries, at equal distances.
BLOCKS, BLOCK = 64, 512
#: Parts of an axis whose ids are counted one by one.
PARTS = 256


def of_members(run: Run, axis: str, counts: np.ndarray) -> tuple[str, int, np.ndarray]:
    """Return counts of members as counts of the axis that they are members of."""
    whole, field = run.program.members_of[axis]
    size = run.program.size[whole]
    members = run.program.state[field][: len(counts)]
    order = run.program.partitions[whole].order
    ids = members if order is None else order[members]
    parts = min(PARTS, size)
    place = ids.astype(np.int64) * parts // size
    return whole, size, np.bincount(place, counts[: len(place)], parts).astype(np.int64)


def described_data(run: Run) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name, shape, type and digest of the data of a program, as they are laid out.

    Of what other ranks of MPI hold a part of, the shape alone is told.
    """
    for name, field in run.program.fields().items():
        if field.kind != "data":
            continue
        shape = [run.program.size[axis] for axis in field.axes]
        if field.local and run.program.own_ids(field.axes[0]) != slice(0, shape[0]):
            yield name, {"shape": shape}  # other ranks hold the rest
            continue
        parts = [np.asarray(part) for part in _parts(run.program.state[name])]
        digest = hashlib.blake2b(digest_size=12)
        for part in parts:
            digest.update(f"{part.dtype.str} {part.shape} ".encode())
            flat = part.reshape(-1, order="A") if part.flags.forc else part.ravel()
            apart = max(1, -(-len(flat) // BLOCKS))
            for begin in range(0, len(flat), max(apart, BLOCK)):
                digest.update(np.ascontiguousarray(flat[begin : begin + BLOCK]).view(np.uint8).data)
        told = {"shape": shape, "dtype": str(parts[0].dtype), "entries": int(parts[0].size)}
        yield name, {**told, "digest": digest.hexdigest()}


def _parts(value: Any) -> tuple[Any, ...]:
    """Return the arrays of a sparse matrix, or the array itself."""
    if hasattr(value, "indptr"):
        return value.data, value.indices, value.indptr
    return (value,)


def described_phases(run: Run) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name of every phase, with its axis, its schedule and the settings of that."""
    for name, stage in run.executor.stages.items():
        if stage.phase is not None:
            schedule = stage.phase.schedule
            told = {"axis": None, "schedule": None} if schedule is None else _settings(schedule)
            yield name, {**told, "depth": stage.phase.depth}


def _settings(schedule: Schedule) -> dict[str, Any]:
    """Return the kind of a schedule, and those of its settings that are numbers or words."""
    told: dict[str, Any] = {"axis": schedule.axis, "schedule": type(schedule).__name__}
    for field in dataclasses.fields(schedule):
        value = getattr(schedule, field.name)
        if value is None or isinstance(value, bool | int | float | str):
            told[field.name] = value
        elif field.name == "coupling":
            told[field.name] = type(value).__name__
    return told
