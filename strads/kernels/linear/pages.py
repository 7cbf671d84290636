"""Advice to the system about pages of mapped files: which to read ahead, and which to give back.

Only maps of files may be given back: of other memory, the contents would be lost.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import Any

import numba
import numpy as np
from numba import types

kernel = numba.njit(nogil=True, error_model="numpy")

#: Advice for :func:`advise`: these pages are read soon; this process does not need them any more.
WILLNEED, DONTNEED = 3, 4
#: On other systems the numbers have other meanings, and nothing is advised.
ADVISED = sys.platform == "linux"
PAGE = mmap.PAGESIZE
#: Touching one page may map its neighbours as well, but none beyond a multiple of so many bytes:
#: the system maps what it has cached in one piece. So this much is given back together.
TOGETHER = 1 << 21

if numba.config.DISABLE_JIT:

    def _address(array: Any) -> int:
        return int(array.__array_interface__["data"][0])

    def _madvise(address: int, nbytes: int, advice: int) -> int:
        found: int = ctypes.CDLL(None).madvise(
            ctypes.c_void_p(int(address)), ctypes.c_size_t(int(nbytes)), advice
        )
        return found

else:
    # An external symbol: code that uses ctypes pointers could not be cached.
    _madvise = types.ExternalFunction("madvise", types.int32(types.uintp, types.uintp, types.int32))

    @kernel
    def _address(array: Any) -> int:
        return array.ctypes.data


@kernel
def advise(array: Any, first: int, last: int, advice: int) -> None:
    """Advise on the entries ``first <= i < last`` of an array of one dimension.

    Parameters
    ----------
    array : ndarray
        Contiguous, in a file that is mapped read-only.
    first, last : int
    advice : int
        `WILLNEED` or `DONTNEED`.
    """
    if not ADVISED or last <= first:
        return
    base = np.int64(_address(array))
    begin, end = base + first * array.itemsize, base + last * array.itemsize
    if advice == DONTNEED:
        # Other entries that are given back are read again. Nothing outside of the map may be.
        begin = max(base, begin // TOGETHER * TOGETHER)
        end = min(base + array.size * array.itemsize, -(-end // TOGETHER) * TOGETHER)
    begin = begin // PAGE * PAGE
    _madvise(begin, end - begin, advice)
