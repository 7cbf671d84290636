"""Where code comes from: a library of known version, this package, or files that users edit."""

from __future__ import annotations

import functools
import sys
import sysconfig
from collections.abc import Iterable
from typing import Any

from numba.core.typing.templates import builtin_registry

#: Packages whose code is known from the version number, besides the standard library.
VERSIONED = frozenset({"numpy", "numba", "llvmlite", "scipy"})


@functools.cache
def _from_library(root: str) -> bool:
    if root in VERSIONED:
        return True
    if root not in sys.stdlib_module_names or root == "__main__":
        return False
    file = getattr(sys.modules.get(root), "__file__", None)
    # A user's file may have the name of a standard module.
    return file is None or file.startswith(sysconfig.get_path("stdlib"))


def is_library(module: str | None) -> bool:
    """Whether the code of a module is known from the version of its library."""
    return module is not None and _from_library(module.partition(".")[0])


def is_shipped(module: str | None) -> bool:
    """Whether a module is part of this package, which nobody edits while it runs."""
    return module is not None and module.startswith("strads.")


def is_kernel(module: str | None) -> bool:
    """Whether a module is in ``strads.kernels``, whose sources are part of every key."""
    return module is not None and module.startswith("strads.kernels.")


def is_importable(cls: type) -> bool:
    """Whether another process gets the same class by importing it."""
    home = sys.modules.get(cls.__module__)
    return cls.__module__ != "__main__" and getattr(home, cls.__qualname__, None) is cls


def own_templates() -> list[Any]:
    """Return the overloads that no library defines, in an order that imports cannot change."""
    found = [t for t in overloads() if not is_library(t._overload_func.__module__)]
    return sorted(
        found, key=lambda t: f"{t._overload_func.__module__}.{t._overload_func.__qualname__}"
    )


def templates_of(functions: Iterable[Any]) -> list[Any]:
    """Return the overloads that replace one of these functions, or are defined by one of them."""
    met = {id(f) for f in functions}
    return [
        t for t in overloads()
        if id(getattr(t, "key", None)) in met or id(t._overload_func) in met
    ]  # fmt: skip


def overloads() -> list[Any]:
    """Return all overloads that Numba knows, those of libraries among them."""
    registered = [*builtin_registry.functions, *builtin_registry.attributes]
    return [t for t in registered if hasattr(t, "_overload_func")]
