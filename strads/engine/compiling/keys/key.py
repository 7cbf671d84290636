"""Content keys: names of compiled code that change whenever the machine code may change.

A key covers all that the machine code of a function depends on: its bytecode and constants, the
values of the globals and closure cells that it uses, the same of every function that it calls, the
argument types (:mod:`strads.engine.compiling.keys.walk` collects these), the options and the
versions of the compiler, and the processor.
"""

from __future__ import annotations

import hashlib
import platform
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core import config
from numba.core.registry import cpu_target

from strads.engine.compiling.keys.walk import Walk

#: Options with which every kernel is compiled.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}

#: Settings of the compiler that change machine code.
SETTINGS = (
    "BOUNDSCHECK", "CPU_FEATURES", "CPU_NAME", "DEBUGINFO_DEFAULT", "DEBUG_NRT",
    "DISABLE_INTEL_SVML", "DISABLE_JIT", "ENABLE_AVX", "ENABLE_PROFILING",
    "EXTEND_VARIABLE_LIFETIMES", "JIT_COVERAGE", "LLVM_REFPRUNE_FLAGS", "LLVM_REFPRUNE_PASS",
    "LOOP_VECTORIZE", "NRT_STATS", "OPT", "SLP_VECTORIZE", "USING_SVML",
)  # fmt: skip


def _digest_sources(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


#: Digest of the sources of our kernels, taken at import: later the files may have been edited.
KERNELS = _digest_sources(Path(__file__).resolve().parents[3] / "kernels")


def machine_stamp() -> str:
    """Describe compiler and processor: machine code can only run where the stamp is the same."""
    settings = [(name, str(getattr(config, name, None))) for name in SETTINGS]
    versions = (numba.__version__, llvmlite.__version__, np.__version__, sys.version)
    processor = cpu_target.target_context.codegen().magic_tuple()
    return repr((versions, platform.machine(), processor, settings, sorted(OPTIONS.items())))


def content_key(function: Callable[..., Any], signature: tuple[Any, ...]) -> str:
    """Return the key of a function compiled for the given argument types.

    Parameters
    ----------
    function : callable
        A plain Python function.
    signature : tuple of numba types
        Types of its arguments.

    Returns
    -------
    key : str
        A hexadecimal digest. It is the same for the same code in any process; but it is different
        at every call if the function uses something that cannot be compared by content.
    """
    return key_of(Walk.over(function, signature))


def key_of(walk: Walk) -> str:
    """Return the content key of the function that was walked over."""
    salt = secrets.token_hex() if walk.volatile else ""
    words = (machine_stamp(), KERNELS, walk.digest.hexdigest(), salt)
    return hashlib.sha256("\0".join(words).encode()).hexdigest()
