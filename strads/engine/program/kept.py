"""What of a program outlives a step: the fields that checkpoints and snapshots hold."""

from __future__ import annotations

import numpy as np

from strads.engine.fields import Field
from strads.engine.program.program import Program

_KINDS = ("variable", "derived", "control")


def kept(program: Program) -> dict[str, Field]:
    """Return variables, controls and derived fields, by name."""
    return {name: field for name, field in program.fields().items() if field.kind in _KINDS}


def used(program: Program, field: Field) -> np.ndarray:
    """View of a field's array, without the capacity that its axes do not use."""
    array: np.ndarray = program.state[field.name]
    copies = (slice(None),) if field.replicated else ()
    return array[copies + tuple(slice(0, program.size[axis]) for axis in field.axes)]


def first_not_finite(array: np.ndarray) -> int | None:
    """Return the first row with an entry that is not finite; None if there is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(array.sum())
    bad = np.argwhere(~np.isfinite(array)) if suspicious else np.empty((0, 1))
    return int(bad[0][0]) if len(bad) else None


def way_back(program: Program) -> str:
    """Return how a step of a program begins again after a process has died.

    ``"recover"``: a method of the program puts it in order. ``"rebuild"``: that kernel computes
    derived arrays from the variables. ``"snapshot"``: a copy from before the step is put back.
    """
    if program.recover is not None:
        return "recover"
    return "rebuild" if program.rebuild is not None else "snapshot"
