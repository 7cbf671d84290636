"""Visit some stripes of a matrix in a file in order, with what comes next announced."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from strads.kernels.linear.files.stripes import BASE, INDEX, NARROW, ROOM, announce_units, hold

kernel = numba.njit(nogil=True, error_model="numpy")

#: So many parts that do not follow each other are announced together.
TOGETHER = 64


@kernel
def _run_end(ids: np.ndarray, a: int) -> int:
    """Return where ids end that follow ``ids[a]`` one by one."""
    end = a + 1
    while end < len(ids) and ids[end] == ids[end - 1] + 1:
        end += 1
    return end


@kernel
def _announce_ids(F: Any, W: Any, ids: np.ndarray, first: int) -> int:
    """Announce some stripes, no more than there is room for; return the place of the next one."""
    units, b = 0, first
    while b < min(first + TOGETHER, len(ids)) and units < W.at[ROOM]:
        announce_units(F, W, F.starts[ids[b]], F.starts[ids[b] + 1])
        units += F.starts[ids[b] + 1] - F.starts[ids[b]]
        b += 1
    return max(b, first + 1)


@kernel
def hold_listed(F: Any, W: Any, ids: np.ndarray, a: int, ends: np.ndarray) -> bool:
    """Have a window hold stripe ``ids[a]``, where the stripes of `ids` are visited in order.

    `ends` has the places in `ids` where the present run of neighbours ends, and where what has been
    announced ends. Both begin at 0.
    """
    if a == ends[1]:
        ends[1] = _announce_ids(F, W, ids, a)
    if a == ends[0]:
        ends[0] = _run_end(ids, a)
    return bool(hold(F, W, ids[a], ids[a], ids[a] + ends[0] - a, 0))


@kernel
def place_of(F: Any, W: Any, e: int) -> int:
    """Return the place of a unit that a window holds."""
    at = e - W.at[BASE]
    return np.int64(W.narrow[at]) if F.form[INDEX] == NARROW else W.wide[at]
