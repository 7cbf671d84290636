"""What a visit of an id costs: what partitions and schedules balance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.program.program import Program, data_fields


def axis_costs(program: Program, axis: str, arrays: Mapping[str, Any]) -> np.ndarray | None:
    """Cost of every id: what the program names, else non-zeros of data compressed along it.

    Parameters
    ----------
    program : Program
    axis : str
    arrays : mapping
        Fields by name, in the layouts they are declared with: before they are laid out sparse
        arrays, afterwards those of the store. Costs come in the same order of the ids, but for
        those of a method, which are in the user's.
    """
    named = program.costs.get(axis)
    if named is not None:
        if named in program.fields() and named not in arrays:
            raise ProgramError(
                f"{type(program).__name__}.costs takes the costs of axis {axis!r} from "
                f"{named!r}, which is not given; give it, or name a method that returns the costs"
            )
        if named in program.fields():
            return np.asarray(arrays[named][: program.size[axis]], dtype=np.float64)
        return np.asarray(getattr(program, named)(), dtype=np.float64)
    for name, field in data_fields(program).items():
        matrix: Any = arrays.get(name)
        if not hasattr(matrix, "indptr"):
            continue
        if (field.layout, axis) in (("csc", field.axes[1]), ("csr", field.axes[0])):
            # One for the visit itself: empty columns are visited too.
            return np.diff(matrix.indptr).astype(np.float64) + 1.0
    return None


def laid_out_costs(program: Program, axis: str, arrays: Mapping[str, Any]) -> np.ndarray | None:
    """Costs of the ids in the order in which they are laid out, from the arrays in the store."""
    costs, named = axis_costs(program, axis, arrays), program.costs.get(axis)
    order = program.partitions[axis].order
    if costs is None or order is None or named is None or named in program.fields():
        return costs
    return costs[order]
