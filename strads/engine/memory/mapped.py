"""Memory maps of files: find the file of an array, and check that it is still complete.

The path of a map does not tell which file is mapped: the file may have been replaced or deleted
since, and opening the path again would give other data. A map keeps showing the file that was open
when it was made. The system knows that file by device and inode, which no other file can get while
the map exists.
"""

from __future__ import annotations

import os
import stat
from typing import Any

import numpy as np

from strads.engine import platform
from strads.engine.errors import DataError
from strads.engine.memory.segments import FileSegment


def mapped(value: np.ndarray) -> tuple[str, int] | None:
    """Return path and offset of a contiguous array in a read-only memory map; else None."""
    whole = _whole(value)
    if whole is None or whole.filename is None or whole.mode != "r":
        return None
    if not (value.flags.c_contiguous or value.flags.f_contiguous):
        return None
    start = whole.__array_interface__["data"][0]
    shift = value.__array_interface__["data"][0] - start
    return str(whole.filename), int(whole.offset + shift)


def open_mapped(value: np.ndarray) -> tuple[FileSegment, int] | None:
    """Open the file of a memory map again, so that its descriptor can be sent to workers.

    Returns
    -------
    segment : FileSegment
        The whole file.
    offset : int
        Offset of the array in the file.
    None
        Instead of both, if `value` is not :func:`mapped`, or if the file that has this path now is
        not known to be the mapped one. Such an array has to be copied.
    """
    found = mapped(value)
    if found is None or not platform.LINUX or not value.nbytes:
        return None
    path, offset = found
    try:
        # Do not wait: there may be a pipe at that path now.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:  # deleted
        return None
    status = os.fstat(fd)
    size = status.st_size
    if not stat.S_ISREG(status.st_mode) or size < offset + value.nbytes:
        os.close(fd)
        return None
    segment = FileSegment(fd, size)  # closes the descriptor even if it raises
    address = np.frombuffer(segment.buffer, np.uint8).__array_interface__["data"][0]
    ours, theirs = _backing(value.__array_interface__["data"][0], address)
    if ours is not None and ours == theirs:
        return segment, offset
    segment.close()
    return None


def demand_whole_file(value: Any, name: str) -> None:
    """Refuse a memory map whose file has become shorter: reading beyond its end kills a process.

    Raises
    ------
    DataError
        If the file of a map is too short; the message names it.
    """
    parts = (value.data, value.indices, value.indptr) if hasattr(value, "indptr") else (value,)
    for part in parts:
        whole = _whole(part)
        memory = getattr(whole, "_mmap", None)
        if whole is None or memory is None:
            continue
        try:
            size = memory.size()
        except (ValueError, OSError):  # closed, or without a file
            continue
        needed = whole.offset + whole.nbytes
        if size < needed:
            raise DataError(
                f"{name} is a memory map of {whole.filename or 'a file'}, which has only {size} "
                f"of the {needed} bytes that were mapped; write the file anew and load it again"
            )


def _whole(value: Any) -> Any:
    """Return the outermost memory map that contains an array; None if there is none."""
    base = value
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    whole: Any = base
    while isinstance(getattr(whole, "base", None), np.memmap):
        whole = whole.base
    return whole


def _backing(*addresses: int) -> list[tuple[str, str] | None]:
    """Return device and inode of the file mapped at each address; None if there is no file.

    Compare them only with each other: some file systems (overlays, subvolumes) show other numbers
    here than ``os.stat`` does.
    """
    found: list[tuple[str, str] | None] = [None] * len(addresses)
    try:
        lines = (platform._PROC / "self" / "maps").read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        span, _, _, device, inode, *_ = line.split(maxsplit=5)
        start, end = (int(word, 16) for word in span.split("-"))
        for k, address in enumerate(addresses):
            if start <= address < end and inode != "0":
                found[k] = (device, inode)
    return found
