"""The engine that estimators and the functions `run` and `iterate` share in a process."""

from __future__ import annotations

import os
from typing import Any

from strads.engine.program.program import Program
from strads.engine.run.engine import Engine
from strads.engine.run.result import Result
from strads.engine.run.run import Run

_default: dict[int, Engine] = {}  # by number of the process

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_default.clear)


def default_engine() -> Engine:
    """Return the engine that estimators and :func:`run` share in this process."""
    engine = _default.get(os.getpid())
    # If two threads make an engine at the same time, both get the one that is stored first.
    return _default.setdefault(os.getpid(), Engine()) if engine is None else engine


def run(program: Program, **options: Any) -> Result:
    """Run a program on the shared engine; see :meth:`Engine.run` for the options."""
    return default_engine().run(program, **options)


def iterate(program: Program, **options: Any) -> Run:
    """Prepare a run on the shared engine; see :meth:`Engine.iterate`."""
    return default_engine().iterate(program, **options)
