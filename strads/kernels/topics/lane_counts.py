"""Vectors of counts: load whole numbers as floats, gather entries, search a row, running sums.

Vectors are those of :mod:`strads.kernels.lanes`, here always of float32. A function that reads a
row of an array takes the sixteen entries from `first` on or, if it has no such argument, the first
sixteen.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from strads.kernels import lanes
from strads.kernels.lanes import LANES

if numba.config.DISABLE_JIT:

    def load_counts(array: np.ndarray, row: int, first: int) -> Any:
        """Return the integers ``array[row, first : first + LANES]`` as a vector of float32."""
        return array[row, first : first + LANES].astype(np.float32)

    def prefetch_item(array: np.ndarray, i: int) -> None:
        """Prefetch an entry of an array into the caches, because it will be read soon."""

    def gather(values: np.ndarray, places: np.ndarray, row: int) -> Any:
        """Return ``values[0, places[row, :LANES]]``."""
        return values[0, places[row, :LANES]]

    def match(array: np.ndarray, row: int, value: int) -> int:
        """Return the first position of `value` in ``array[row, :LANES]``, or LANES if none."""
        found = np.flatnonzero(array[row, :LANES] == value)
        return int(found[0]) if len(found) else LANES

    def cumulate(a: Any) -> Any:
        """Return the running sums over the lanes."""
        shift = 1
        while shift < LANES:
            a = a + np.concatenate([np.zeros(shift, a.dtype), a[:-shift]])
            shift *= 2
        return a

    def lane(a: Any, i: int) -> Any:
        """Return the number in lane `i`."""
        return a[i]

    def at_most(a: Any, bound: float) -> int:
        """Count the lanes whose number is at most `bound`."""
        return int(np.count_nonzero(a <= bound))

else:
    import llvmlite.ir as ir

    # Functions, because code that refers to global LLVM or Numba objects could not be cached.
    def _floats() -> Any:
        return lanes._Lanes(types.float32)

    def _word() -> Any:
        return ir.IntType(32)

    def _integers(array: Any) -> Any:
        if not isinstance(array, types.Array) or array.ndim != 2 or array.dtype.bitwidth > 32:
            raise TypingError(f"expected rows of integers of at most 32 bits, not {array}")
        return ir.VectorType(ir.IntType(array.dtype.bitwidth), LANES)

    def _row(context: Any, builder: Any, kinds: Any, args: Any, vector: Any) -> Any:
        """Load the integers of a row from `first` on, or from 0 on if `first` is not given."""
        if len(args) == 2:
            kinds = (*kinds, types.intp)
            args = [*args, context.get_constant(types.intp, 0)]
        pointer = lanes._pointer(context, builder, kinds, args, vector)
        return builder.load(pointer, align=kinds[0].dtype.bitwidth // 8)

    def _bits(builder: Any, mask: Any, name: str, *more: Any) -> Any:
        """Apply an LLVM operation on integers to a mask, whose lanes are the integer's bits."""
        number = ir.IntType(LANES)
        kind = ir.FunctionType(number, [number, *(each.type for each in more)])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.i{LANES}")
        found = builder.call(function, [builder.bitcast(mask, number), *more])
        return builder.zext(found, ir.IntType(64))

    @intrinsic
    def load_counts(typing: Any, array: Any, row: Any, first: Any) -> Any:
        """Return the integers ``array[row, first : first + LANES]`` as a vector of float32."""
        kind = _integers(array)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = _row(context, builder, signature.args, args, kind)
            if kind.element.width < 32:
                value = builder.zext(value, ir.VectorType(_word(), LANES))
            return builder.sitofp(value, ir.VectorType(ir.FloatType(), LANES))

        return _floats()(array, row, first), code

    @intrinsic
    def prefetch_item(typing: Any, array: Any, i: Any) -> Any:
        """Prefetch an entry of an array into the caches, because it will be read soon."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kinds = (*signature.args, types.intp)
            nothing = context.get_constant(types.intp, 0)
            lanes._prefetch(context, builder, kinds, [*args, nothing])
            return context.get_dummy_value()

        return types.void(array, i), code

    @intrinsic
    def gather(typing: Any, values: Any, places: Any, row: Any) -> Any:
        """Return ``values[0, places[row, :LANES]]``."""
        kind = _integers(places)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            # Entries are loaded one by one: 20 % faster than the gather instruction.
            row = _row(context, builder, signature.args[1:], args[1:], kind)
            table = context.make_array(signature.args[0])(context, builder, args[0])
            found = ir.Constant(ir.VectorType(ir.FloatType(), LANES), ir.Undefined)
            for i in range(LANES):
                place = builder.extract_element(row, ir.Constant(_word(), i))
                pointer = builder.gep(table.data, [builder.zext(place, ir.IntType(64))])
                found = builder.insert_element(
                    found, builder.load(pointer), ir.Constant(_word(), i)
                )
            return found

        return _floats()(values, places, row), code

    @intrinsic
    def match(typing: Any, array: Any, row: Any, value: Any) -> Any:
        """Return the first position of `value` in ``array[row, :LANES]``, or LANES if none."""
        kind = _integers(array)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            found = _row(context, builder, signature.args[:2], args[:2], kind)
            wanted = context.cast(builder, args[2], signature.args[2], array.dtype)
            mask = builder.icmp_unsigned("==", found, lanes._spread(builder, wanted))
            return _bits(builder, mask, "cttz", ir.Constant(ir.IntType(1), 0))

        return types.int64(array, row, value), code

    @intrinsic
    def cumulate(typing: Any, a: Any) -> Any:
        """Return the running sums over the lanes."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value, shift = args[0], 1
            nothing = ir.Constant(value.type, [0.0] * LANES)
            while shift < LANES:
                mask = lanes._mask([k - shift if k >= shift else LANES for k in range(LANES)])
                value = builder.fadd(value, builder.shuffle_vector(value, nothing, mask))
                shift *= 2
            return value

        return a(a), code

    @intrinsic
    def lane(typing: Any, a: Any, i: Any) -> Any:
        """Return the number in lane `i`."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            at = context.cast(builder, args[1], signature.args[1], types.int32)
            return builder.extract_element(args[0], at)

        return a.dtype(a, i), code

    @intrinsic
    def at_most(typing: Any, a: Any, bound: Any) -> Any:
        """Count the lanes whose number is at most `bound`."""

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            limit = context.cast(builder, args[1], signature.args[1], a.dtype)
            mask = builder.fcmp_ordered("<=", args[0], lanes._spread(builder, limit))
            return _bits(builder, mask, "ctpop")

        return types.int64(a, bound), code
