"""Resume from the checkpoint of a run that had another number of workers.

Variables, controls, attributes and the history are those of the checkpoint. Derived arrays,
replicas and policies depend on the workers, so they begin anew, as after the death of a process:
the result is as good as that of the undisturbed run, and has other bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.program.kept import kept, used, way_back
from strads.engine.program.program import Program
from strads.engine.rounds.executor import Executor
from strads.engine.run.recovery import rebuild

WORKERS = "the number of workers"
#: Beginnings of words of a description: cuts of axes follow from the number of workers, and so may
#: parameters of schedules.
_AXIS, _SCHEDULE = "axis ", "the schedule "


def has_other_workers(here: Mapping[str, str], there: Mapping[str, str]) -> bool:
    """Whether two descriptions of a program are of other numbers of workers."""
    return here.get(WORKERS) != there.get(WORKERS)


def without_workers(described: Mapping[str, str]) -> dict[str, str]:
    """Return what of a description has nothing to do with the number of workers."""
    return {
        word: value.partition("(")[0] if word.startswith(_SCHEDULE) else value
        for word, value in described.items()
        if word != WORKERS and not word.startswith(_AXIS)
    }


def orders(program: Program) -> dict[str, np.ndarray]:
    """Return the orders of the axes that are not in the user's order."""
    cuts = program.partitions.items()
    return {axis: cut.order for axis, cut in cuts if cut.order is not None}


def restore(
    content: Mapping[str, Any], array: Callable[[str], np.ndarray], executor: Executor, path: Path
) -> None:
    """Restore what does not depend on the workers, and have the program compute the rest.

    Parameters
    ----------
    content : mapping
        The tree of the checkpoint.
    array : callable
        Returns a field's array by name.
    executor : Executor
    path : Path
        For messages.

    Raises
    ------
    ProgramError
        If the program cannot compute the rest, or if its variables depend on the workers.
    """
    program = executor.program
    fields, way = kept(program), way_back(program)
    if way == "snapshot" and any(field.kind == "derived" for field in fields.values()):
        raise ProgramError(
            f"{path} is of {content['described'][WORKERS]} workers, and {executor.workers} are "
            f"here: {type(program).__name__} has neither recover nor rebuild, which would compute "
            "its derived arrays. Give the same number of workers"
        )
    for axis, grown in content["grown"].items():
        executor.grow(axis, grown["size"])
    there = int(content["described"][WORKERS])
    if program.load_elsewhere is not None:
        program.load_elsewhere({name: array(name) for name in fields}, there)
    for name, field in fields.items():
        moved = program.load_elsewhere is not None and field.kind == "variable"
        if not field.replicated and not moved:
            _put_back(program, field, array(name), content["orders"], path)
    executor.epochs = {name: int(content["rounds"][name]["epoch"]) for name in executor.epochs}
    program.load_state(content["program"])
    if way == "rebuild":
        rebuild(executor)
    # Not at once: the run may have ended, and an estimator reads what recover() would forget.
    executor.starts_over = way == "recover"
    executor.begin_policies_anew(content["rounds"])
    for phase, message, told in content["told"]:
        axis = executor.schedules[phase].axis if phase in executor.schedules else None
        in_order = axis is not None and program.partitions[axis].order is None
        if in_order and axis not in content["orders"]:  # else it is about other places
            executor.tell(phase, message, tuple(told))


def _put_back(
    program: Program, field: Any, saved: np.ndarray, orders_: Mapping[str, Any], path: Path
) -> None:
    place = used(program, field)
    if place.shape != saved.shape or place.dtype != saved.dtype:
        if field.kind == "derived":
            return  # the program computes it
        raise ProgramError(
            f"{path}: {field.name} is {place.dtype} of shape {place.shape} with this number of "
            f"workers, {saved.dtype} of shape {saved.shape} in the checkpoint. Give the same number"
        )
    for dimension, axis in enumerate(field.axes):
        before, now = orders_.get(axis), program.partitions[axis].order
        if before is not None:
            theirs = np.empty_like(before)
            theirs[before] = np.arange(len(before))
            saved = saved.take(theirs, axis=dimension)
        if now is not None:
            saved = saved.take(now, axis=dimension)
    place[...] = saved
