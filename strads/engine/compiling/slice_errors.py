"""Assignments of arrays to slices with an error that is cheap to compile.

``a[i:j] = b`` fails if the shapes differ. Numba puts both shapes into the text of the error. For
this it compiles a good part of Python's strings: two to four seconds in each process that compiles,
and 50 kB more of code in each kernel with such an assignment. Here, the shapes are arguments of the
error instead, which needs no strings.

This replaces one function of Numba's while a kernel is compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core.compiler_lock import global_compiler_lock
from numba.extending import overload
from numba.np import arrayobj

#: What Numba calls; later versions may call something else, whose errors stay as they are.
NAME = "raise_with_shape_context"


def raise_with_shapes(source: Any, target: Any) -> None:
    """Say that an array of shape `source` does not fit into a slice of shape `target`."""
    raise ValueError("cannot assign to a slice an array of another shape", target, source)


@overload(raise_with_shapes, strict=False)  # types in one signature alone are no difference
def _compiled(source: Any, target: Any) -> Any:
    return raise_with_shapes


@contextmanager
def without_strings() -> Iterator[None]:
    """Compile assignments to slices without strings."""
    with global_compiler_lock:  # no other thread compiles meanwhile
        before = getattr(arrayobj, NAME, None)
        if before is None:
            yield
            return
        setattr(arrayobj, NAME, raise_with_shapes)
        try:
            yield
        finally:
            setattr(arrayobj, NAME, before)
