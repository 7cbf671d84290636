"""Files that are read once, or put out of the system's cache."""

from __future__ import annotations

import os
import time
from pathlib import Path

#: Bytes read, or generated, together.
BLOCK = 16 << 20


def read_once(path: Path) -> float:
    """Return the seconds that reading the files takes."""
    files = [path] if path.is_file() else sorted(path.rglob("*.npy"))
    forget(path)
    since = time.perf_counter()
    for file in files:
        with file.open("rb", buffering=0) as opened:
            while opened.read(BLOCK):
                pass
    return time.perf_counter() - since


def forget(path: Path) -> None:
    """Ask the system to drop the files from its cache."""
    for file in [path] if path.is_file() else path.rglob("*.npy"):
        fd = os.open(file, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
