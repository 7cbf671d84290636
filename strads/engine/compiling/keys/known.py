"""Walks that this process remembers, each as long as all that it looked up is still the same.

A walk takes milliseconds, and every run of a program walks over all its kernels. To look at what an
earlier walk found takes a twentieth of that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from numba.core.typing.templates import builtin_registry

from strads.engine.compiling.keys.walk import Walk

#: Walks over so many functions are remembered: those asked for last.
MOST = 256
_known: OrderedDict[Any, tuple[Walk, tuple[int, int]]] = OrderedDict()


def walk_over(function: Callable[..., Any], signature: tuple[Any, ...]) -> Walk:
    """Return ``Walk.over(function, signature)``, from memory if nothing has changed since.

    Every name and attribute must still be bound to the same object, and Numba must know the same
    overloads. A walk that met an object whose content can change is not remembered.
    """
    known = _known.get((function, signature))
    if known is not None and known[1] == _overloads() and _still_so(known[0]):
        _known.move_to_end((function, signature))
        return known[0]
    walk = Walk.over(function, signature)
    _known.pop((function, signature), None)
    if not (walk.volatile or walk.mutable):
        _known[function, signature] = walk, _overloads()
        if len(_known) > MOST:
            _known.popitem(last=False)
    return walk


def _overloads() -> tuple[int, int]:
    """Numbers of functions and attributes that Numba knows; they are only ever added."""
    return len(builtin_registry.functions), len(builtin_registry.attributes)


def _still_so(walk: Walk) -> bool:
    """Whether all that a walk looked up is found again."""
    return all(find(*args) is found for find, args, found in walk.read)
