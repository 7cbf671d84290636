"""Write what ``measure`` returns, a number or a tuple of numbers, into a row of an array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core.errors import TypingError
from numba.extending import overload
from numba.misc.special import literal_unroll

#: Largest number of numbers that ``measure`` may return.
MAX_PARTS = 15


def store_parts(parts: np.ndarray, p: int, value: Any) -> None:
    """Write how many numbers `value` has, then these numbers, into row `p` of `parts`.

    Parameters
    ----------
    parts : ndarray of float64, shape (workers, MAX_PARTS + 1)
        Changed in place; entries of the row behind the last number keep their values.
    p : int
    value : number or tuple of numbers
        At most :data:`MAX_PARTS` of them.
    """
    values = value if isinstance(value, tuple) else (value,)
    parts[p, 0] = len(values)
    for i, number in enumerate(values):
        parts[p, 1 + i] = number


@overload(store_parts)
def _store_parts(parts, p, value):
    if isinstance(value, types.Number | types.Boolean):

        def number(parts, p, value):  # type: ignore[no-untyped-def]
            parts[p, 0] = 1.0
            parts[p, 1] = value

        return number
    if isinstance(value, types.BaseTuple) and len(value) <= MAX_PARTS:
        count = len(value)

        def numbers(parts, p, value):  # type: ignore[no-untyped-def]
            parts[p, 0] = count
            i = 1
            for item in literal_unroll(value):
                parts[p, i] = item
                i += 1

        return numbers
    raise TypingError(f"measure must return a number or at most {MAX_PARTS} numbers, not {value}")
