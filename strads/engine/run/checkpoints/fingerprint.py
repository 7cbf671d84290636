"""Fingerprints of what a checkpoint does not hold: data, kernels, given values, declarations.

A run that is resumed with other data or with an edited kernel would be neither the old run nor a
new one, and its certificate would be computed from derived arrays of the old data. So a checkpoint
has digests of data, kernels and given values, and a description of the program in words; both must
be the same in the run that resumes from it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numba.core import config

from strads.engine.compiling.keys.walk import Walk
from strads.engine.fields import Control, Data, Field, Variable
from strads.engine.partition import Partition
from strads.engine.program.program import Program
from strads.engine.rounds.executor import Executor

#: The entry that says what digests of kernels depend on besides the kernels.
SETTING = "what runs the kernels"

#: An array of at most so many bytes is digested in full; of a larger one, so many blocks.
WHOLE = 64 << 20
BLOCKS = 2048
BLOCK_BYTES = 16 << 10


def fingerprints(executor: Executor) -> dict[str, str]:
    """Return digests by name, such as ``"data 'A'"``, ``"kernel 'push'"``, ``"control 'rate'"``.

    Of the data, those that were given count: what ``setup`` computes depends on them. Of controls
    and variables the first value counts, which the run may have changed since.
    """
    program = executor.program
    found = {SETTING: _compiler()}
    for name, field in program.fields().items():
        given = program.given.get(name)
        if isinstance(field, Data) and name in program.given:
            found[f"data {name!r}"] = data_digest(_in_users_order(program, field))
        elif isinstance(field, Control):
            start = np.asarray(field.default if given is None else given)
            found[f"control {name!r}"] = _value(start)
        elif isinstance(field, Variable):
            found[f"variable {name!r}"] = "not given" if given is None else data_digest(given)
    for name, function in _kernels(executor).items():
        found[f"kernel {name!r}"] = kernel_digest(function)
    return found


def _in_users_order(program: Program, field: Field) -> Any:
    """Return data that were given in an order that does not depend on the number of workers."""
    cuts = [program.partitions.get(axis) for axis in field.axes]
    if all(cut is None or cut.order is None for cut in cuts):
        return program.state[field.name]
    given = program.given[field.name]
    return sp.csr_array(given) if sp.issparse(given) else np.asarray(given)


def data_digest(value: Any) -> str:
    """Return the digest of an array, or of the parts of a sparse matrix.

    It covers type, shape, and all entries of an array up to 64 MiB. Of a larger array it covers
    2,048 blocks of 16 KiB at equal distances, the first and the last included. So a change of a
    few entries of a large array may go unnoticed, but not the data of another file.
    """
    digest = hashlib.blake2b(digest_size=12)
    parts = (value.data, value.indices, value.indptr) if hasattr(value, "indptr") else (value,)
    for part in parts:
        array = np.asarray(part)
        digest.update(f"{array.dtype.str} {array.shape} ".encode())
        for block in _blocks(array):
            digest.update(np.ascontiguousarray(block).view(np.uint8).data)
    return digest.hexdigest()


def _blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield an array in one-dimensional blocks: all of it, or some blocks if it is large."""
    turned = array.T if array.flags.f_contiguous else array
    if not turned.size:
        return
    # A contiguous array is viewed as one dimension; of another one, each block is copied.
    rows = turned.reshape(-1) if turned.flags.c_contiguous else turned
    length = max(1, BLOCK_BYTES // max(1, rows.nbytes // len(rows)))
    count = -(-len(rows) // length)
    if array.nbytes > WHOLE and count > BLOCKS:
        starts = np.linspace(0, len(rows) - length, BLOCKS).astype(np.int64)
    else:
        starts = np.arange(count) * length
    for start in starts.tolist():
        yield rows[start : start + length].reshape(-1)


def kernel_digest(function: Any) -> str:
    """Return the digest of a kernel and all that it uses: callees, globals, constants, closures."""
    walk = Walk.over(getattr(function, "py_func", function))
    return "unknown" if walk.volatile else walk.digest.hexdigest()[:24]


def _kernels(executor: Executor) -> dict[str, Any]:
    """Return the kernels by name; the name includes the phase if two kernels share a name."""
    found: dict[str, Any] = {}
    for name, stage in executor.stages.items():
        if stage.phase is None:
            functions = [getattr(type(executor.program), name)]
        else:
            functions = [f for f in (stage.phase.push, stage.phase.pull) if f is not None]
        for function in functions:
            own = getattr(function, "__name__", "kernel")
            taken = found.get(own, function) is not function
            found[f"{own} of phase {name}" if taken else own] = function
    return found


def _value(value: np.ndarray) -> str:
    return repr(value.tolist()) if value.size <= 4 else data_digest(value)


def _compiler() -> str:
    """Say what digests of kernels depend on besides the kernels."""
    compiled = "interpreted" if config.DISABLE_JIT else "compiled"  # type: ignore[attr-defined]
    return f"Python {sys.version_info.major}.{sys.version_info.minor}, kernels {compiled}"


def describe(executor: Executor) -> dict[str, str]:
    """Describe in words what must be the same in a run that resumes from a checkpoint."""
    program = executor.program
    found = {
        "the program": type(program).__qualname__,
        "the number of workers": str(executor.workers),
        "the seed": str(executor.seed),
    }
    for name, field in program.fields().items():
        found[f"field {name!r}"] = _field(program, field)
    for name, phase in ((n, s.phase) for n, s in executor.stages.items() if s.phase is not None):
        found[f"phase {name!r}"] = (
            f"at depth={phase.depth}, look_ahead={phase.look_ahead}, sequential={phase.sequential}"
            + (f", where={dict(phase.where)}" if phase.where else "")
        )
        found[f"the schedule of phase {name!r}"] = _declared(executor.schedules.get(name))
    for axis, cut in program.partitions.items():
        found[f"axis {axis!r}"] = _cut(cut)
    return found


def _field(program: Program, field: Field) -> str:
    words = f"{field.kind} over ({', '.join(field.axes)})"
    if field.replicated:
        words += ", replicated"
    array = program.state.get(field.name)
    if isinstance(field, Data) and isinstance(array, tuple):
        return f"{words}, {array[0].dtype}, {len(array[0])} entries"
    return f"{words}, {field.dtype if array is None else array.dtype}"


def _declared(value: Any) -> str:
    """Describe a schedule or coupling, with the values of its parameters where they are plain."""
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if not dataclasses.is_dataclass(value):
        return type(value).__name__
    parameters = (
        f"{f.name}={_declared(getattr(value, f.name))}" for f in dataclasses.fields(value)
    )
    return f"{type(value).__name__}({', '.join(parameters)})"


def _cut(cut: Partition) -> str:
    words = f"of {cut.size} ids, cut at {cut.bounds[1:-1].tolist()}"
    if cut.order is None:
        return words
    return f"{words}, ordered as {hashlib.sha256(cut.order.tobytes()).hexdigest()[:12]}"
