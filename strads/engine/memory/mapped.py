"""Arrays that are memory maps of files: which file is behind one, and is it all still there.

A path says nothing about a map: the file may have been replaced or deleted since, and who opens
the path again gets other data. What a map shows is the file that was open when it was made. The
system knows that file by device and inode, which stay taken while the map exists.
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
    """File and offset of a whole, contiguous, read-only memory map; None for anything else."""
    whole = _whole(value)
    if whole is None or whole.filename is None or whole.mode != "r":
        return None
    if not (value.flags.c_contiguous or value.flags.f_contiguous):
        return None
    start = whole.__array_interface__["data"][0]
    shift = value.__array_interface__["data"][0] - start
    return str(whole.filename), int(whole.offset + shift)


def open_mapped(value: np.ndarray) -> tuple[FileSegment, int] | None:
    """Open the file behind a memory map once more, so that its descriptor can be handed over.

    Returns
    -------
    segment : FileSegment
        Of the whole file.
    offset : int
        Where in it the array begins.
    None
        Instead of both, if `value` is not :func:`mapped`, or if what has the file's name now is
        not known to be the file that is mapped. Such an array has to be copied.
    """
    found = mapped(value)
    if found is None or not platform.LINUX or not value.nbytes:
        return None
    path, offset = found
    try:
        # Without waiting: what is there now may be a pipe.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:  # deleted
        return None
    status = os.fstat(fd)
    size = status.st_size
    if not stat.S_ISREG(status.st_mode) or size < offset + value.nbytes:
        os.close(fd)
        return None
    segment = FileSegment(fd, size)  # owns the descriptor, also if it fails
    address = np.frombuffer(segment.buffer, np.uint8).__array_interface__["data"][0]
    ours, theirs = _backing(value.__array_interface__["data"][0], address)
    if ours is not None and ours == theirs:
        return segment, offset
    segment.close()
    return None


def demand_whole_file(value: Any, name: str) -> None:
    """Refuse a memory map whose file has become shorter: reading beyond its end ends a process.

    Raises
    ------
    DataError
        Naming the file.
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
                f"{name} is a memory map of {whole.filename or 'a file'}, which is down to {size} "
                f"of {needed} bytes since it was mapped; write the file anew and load it again"
            )


def _whole(value: Any) -> Any:
    """Return the outermost memory map that an array is a part of; None if there is none."""
    base = value
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    whole: Any = base
    while isinstance(getattr(whole, "base", None), np.memmap):
        whole = whole.base
    return whole


def _backing(*addresses: int) -> list[tuple[str, str] | None]:
    """Device and inode of what is mapped at each address of this process; None if no file.

    Only good to be compared with each other: some file systems (overlays, subvolumes) show
    other numbers here than ``os.stat`` does.
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
