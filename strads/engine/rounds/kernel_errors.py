"""Errors of kernels, in terms of the user's code: program class, kernel, file and line."""

from __future__ import annotations

import dis
import inspect
import os
import re
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from strads.engine.errors import KernelError, ProgramError
from strads.engine.rounds.generated.templates import AT
from strads.engine.rounds.generated.writer import Stage

if TYPE_CHECKING:
    from strads.engine.program.program import Program

_ENGINE = os.path.dirname(os.path.dirname(__file__))
_PLACE = re.compile(r'File "([^"]+)", line (\d+)')
_MEASURE = re.compile(r"measure must return [^\n]*")
_NAME = re.compile(r"name '(\w+)' is not defined")


def raised(
    name: str, program: str, kernels: Sequence[str], cursor: np.ndarray | None, error: Exception
) -> KernelError:  # fmt: skip
    """Return an error that says which kernel raised what, on which worker and at which line.

    Parameters
    ----------
    name, program, kernels
        Name of the phase; what errors call the program and the kernels of its stage.
    cursor : ndarray or None
        How far the worker has got in its launch, which tells the kernel at work (see
        :mod:`strads.engine.rounds.generated.templates`); None outside of launches.
    error : Exception
        What the kernel raised.
    """
    where, kernel = "", kernels[0]
    if cursor is not None:
        # If no kernel was at work, the loop itself raised the error.
        at = int(cursor[AT]) - 1
        kernel = kernels[at % 2] if at >= 0 else "kernel"
        where = f" of phase {name!r}" + (f", on worker {at // 2}," if at >= 0 else "")
    message = f"{kernel} of {program}{where} raised {type(error).__name__}: {error}"
    return KernelError(message + _line(error))


def uncompiled(program: Program, stage: Stage, error: Exception) -> ProgramError:
    """Return an error that says in a few lines which kernel does not compile, and why."""
    text = str(error)
    found = [k for k in stage.kernels if repr(getattr(k, "py_func", k)) in text]
    kernel = found[0] if found else (stage.kernels[0] if len(stage.kernels) == 1 else None)
    what = "a kernel" if kernel is None else described(kernel)
    phase = f", of phase {stage.phase.name!r}," if stage.phase is not None else ""
    reason = _essence(text)
    if "readonly" in reason:
        reason += " (data, controls and frozen fields are read-only)"
    place = _cited(text, kernel)
    return ProgramError(
        f"{what} of {type(program).__name__}{phase} does not compile: {reason}{place}"
    )


def described(function: Any) -> str:
    """Name a kernel, with the place where it is defined."""
    plain = getattr(function, "py_func", function)
    code = plain.__code__
    return f"kernel {plain.__name__!r} ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"


def _line(error: Exception) -> str:
    """Name the line of the user's code that raised an error, if it is known."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith((_ENGINE, "<strads")):
            return f" ({frame.filename}, line {frame.lineno})"
    return ""


def _essence(text: str) -> str:
    """Return what the compiler says is wrong, without the stack of its passes."""
    ours = _MEASURE.search(text)
    if ours is not None:
        return ours.group()
    lines = []
    for line in text.splitlines():
        if line.startswith(("During:", 'File "', "There are ")):
            break
        if line.strip() and not line.startswith("Failed in nopython mode"):
            lines.append(line.strip())
    return " ".join(lines) or text


def _cited(text: str, kernel: Any) -> str:
    """Name the line of the user's code about which the compiler complains, if it is known."""
    for file, line in _PLACE.findall(text):
        if not file.startswith(("<strads", "numba/")) and f"{os.sep}numba{os.sep}" not in file:
            return f" ({file}, line {line})"
    missing = _NAME.search(text)
    if missing is None or kernel is None:
        return ""
    code = inspect.unwrap(getattr(kernel, "py_func", kernel)).__code__
    line = None
    for instruction in dis.get_instructions(code):
        line = getattr(instruction.positions, "lineno", None) or line
        if instruction.argval == missing.group(1):
            return f" ({code.co_filename}, line {line})"
    return ""
