"""Atomic words in int64 arrays, a pause for spinning, a counter of cycles or nanoseconds.

With the JIT off these are plain loads and stores. That is enough for one process, and worker
processes never run with the JIT off.
"""

from __future__ import annotations

import platform
import time
from typing import Any

import llvmlite.binding as binding
import llvmlite.ir as ir
import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic


def _may_read_cycles(machine: str) -> bool:
    """Whether user programs may read the processor's own cycle counter.

    On other machines LLVM may read a register that only the operating system may read (on ARM it
    does before LLVM 20), and the process is killed.
    """
    return machine.lower() in ("x86_64", "amd64", "i686")


HAS_CYCLES = _may_read_cycles(platform.machine())

if numba.config.DISABLE_JIT:

    def load_acquire(array: np.ndarray, i: int) -> int:
        """Return ``array[i]``; no later read is moved before this one."""
        return int(array[i])

    def store_release(array: np.ndarray, i: int, value: int) -> None:
        """Set ``array[i]``; a process that reads the new value also sees all earlier writes."""
        array[i] = value

    def fetch_add(array: np.ndarray, i: int, value: int) -> int:
        """Add `value` to ``array[i]``; return the value before."""
        before = int(array[i])
        array[i] = before + value
        return before

    def fence() -> None:
        """Order all memory accesses before the fence before all accesses after it."""

    def pause() -> None:
        """Tell the processor core that it is in a spin loop."""

    def cycles() -> int:
        """Return a time counter for comparing durations; its unit depends on the machine."""
        return time.perf_counter_ns()

else:

    def _check(array: Any, mutable: bool) -> None:
        words = isinstance(array, types.Array) and array.ndim == 1 and array.dtype == types.int64
        if not words or (mutable and not array.mutable):
            raise TypingError(f"atomic words must be in a writable 1-D int64 array, not {array}")

    def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
        made = context.make_array(kind)(context, builder, array)
        return cgutils.get_item_pointer(context, builder, kind, made, [index], wraparound=False)

    @intrinsic
    def load_acquire(typing: Any, array: Any, i: Any) -> Any:
        """Return ``array[i]``; no later read is moved before this one."""
        _check(array, mutable=False)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
            return builder.load_atomic(pointer, "acquire", 8)

        return types.int64(array, types.intp), code

    @intrinsic
    def store_release(typing: Any, array: Any, i: Any, value: Any) -> Any:
        """Set ``array[i]``; a process that reads the new value also sees all earlier writes."""
        _check(array, mutable=True)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
            builder.store_atomic(args[2], pointer, "release", 8)
            return context.get_dummy_value()

        return types.void(array, types.intp, types.int64), code

    @intrinsic
    def fetch_add(typing: Any, array: Any, i: Any, value: Any) -> Any:
        """Add `value` to ``array[i]``; return the value before."""
        _check(array, mutable=True)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
            return builder.atomic_rmw("add", pointer, args[2], "seq_cst")

        return types.int64(array, types.intp, types.int64), code

    @intrinsic
    def fence(typing: Any) -> Any:
        """Order all memory accesses before the fence before all accesses after it."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.fence("seq_cst")
            return context.get_dummy_value()

        return types.void(), code

    @intrinsic
    def pause(typing: Any) -> Any:
        """Tell the processor core that it is in a spin loop."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            # An LLVM intrinsic, on machines that have one: inline assembly aborts the process.
            if binding.get_process_triple().startswith(("x86_64", "i686")):
                kind = ir.FunctionType(ir.VoidType(), [])
                module = builder.module
                function = cgutils.get_or_insert_function(module, kind, "llvm.x86.sse2.pause")
                builder.call(function, [])
            return context.get_dummy_value()

        return types.void(), code

    def _cycle_counter(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(64), [])
        name = "llvm.readcyclecounter"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [])

    def _nanoseconds(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # int clock_gettime(int clock, struct timespec *), whose struct has two words of the
        # machine's word size.
        word = ir.IntType(types.intp.bitwidth)
        kind = ir.FunctionType(ir.IntType(32), [ir.IntType(32), word.as_pointer()])
        function = cgutils.get_or_insert_function(builder.module, kind, "clock_gettime")
        spec = cgutils.alloca_once(builder, word, size=2)
        builder.call(function, [ir.Constant(ir.IntType(32), time.CLOCK_MONOTONIC), spec])
        parts = [
            builder.sext(builder.load(builder.gep(spec, [ir.Constant(word, k)])), ir.IntType(64))
            for k in range(2)
        ]
        seconds = builder.mul(parts[0], ir.Constant(ir.IntType(64), 1_000_000_000))
        return builder.add(seconds, parts[1])

    @intrinsic
    def cycles(typing: Any) -> Any:
        """Return a time counter for comparing durations; its unit depends on the machine."""
        return types.int64(), _cycle_counter if HAS_CYCLES else _nanoseconds
