"""Files that stay open: whoever reads them gets the file that was opened, whatever has its name."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from strads.datasets.mapped.identity import FileIdentity
from strads.engine import DataError


class HeldFile:
    """A file that is open for reading as long as this object lives.

    Parameters
    ----------
    path : path

    Attributes
    ----------
    identity : FileIdentity
        Of the file that was opened.
    descriptor : int

    Raises
    ------
    DataError
        If there is no such file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        path = Path(path).absolute()
        try:
            # Do not wait: there may be a pipe at that path.
            self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise DataError(
                f"{path} cannot be opened ({error.strerror}); check the path"
            ) from error
        self._end = weakref.finalize(self, os.close, self.descriptor)
        self.identity = FileIdentity.of_status(path, os.fstat(self.descriptor))

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self.identity.path} is open in this process, and cannot be sent to another one; map "
            "it there"
        )

    @property
    def location(self) -> bytes:
        """Path by which this process and its children open the same file once more."""
        # Where the system has it, a path that leads to the open file, even if it was replaced.
        path = f"/proc/{os.getpid()}/fd/{self.descriptor}"
        return os.fsencode(path if os.path.exists(path) else self.identity.path)


class FilePart(NamedTuple):
    """An array of one dimension in a file.

    Attributes
    ----------
    file : HeldFile
    offset : int
        Where it begins, in bytes.
    size : int
        Number of entries.
    dtype : dtype
    """

    file: HeldFile
    offset: int
    size: int
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.size * self.dtype.itemsize
