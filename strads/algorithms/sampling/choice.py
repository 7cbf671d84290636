"""Which program samples a model: one with tables, if couplings and fields allow it."""

from __future__ import annotations

from typing import Any

import numpy as np

from strads.algorithms.sampling.ising import FieldIsing, LevelIsing
from strads.algorithms.sampling.potts import Potts
from strads.algorithms.sampling.sampler import GraphProgram
from strads.algorithms.sampling.units import largest_level, unit_of


def program_for(J: Any, h: np.ndarray, states: int, **given: Any) -> GraphProgram:
    """Return the program for an Ising model (two states) or a Potts model.

    Parameters
    ----------
    J : csr_array of shape (sites, sites)
        Symmetric couplings without a diagonal.
    h : ndarray of shape (sites,) or (sites, states)
    states : int
    **given
        See :class:`~strads.algorithms.sampling.sampler.GraphProgram`.
    """
    unit = unit_of(J, h)
    if unit is None:
        if states == 2:
            return FieldIsing(graph=J, field=h, unit=1.0, **given)
        return Potts(graph=J, field=h, states=states, largest=0, unit=1.0, **given)
    largest = round(largest_level(J, h) / unit)
    graph, field = J.copy(), np.rint(h / unit)
    graph.data = np.rint(J.data / unit)
    if states > 2:
        return Potts(graph=graph, field=field, states=states, largest=largest, unit=unit, **given)
    return LevelIsing(
        graph=graph.astype(np.int8), field=field.astype(np.int32), largest=largest, unit=unit,
        **given,
    )  # fmt: skip
