"""Kernels of a program: how they are compiled, and what they may ask for by parameter names."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numba

from strads.engine.errors import ProgramError

#: Words that a kernel may ask for besides fields and axes. ``block``: the ids to update (global
#: ids); ``span``: the same as the first id and the one after the last, for schedules whose blocks
#: are ids in a row; ``key``: this round's random key; ``change``: feedback to the schedule, one
#: entry per id of the block; ``gain``: by how much each update lowers the objective on its own, one
#: entry per id, for schedules that go by it; ``promise``: an array of one number, to which kernels
#: add the progress that each update would make on its own; ``worker``: number of this worker;
#: ``workers``: how many there are; ``source``: in a pull, the worker whose outbox is being read.
ENGINE_WORDS: Final = (
    "block", "span", "key", "change", "gain", "promise", "worker", "workers", "source",
)  # fmt: skip

_NO_BLOCK = "there is no block of ids for it; use derived(..., replicated=True) or a schedule"
#: Words that a kernel cannot ask for in a phase without a schedule, each with the reason.
WITHOUT_SCHEDULE: Final = dict.fromkeys(("block", "span", "change", "gain", "outbox"), _NO_BLOCK)
#: Words that ``measure`` and ``rebuild`` cannot ask for, each with the reason.
WITHOUT_ROUNDS: Final = {
    **WITHOUT_SCHEDULE,
    "key": "it must do the same however often it is called; draw in a phase, or in setup",
    "promise": "it makes no progress",
    "source": "no outbox is read there",
}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays and numbers, to be used as push, pull, measure or rebuild.

    In a :class:`~strads.Program` the names of its parameters say what it gets: a declared field
    (an array, a sparse matrix, the value of a control), an axis (this worker's half-open range of
    it) or one of the engine's words, see :data:`ENGINE_WORDS`. There is no ``self``. Outside of a
    program it is an ordinary compiled function, which other kernels may call.

    The decorator is Numba's ``njit``, with the global interpreter lock released and division by
    NumPy's rules (division by zero gives infinity). With ``NUMBA_DISABLE_JIT=1`` the function stays
    a Python function.

    Parameters
    ----------
    function : callable

    Returns
    -------
    callable

    Examples
    --------
    >>> @kernel
    ... def push(block, x):
    ...     for j in block:
    ...         x[j] += 1.0
    """
    if not inspect.isfunction(function):
        raise ProgramError(f"@kernel goes right above a def, not on {function!r:.60}")
    return numba.njit(nogil=True, error_model="numpy")(function)


def parameters(function: Any) -> tuple[str, ...]:
    """Return the names that a kernel asks for."""
    plain = getattr(function, "py_func", function)
    return _parameters(plain, getattr(plain, "__code__", None))


def meanings(function: Any, where: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Return what each parameter of a kernel stands for: itself, or what `where` says."""
    return {word: where.get(word, word) for word in parameters(function)}


@functools.lru_cache(1024)
def _parameters(plain: Any, code: Any) -> tuple[str, ...]:
    # With the code as a part of the key, since a function may be given another one.
    return tuple(inspect.signature(plain).parameters)
