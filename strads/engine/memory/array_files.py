"""Arrays in files of a folder that the user names, for models larger than memory.

Pages of such an array that nobody needs at the moment are written to the disk and leave memory,
while pages of ordinary shared memory can only go to the swap space. The files have no name, so
nothing is left of them when the last process that uses them has ended, for whatever reason.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from strads.engine.errors import InsufficientMemory, ProgramError
from strads.engine.memory.segments import Segment

#: In the environment: the folder for runs whose caller names none.
VARIABLE = "STRADS_ARRAY_DIR"
#: Kinds of fields that lie in files: what a run changes and checkpoints keep.
KINDS = ("variable", "derived")


def array_folder(asked: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder of a run's arrays, after a check; None if they lie in memory.

    Parameters
    ----------
    asked : path or None
        None stands for what the environment says.

    Raises
    ------
    ProgramError
        If it is not a folder that can be written to.
    """
    path = os.environ.get(VARIABLE, "") if asked is None else os.fspath(asked)
    if not path:
        return None
    if not os.path.isdir(path) or not os.access(path, os.W_OK | os.X_OK):
        what = VARIABLE if asked is None else "array_dir"
        raise ProgramError(f"{what}={path!r} is not a folder that can be written to: make it first")
    return Path(path)


def create_file(folder: Path, nbytes: int) -> Segment:
    """Make a file of zeros without a name, mapped into this process; all of it is on the disk.

    Raises
    ------
    InsufficientMemory
        If the disk has not enough left.
    """
    nbytes = max(nbytes, 1)
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, nbytes)
            else:
                os.ftruncate(file.fileno(), nbytes)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            left = os.statvfs(folder)
            raise InsufficientMemory(
                needed=nbytes,
                available=left.f_bavail * left.f_frsize,
                largest=[],
                where=f"on the disk of {folder}, which array_dir names",
            ) from error
        fd = fcntl.fcntl(file.fileno(), fcntl.F_DUPFD_CLOEXEC, 3)
    return Segment(fd, nbytes)


def file_array(folder: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Return an array of zeros in a file of its own."""
    segment = create_file(folder, math.prod(shape) * dtype.itemsize)
    return np.ndarray(shape, dtype, segment.buffer)
