"""Views of consecutive entries of an array, made without the work of a general slice.

Numba's slices allow for negative and missing bounds, for bounds beyond the end and for any step,
and the new array counts a reference. For an engine that hands a kernel a handful of blocks in each
micro-round, of one id each, they take longer than the kernel.
"""

from __future__ import annotations

from typing import Any

import numba
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

if numba.config.DISABLE_JIT:

    def consecutive(array: Any, at: tuple[int, ...], lo: int, hi: int) -> Any:
        """Return ``array[*at, lo:hi]``, without checks; its references are not counted.

        Parameters
        ----------
        array : ndarray
            With C layout. The caller keeps it alive while the view is used.
        at : tuple of int
            Valid indices, not negative.
        lo, hi : int
            With ``0 <= lo <= hi <= array.shape[len(at)]``.
        """
        return array[(*at, slice(lo, hi))]

else:

    @intrinsic
    def consecutive(typing: Any, array: Any, at: Any, lo: Any, hi: Any) -> Any:
        """Return ``array[*at, lo:hi]``, without checks; its references are not counted.

        Parameters
        ----------
        array : ndarray
            With C layout. The caller keeps it alive while the view is used.
        at : tuple of int
            Valid indices, not negative.
        lo, hi : int
            With ``0 <= lo <= hi <= array.shape[len(at)]``.
        """
        if not isinstance(array, types.Array) or array.layout != "C" or array.ndim <= len(at):
            raise TypingError(f"consecutive() needs a C array of more than {len(at)} axes: {array}")
        view = array.copy(ndim=array.ndim - len(at))

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kinds = signature.args
            whole = context.make_array(kinds[0])(context, builder, args[0])
            strides = cgutils.unpack_tuple(builder, whole.strides)
            shape = cgutils.unpack_tuple(builder, whole.shape)
            given = cgutils.unpack_tuple(builder, args[1])
            first, last = (context.cast(builder, args[k], kinds[k], types.intp) for k in (2, 3))
            indices = [
                context.cast(builder, value, kind, types.intp)
                for value, kind in zip(given, kinds[1], strict=True)
            ]
            offset = context.get_constant(types.intp, 0)
            for index, stride in zip([*indices, first], strides, strict=False):
                offset = builder.add(offset, builder.mul(index, stride))
            data = cgutils.pointer_add(builder, whole.data, offset)
            part = context.make_array(view)(context, builder)
            context.populate_array(
                part, data=data, shape=[builder.sub(last, first), *shape[len(indices) + 1 :]],
                strides=strides[len(indices) :], itemsize=whole.itemsize, meminfo=None,
            )  # fmt: skip
            return part._getvalue()

        return view(array, at, lo, hi), code
