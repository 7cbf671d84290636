"""Costs of ids: how much work an update of each takes; partitions and schedules balance them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError
from strads.engine.program.program import Program, data_fields


def axis_costs(program: Program, axis: str, arrays: Mapping[str, Any]) -> np.ndarray | None:
    """Return the cost of every id of an axis, or None if nothing tells it.

    The program may name a field or method that gives the costs. Otherwise the cost of an id is the
    number of non-zeros of its row or column in the first data field compressed along the axis.

    Parameters
    ----------
    program : Program
    axis : str
    arrays : mapping
        Fields by name, in the declared layouts: sparse arrays of SciPy before the program is laid
        out, arrays of the store afterwards. Costs are in the order of the ids in these arrays,
        except that a method returns them in the user's order.
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
            # Add one for the update itself: a column without non-zeros is updated, too.
            return np.diff(matrix.indptr).astype(np.float64) + 1.0
    return None


def laid_out_costs(program: Program, axis: str, arrays: Mapping[str, Any]) -> np.ndarray | None:
    """Return :func:`axis_costs` of the arrays in the store, always in the order of laid-out ids."""
    costs, named = axis_costs(program, axis, arrays), program.costs.get(axis)
    order = program.partitions[axis].order
    if costs is None or order is None or named is None or named in program.fields():
        return costs
    return costs[order]
