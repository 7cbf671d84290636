"""Segments: shared memory without a name, and a portable fallback for it.

The fallback is used on other systems than Linux, or with ``STRADS_PORTABLE=1``. In either case a
segment has a descriptor but no name, so the system frees it when the last process that maps it has
ended, for whatever reason.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import functools
import mmap
import os
import secrets
import weakref
from typing import Any

from strads.engine import platform
from strads.engine.errors import InsufficientMemory

#: Why memory cannot be mapped, and what to do.
_NO_ADDRESSES = (
    "to be mapped, reserved capacity included: the address space of this process is limited. Raise "
    "the limit (ulimit -v), or reserve less"
)


class Segment:
    """Anonymous shared memory, mapped into this process.

    Parameters
    ----------
    fd : int
        Descriptor of the memory; the segment owns it from now on.
    nbytes : int
    keep : bool
        Whether to keep the descriptor open, so that it can be sent to other processes. A segment
        then has one open file; with `mmap.mmap` it would have two.

    Attributes
    ----------
    nbytes : int
    handle : tuple
        Picklable; :func:`attach_segment` needs it together with the descriptors.
    """

    handle: tuple[str, ...] = ("fd",)
    protection = mmap.PROT_READ | mmap.PROT_WRITE

    def __init__(self, fd: int, nbytes: int, *, keep: bool = True) -> None:
        self.nbytes = nbytes
        self._map: Any = None
        self._fd: int | None = fd
        try:
            self._map = _map(fd, nbytes, self.protection)
        except BaseException:
            self._close_descriptor()
            raise
        if not keep:
            self._close_descriptor()

    @property
    def buffer(self) -> Any:
        """The memory, for ``np.frombuffer``; writable unless it is a file."""
        if self._map is None:
            raise ValueError("this segment is closed")
        return self._map

    def descriptors(self) -> list[int]:
        """Return the open file descriptors to send along with the handle."""
        if self._map is None or self._fd is None:
            raise ValueError("this segment is closed")
        return [self._fd]

    def close(self) -> None:
        """Unmap the memory; if arrays still use it, it stays mapped until the last one is gone."""
        self._map = None
        self._close_descriptor()

    def _close_descriptor(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __del__(self) -> None:
        """Close the descriptor if nobody has closed it."""
        self._close_descriptor()


def _map(fd: int, nbytes: int, protection: int) -> Any:
    """Map memory; it is unmapped when nothing refers to the returned object any more."""
    libc = _libc()
    address = libc.mmap(None, nbytes, protection, mmap.MAP_SHARED, fd, 0)
    if address == ctypes.c_void_p(-1).value:
        number = ctypes.get_errno()
        if number == errno.ENOMEM:
            left = platform.available_memory()
            raise InsufficientMemory(needed=nbytes, available=left, largest=[], where=_NO_ADDRESSES)
        raise OSError(number, os.strerror(number))
    memory = (ctypes.c_char * nbytes).from_address(address)
    weakref.finalize(memory, libc.munmap, address, nbytes).atexit = False
    return memory


class FileSegment(Segment):
    """A file of the user, mapped read-only.

    Its descriptor is sent to workers like that of any segment, so they map this very file even if
    another file has its path by then.
    """

    handle = ("file",)
    protection = mmap.PROT_READ


@functools.cache
def _libc() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    pointer, size, word = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    libc.mmap.restype = pointer
    libc.mmap.argtypes = [pointer, size, word, word, word, ctypes.c_long]
    libc.munmap.argtypes = [pointer, size]
    return libc


def create_segment(nbytes: int, *, reserved: bool = False) -> Segment:
    """Make a segment of zeros; its pages take memory only once they are touched.

    Parameters
    ----------
    nbytes : int
        Size; a segment has at least one byte.
    reserved : bool
        Whether most of it may never be touched. The fallback then takes no memory for it yet.

    Returns
    -------
    segment : Segment

    Raises
    ------
    InsufficientMemory
        If the file system of shared memory has not enough left for it (in the fallback only).
    """
    nbytes = max(nbytes, 1)
    fd = os.memfd_create("strads", os.MFD_CLOEXEC) if platform.LINUX else _unnamed_memory()
    if fd <= 2:  # a daemon may have closed these; nothing printed must end up in the segment
        low, fd = fd, fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
        os.close(low)
    try:
        os.ftruncate(fd, nbytes)
        if not reserved:
            demand_shared_memory(nbytes, fd)
    except BaseException:
        os.close(fd)
        raise
    return Segment(fd, nbytes)


def attach_segment(handle: Any, descriptors: list[int], nbytes: int) -> Segment:
    """Map a segment that another process made.

    Parameters
    ----------
    handle : tuple
    descriptors : list of int
        The segment's descriptors as received; they are closed once the memory is mapped.
    nbytes : int

    Returns
    -------
    segment : Segment
    """
    for kind in (Segment, FileSegment):
        if handle == kind.handle and len(descriptors) == 1:
            return kind(descriptors[0], nbytes, keep=False)
    raise ValueError(f"no segment: handle {handle!r} with {len(descriptors)} descriptors")


def _unnamed_memory() -> int:
    # multiprocessing.shared_memory keeps the name until every process has attached, and starts a
    # tracker process. A descriptor that is sent by socket needs the name during one call only.
    import _posixshmem

    name = f"/strads-{secrets.token_hex(8)}"
    fd: int = _posixshmem.shm_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600)
    _posixshmem.shm_unlink(name)
    return fd


#: Where shared memory may be short although the machine has memory left, and what to do.
_WHERE_SHORT = (
    "in /dev/shm, which shared memory is taken from with STRADS_PORTABLE=1; mount a larger one "
    "(docker run --shm-size), unset that variable, or use executor='serial'"
)


def demand_shared_memory(nbytes: int, fd: int | None = None) -> None:
    """Refuse shared memory for which its file system has not enough left.

    Only the fallback takes shared memory from a file system: from ``/dev/shm``, whose size is 64
    MiB in many containers, however much memory the machine has left. Touching a page for which it
    has nothing left kills a process.

    Parameters
    ----------
    nbytes : int
    fd : int, optional
        Descriptor of the memory; it then gets all of its missing pages now.

    Raises
    ------
    InsufficientMemory
    """
    # On macOS shared memory is not a file system.
    if platform.LINUX or not hasattr(os, "posix_fallocate"):
        return
    try:
        free = os.statvfs("/dev/shm" if fd is None else fd)
    except OSError:
        return
    left = free.f_bavail * free.f_frsize
    try:
        if fd is not None:
            os.posix_fallocate(fd, 0, nbytes)
        elif nbytes > left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.ENOMEM):
            raise
        raise InsufficientMemory(
            needed=nbytes, available=left, largest=[], where=_WHERE_SHORT
        ) from error
