"""Vectors of sixteen numbers, which compiled code keeps in registers.

Rows of a factor matrix are short. A compiler that does not know their length vectorises loops over
them badly: a loop over 48 floats was compiled to scalar code, three times slower. With these
functions the vectors are explicit: rows are padded with zeros to a multiple of :data:`LANES`, and a
loop over a row takes steps of that size.

A vector has the type of the array that it was loaded from, float32 or float64. A multiply–add may
be fused, and sums over the lanes are pairwise; results repeat bit for bit on one machine, but may
differ between machines.
"""

from __future__ import annotations

from typing import Any, Final

import llvmlite.ir as ir
import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, models, register_model

#: Numbers in a vector: a cache line, 64 bytes, of float32.
LANES: Final = 16
#: Bytes of a cache line.
LINE: Final = 64


def padded(length: int) -> int:
    """Round a length up to a multiple of :data:`LANES`."""
    return -(-length // LANES) * LANES


if numba.config.DISABLE_JIT:

    def load(array: np.ndarray, row: int, first: int) -> Any:
        """Return ``array[row, first : first + LANES]``."""
        return array[row, first : first + LANES].copy()

    def load_one(array: np.ndarray, first: int) -> Any:
        """Return ``array[first : first + LANES]``, of a contiguous array."""
        return array[first : first + LANES].copy()

    def doubled(a: Any) -> Any:
        """Return the vector in double precision."""
        return a.astype(np.float64)

    def prefetch(array: np.ndarray, row: int) -> None:
        """Prefetch a row into the caches, because it will be read soon."""

    def prefetch_one(array: np.ndarray, first: int) -> None:
        """Prefetch the cache line of ``array[first]``, of a contiguous array."""

    def store(array: np.ndarray, row: int, first: int, value: Any) -> None:
        """Set ``array[row, first : first + LANES]``."""
        array[row, first : first + LANES] = value

    def splat(array: np.ndarray, value: float) -> Any:
        """Return a vector with `value` in every lane, in the type of `array`."""
        vector = np.empty(LANES, array.dtype)
        vector.fill(value)  # faster than np.full
        return vector

    def madd(a: Any, b: Any, c: Any) -> Any:
        """Return ``a * b + c``."""
        return a * b + c

    def mul(a: Any, b: Any) -> Any:
        """Return ``a * b``."""
        return a * b

    def add(a: Any, b: Any) -> Any:
        """Return ``a + b``."""
        return a + b

    def total(a: Any) -> Any:
        """Return the sum of the lanes."""
        width = LANES
        while width > 1:
            width //= 2
            a = a[:width] + a[width : 2 * width]
        return a[0]

else:

    class _Lanes(types.Type):
        def __init__(self, dtype: Any) -> None:
            self.dtype = dtype
            super().__init__(name=f"Lanes({dtype})")

    @register_model(_Lanes)
    class _LanesModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            single = kind.dtype == types.float32
            element = ir.FloatType() if single else ir.DoubleType()
            super().__init__(manager, kind, ir.VectorType(element, LANES))

    def _checked(array: Any, ndim: int | None = 2) -> Any:
        floats = isinstance(array, types.Array) and array.dtype in (types.float32, types.float64)
        if not floats or (ndim is not None and array.ndim != ndim):
            raise TypingError(f"lanes need a {ndim}-D array of floats, not {array}")
        return _Lanes(array.dtype)

    def _pointer(context: Any, builder: Any, kinds: Any, args: Any, vector: Any) -> Any:
        array = context.make_array(kinds[0])(context, builder, args[0])
        row, first = (context.cast(builder, args[k], kinds[k], types.intp) for k in (1, 2))
        stride = cgutils.unpack_tuple(builder, array.strides)[0]  # of a row, if there are rows
        size = context.get_constant(types.intp, kinds[0].dtype.bitwidth // 8)
        address = builder.ptrtoint(array.data, ir.IntType(64))
        address = builder.add(address, builder.mul(row, stride))
        address = builder.add(address, builder.mul(first, size))
        return builder.inttoptr(address, vector.as_pointer())

    def _prefetch(context: Any, builder: Any, kinds: Any, args: Any) -> None:
        byte, word = ir.IntType(8), ir.IntType(32)
        pointer = _pointer(context, builder, kinds, args, byte)
        kind = ir.FunctionType(ir.VoidType(), [byte.as_pointer(), word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        # The numbers ask to prefetch for reading, into all levels of caches, and data, not code.
        builder.call(function, [pointer, *(ir.Constant(word, n) for n in (0, 3, 1))])

    def _bytes(kind: Any) -> int:
        return int(kind.dtype.bitwidth // 8)

    @intrinsic
    def load(typing: Any, array: Any, row: Any, first: Any) -> Any:
        """Return ``array[row, first : first + LANES]``."""
        kind = _checked(array)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector = context.get_value_type(kind)
            pointer = _pointer(context, builder, signature.args, args, vector)
            return builder.load(pointer, align=_bytes(kind))

        return kind(array, row, first), code

    @intrinsic
    def load_one(typing: Any, array: Any, first: Any) -> Any:
        """Return ``array[first : first + LANES]``, of a contiguous array."""
        kind = _checked(array, 1)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector = context.get_value_type(kind)
            zero = context.get_constant(types.intp, 0)
            kinds = (array, types.intp, signature.args[1])
            pointer = _pointer(context, builder, kinds, (args[0], zero, args[1]), vector)
            return builder.load(pointer, align=_bytes(kind))

        return kind(array, first), code

    @intrinsic
    def doubled(typing: Any, a: Any) -> Any:
        """Return the vector in double precision."""
        kind = _Lanes(types.float64)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            if a.dtype == types.float64:
                return args[0]
            return builder.fpext(args[0], context.get_value_type(kind))

        return kind(a), code

    @intrinsic
    def store(typing: Any, array: Any, row: Any, first: Any, value: Any) -> Any:
        """Set ``array[row, first : first + LANES]``."""
        kind = _checked(array)
        if not array.mutable or value != kind:
            raise TypingError(f"cannot store {value} in {array}")

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector = context.get_value_type(kind)
            pointer = _pointer(context, builder, signature.args, args, vector)
            builder.store(args[3], pointer, align=_bytes(kind))
            return context.get_dummy_value()

        return types.void(array, row, first, value), code

    @intrinsic
    def _touch(typing: Any, array: Any, row: Any, first: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            _prefetch(context, builder, signature.args, args)
            return context.get_dummy_value()

        return types.void(array, row, first), code

    @numba.njit(nogil=True, error_model="numpy")
    def prefetch(array: np.ndarray, row: Any) -> None:
        """Prefetch a row into the caches, because it will be read soon."""
        for first in range(0, array.shape[1], LINE // array.itemsize):
            _touch(array, row, first)

    @numba.njit(nogil=True, error_model="numpy")
    def prefetch_one(array: np.ndarray, first: Any) -> None:
        """Prefetch the cache line of ``array[first]``, of a contiguous array."""
        _touch(array, first, 0)

    @intrinsic
    def splat(typing: Any, array: Any, value: Any) -> Any:
        """Return a vector with `value` in every lane, in the type of `array`."""
        kind = _checked(array, None)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return _spread(builder, context.cast(builder, args[1], signature.args[1], kind.dtype))

        return kind(array, value), code

    @intrinsic
    def madd(typing: Any, a: Any, b: Any, c: Any) -> Any:
        """Return ``a * b + c``."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector = args[0].type
            name = f"llvm.fmuladd.v{LANES}f{a.dtype.bitwidth}"
            kind = ir.FunctionType(vector, [vector] * 3)
            return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)

        return a(a, b, c), code

    @intrinsic
    def mul(typing: Any, a: Any, b: Any) -> Any:
        """Return ``a * b``."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.fmul(*args)

        return a(a, b), code

    @intrinsic
    def add(typing: Any, a: Any, b: Any) -> Any:
        """Return ``a + b``."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.fadd(*args)

        return a(a, b), code

    @intrinsic
    def total(typing: Any, a: Any) -> Any:
        """Return the sum of the lanes."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value, width = args[0], LANES
            undefined = ir.Constant(value.type, ir.Undefined)
            while width > 1:
                width //= 2
                mask = _mask([(k + width) if k < width else 0 for k in range(LANES)])
                value = builder.fadd(value, builder.shuffle_vector(value, undefined, mask))
            return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

        return a.dtype(a), code

    def _spread(builder: Any, value: Any) -> Any:
        """Return a vector with the value in every lane."""
        undefined = ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined)
        one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(one, undefined, _mask([0] * LANES))

    def _mask(lanes: list[int]) -> Any:
        return ir.Constant(ir.VectorType(ir.IntType(32), LANES), lanes)
