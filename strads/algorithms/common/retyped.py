"""A program class with other dtypes in some of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from strads.engine import Program


def retyped(program: type[Program], prefix: str, types: Mapping[str, DTypeLike]) -> type[Any]:
    """Return a subclass, named with `prefix`, whose fields have the dtypes given by field name."""
    fields = program.fields()
    body: dict[str, Any] = {name: _of(fields[name], dtype) for name, dtype in types.items()}
    body |= {"__module__": program.__module__, "__doc__": program.__doc__}
    return type(f"{prefix}{program.__name__}", (program,), body)


def _of(field: Any, dtype: DTypeLike) -> Any:
    made = object.__new__(type(field))
    made.__dict__.update(field.__dict__)
    made.dtype = np.dtype(dtype)
    return made
