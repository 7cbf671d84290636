"""Whether a schedule runs code of this package only, which nobody edits while we run.

A process that has imported a module keeps it as it was then. So a scheduler process that has
seen anything of a user's, be it a schedule, a function of a coupling, or a class that holds one,
is good for one program only.
"""

from __future__ import annotations

import importlib
import io
import sys
import sysconfig
from collections.abc import Collection
from typing import Any

from numba import cloudpickle

#: Whose code does not change: ours, and what plain values are made with.
_OURS = frozenset({"strads", "numpy", "builtins", "copyreg", "collections", "_codecs"})


class _Stranger(Exception):
    """Code of somebody else's was met."""


class _Looking(cloudpickle.CloudPickler):  # type: ignore[name-defined, misc]
    """Pickles to nowhere, and stops at the first piece of code that is not ours."""

    def reducer_override(self, obj: Any) -> Any:
        """Look at every class, function and instance on the way."""
        code = obj if isinstance(obj, type) or callable(obj) else type(obj)
        module = getattr(code, "__module__", None) or type(code).__module__ or ""
        if module.partition(".")[0] not in _OURS:
            raise _Stranger
        return super().reducer_override(obj)


def only_our_code(schedules: Any) -> bool:
    """Whether nothing that schedules are made of, at any depth, is a user's code."""
    try:
        _Looking(io.BytesIO()).dump(schedules)
    except Exception:  # it cannot be sent either: then whoever sends it will say why
        return False
    return True


def forget_imports(before: Collection[str]) -> None:
    """Have modules that may have been edited imported anew.

    Parameters
    ----------
    before : collection of str
        Modules to keep; those of installed packages are kept as well.
    """
    paths = sysconfig.get_paths()
    installed = tuple(paths[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib"))
    for name in set(sys.modules) - set(before):
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and not file.startswith(installed):
            del sys.modules[name]
    importlib.invalidate_caches()
