"""The numba types of arguments, looked up where numba would work them out anew."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_types: dict[Any, Any] = {}


def type_of(value: Any) -> Any:
    """Return ``numba.typeof(value)``; for arrays and named tuples of them, from a table."""
    key = kind_of(value)
    if key is None:
        return numba.typeof(value)
    if key not in _types:
        _types[key] = numba.typeof(value)
    return _types[key]


def kind_of(value: Any) -> Any:
    """Return what the numba type of an array or a named tuple of arrays depends on; else None.

    It is compared and hashed much faster than the type.
    """
    if type(value) is np.ndarray:
        flags = value.flags
        return value.dtype, value.ndim, flags.c_contiguous, flags.f_contiguous, flags.writeable
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        kinds = tuple(map(kind_of, value))
        return None if None in kinds else (type(value), *kinds)
    return None
