"""Reading files from within kernels: open, read, announce what is read next, close.

A part of a file is copied to a buffer. A map of the file would save the copy, but a file that is
shortened while it is read would then kill the process; here it is a short read, which the caller
is told.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

import numba
import numpy as np
from numba import types

kernel = numba.njit(nogil=True, error_model="numpy")

#: On other systems nothing is announced.
ANNOUNCED = sys.platform == "linux"
#: Advice for ``posix_fadvise``: this part is read soon.
WILLNEED = 3
FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)
#: A read that fails is repeated so often: a signal may have interrupted it.
TRIES = 1000

if numba.config.DISABLE_JIT:
    _LIBRARY = ctypes.CDLL(None)
    _LIBRARY.pread.restype = ctypes.c_ssize_t

    def _address(array: Any) -> int:
        return int(array.__array_interface__["data"][0])

    def _open(path: int, flags: int) -> int:
        found: int = _LIBRARY.open(ctypes.c_void_p(int(path)), flags)
        return found

    def _read(descriptor: int, address: int, nbytes: int, offset: int) -> int:
        found: int = _LIBRARY.pread(
            int(descriptor), ctypes.c_void_p(int(address)), ctypes.c_size_t(int(nbytes)),
            ctypes.c_int64(int(offset)),
        )  # fmt: skip
        return found

    def _announce(descriptor: int, offset: int, nbytes: int, advice: int) -> int:
        found: int = _LIBRARY.posix_fadvise(
            int(descriptor), ctypes.c_int64(int(offset)), ctypes.c_int64(int(nbytes)), advice
        )
        return found

    def _close(descriptor: int) -> int:
        found: int = _LIBRARY.close(int(descriptor))
        return found

else:
    # External symbols: code that uses ctypes pointers could not be cached.
    _open = types.ExternalFunction("open", types.int32(types.uintp, types.int32))
    _read = types.ExternalFunction(
        "pread", types.intp(types.int32, types.uintp, types.uintp, types.int64)
    )
    _announce = types.ExternalFunction(
        "posix_fadvise", types.int32(types.int32, types.int64, types.int64, types.int32)
    )
    _close = types.ExternalFunction("close", types.int32(types.int32))

    @kernel
    def _address(array: Any) -> int:
        return array.ctypes.data


@kernel
def open_file(path: np.ndarray) -> int:
    """Open a file, whose path is given in bytes that end with 0; return its descriptor, or −1."""
    return np.int64(_open(_address(path), FLAGS))


@kernel
def read_part(descriptor: int, offset: int, nbytes: int, buffer: np.ndarray) -> bool:
    """Copy a part of a file to the front of a buffer.

    Parameters
    ----------
    descriptor : int
    offset, nbytes : int
    buffer : ndarray of one dimension
        Contiguous, of at least so many bytes.

    Returns
    -------
    bool
        Whether all of it was read: the file did not end before, and the system gave no error.
    """
    if descriptor < 0:
        return False
    base, done, tries = np.int64(_address(buffer)), 0, 0
    while done < nbytes:
        count = _read(descriptor, base + done, nbytes - done, offset + done)
        if count > 0:
            done += count
        elif count == 0 or tries == TRIES:
            return False
        else:
            tries += 1
    return True


@kernel
def announce_part(descriptor: int, offset: int, nbytes: int) -> None:
    """Have the system read a part of a file ahead."""
    if ANNOUNCED and nbytes > 0 and descriptor >= 0:
        _announce(descriptor, offset, nbytes, WILLNEED)


@kernel
def close_file(descriptor: int) -> None:
    """Close a file, unless it could not be opened."""
    if descriptor >= 0:
        _close(descriptor)
