"""Arrays whose references are not counted, for the inner loops of compiled code.

Numba counts the references to an array by two atomic additions in every function that gets the
array as an argument, unless it can prove that the additions cancel. For a named tuple of a dozen
arrays they take longer than drawing an id from a tree. A borrowed array has no reference counter.
In a function that is inlined into the borrowing one (``forceinline``), the compiler even removes
the test whether there is a counter.
"""

from __future__ import annotations

from typing import Any

import numba
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

if numba.config.DISABLE_JIT:

    def borrowed(value: Any) -> Any:
        """Return an array, or a tuple of arrays, whose references are not counted.

        Borrow only what a function got as an argument, since its caller keeps that alive: an array
        that the function made itself would be freed at once. A borrowed array must not be returned.
        """
        return value

else:

    def _without_counter(context: Any, builder: Any, kind: Any, value: Any) -> Any:
        if isinstance(kind, types.Array):
            array = context.make_array(kind)(context, builder, value)
            array.meminfo = cgutils.get_null_value(array.meminfo.type)
            array.parent = cgutils.get_null_value(array.parent.type)
            return array._getvalue()
        if isinstance(kind, types.BaseTuple):
            for i, inner in enumerate(kind):
                part = builder.extract_value(value, i)
                bare = _without_counter(context, builder, inner, part)
                value = builder.insert_value(value, bare, i)
        return value

    @intrinsic
    def borrowed(typing: Any, value: Any) -> Any:
        """Return an array, or a tuple of arrays, whose references are not counted.

        Borrow only what a function got as an argument, since its caller keeps that alive: an array
        that the function made itself would be freed at once. A borrowed array must not be returned.
        """

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return _without_counter(context, builder, signature.args[0], args[0])

        return value(value), code
