"""Whether a schedule runs code of this package only, which nobody edits during a run.

A process that has imported a module keeps the code that the module had then, even if the user
edits it later. So a scheduler process that has imported any code of a user (a schedule, the
function of a coupling, or a class that holds one) must not be used for another program.
"""

from __future__ import annotations

import importlib
import io
import sys
import sysconfig
from collections.abc import Collection
from typing import Any

from numba import cloudpickle

#: Packages whose code does not change: this one, and those that plain values come from.
_OURS = frozenset({"strads", "numpy", "builtins", "copyreg", "collections", "_codecs"})


class _ForeignCode(Exception):
    """Some code does not belong to this package."""


class _CodeFinder(cloudpickle.CloudPickler):  # type: ignore[name-defined, misc]
    """Pickles a value only to see its parts; stops at the first code of another package."""

    def reducer_override(self, obj: Any) -> Any:
        """Check the package of every class, function and instance."""
        code = obj if isinstance(obj, type) or callable(obj) else type(obj)
        module = getattr(code, "__module__", None) or type(code).__module__ or ""
        if module.partition(".")[0] not in _OURS:
            raise _ForeignCode
        return super().reducer_override(obj)


def only_our_code(schedules: Any) -> bool:
    """Whether schedules contain no code of a user, at any depth."""
    try:
        _CodeFinder(io.BytesIO()).dump(schedules)
    except Exception:  # or it cannot be pickled; sending it will fail and say why
        return False
    return True


def forget_imports(before: Collection[str]) -> None:
    """Forget imported modules that a user may have edited, so that they are imported anew.

    Parameters
    ----------
    before : collection of str
        Names of modules to keep; modules of installed packages are kept as well.
    """
    paths = sysconfig.get_paths()
    installed = tuple(paths[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib"))
    for name in set(sys.modules) - set(before):
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and not file.startswith(installed):
            del sys.modules[name]
    importlib.invalidate_caches()
