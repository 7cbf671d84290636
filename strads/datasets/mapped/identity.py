"""The identity of a file: what shows that it was replaced, shortened or written to since."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from strads.engine import DataError


@dataclass(frozen=True)
class FileIdentity:
    """What the system says of a file: which one it is, and when it was written last.

    Attributes
    ----------
    path : Path
        Absolute.
    device, inode, nbytes, modified : int
        `modified` is in nanoseconds.
    """

    path: Path
    device: int
    inode: int
    nbytes: int
    modified: int

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Self:
        """Return the identity of the file that has a path now.

        Raises
        ------
        DataError
            If there is no such file.
        """
        path = Path(path).absolute()
        try:
            status = path.stat()
        except OSError as error:
            raise DataError(
                f"{path} cannot be opened ({error.strerror}); check the path"
            ) from error
        return cls.of_status(path, status)

    @classmethod
    def of_status(cls, path: Path, status: os.stat_result) -> Self:
        """Return the identity of a file from what the system says of it.

        Raises
        ------
        DataError
            If it is no ordinary file.
        """
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path} is not a file; check the path")
        return cls(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def demand_same(self) -> None:
        """Refuse a path that leads to another file than before, or one that has been changed.

        Raises
        ------
        DataError
            If the file was deleted, replaced, shortened, or written to; the message says which.
        """
        now = type(self).of(self.path)
        if now == self:
            return
        if (now.device, now.inode) != (self.device, self.inode):
            what = "was replaced by another file"
        elif now.nbytes != self.nbytes:
            what = f"had {self.nbytes:,} bytes and now has {now.nbytes:,}"
        else:
            what = "was written to"
        raise DataError(f"{self.path} {what} since it was mapped; map it again, and fit anew")
