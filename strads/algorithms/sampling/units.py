"""Whether couplings and fields are small multiples of one unit, so that tables can be used."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Largest multiple of a coupling: it is kept in 8 bits.
LARGEST = 127
#: Largest sum of a site's couplings and fields, in units: the table has twice as many entries.
LEVELS = 4096
#: Most different values among which a unit is looked for.
VALUES = 512
#: The unit is at least the smallest value divided by this.
PARTS = 20
#: A value is a multiple of the unit if it is within this share of one.
EXACT = 1e-12


def unit_of(graph: Any, fields: np.ndarray) -> float | None:
    """Return a unit of which all couplings and fields are small multiples; None without one.

    Parameters
    ----------
    graph : csr_array
        Couplings.
    fields : ndarray of shape (sites,) or (sites, q)

    Returns
    -------
    float or None
        The largest such unit. It is 1 if all values are zero.
    """
    values = np.unique(np.abs(np.concatenate([np.unique(graph.data), np.unique(fields)])))
    values = values[values > 0.0]
    if len(values) > VALUES:
        return None
    smallest = float(values[0]) if len(values) else 1.0
    for parts in range(1, PARTS + 1):
        unit = smallest / parts
        with np.errstate(all="ignore"):  # an infinite multiple is not near a whole number
            multiples = values / unit
            near = np.abs(multiples - np.rint(multiples)) <= EXACT * multiples
        if near.all() and _small(graph, fields, unit):
            return unit
    return None


def _small(graph: Any, fields: np.ndarray, unit: float) -> bool:
    return bool(
        np.abs(graph.data).max(initial=0.0) <= (LARGEST + 0.5) * unit
        and largest_level(graph, fields) <= (LEVELS + 0.5) * unit
    )


def largest_level(graph: Any, fields: np.ndarray) -> float:
    """Return the largest difference that couplings and fields can make at a site."""
    size = np.abs(graph).sum(axis=1)
    own = np.abs(fields) if fields.ndim == 1 else np.ptp(fields, axis=1)
    return float(np.max(size + own, initial=0.0))
