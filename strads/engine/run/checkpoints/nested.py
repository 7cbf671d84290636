"""Nested states of policies and programs as a JSON tree and a dict of arrays, without pickle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from strads.engine.errors import ProgramError

_PLAIN = frozenset({type(None), bool, int, float, str})
_SEQUENCES: dict[str, type] = {"list": list, "tuple": tuple}


def encode(value: Any, arrays: dict[str, np.ndarray], where: str) -> Any:
    """Turn a value into a tree that JSON keeps exactly; add its arrays to `arrays`.

    Parameters
    ----------
    value : object
        None, numbers, text, arrays, and dicts, lists and tuples of them.
    arrays : dict
        Receives the arrays, under new names.
    where : str
        What the value is, for the error message.

    Returns
    -------
    tree : object
        None, booleans, numbers and text as they are; any other value as ``[kind, content]``.

    Raises
    ------
    ProgramError
        If the value holds anything else.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        name = f"nested.{len(arrays)}"
        arrays[name] = np.asarray(value)
        return ["array" if isinstance(value, np.ndarray) else "scalar", name]
    if kind is dict:
        inside = [
            [encode(key, arrays, f"a key of {where}"), encode(item, arrays, f"{where}[{key!r}]")]
            for key, item in value.items()
        ]
        return ["dict", inside]
    if kind in _SEQUENCES.values():
        items = [encode(item, arrays, f"{where}[{i}]") for i, item in enumerate(value)]
        return [kind.__name__, items]
    raise ProgramError(
        f"{where} is a {kind.__qualname__}, which a checkpoint cannot keep: it takes None, "
        "numbers, text, arrays of numbers, and dicts, lists and tuples of them"
    )


def decode(tree: Any, array: Callable[[str], np.ndarray]) -> Any:
    """Return the value that :func:`encode` has encoded; `array` returns the array of a name."""
    if not isinstance(tree, list):
        return tree
    kind, content = tree
    if kind == "array":
        return array(content)
    if kind == "scalar":
        return array(content)[()]
    if kind == "dict":
        return {decode(key, array): decode(item, array) for key, item in content}
    return _SEQUENCES[kind](decode(item, array) for item in content)
