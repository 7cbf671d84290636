"""Whole files of arrays: written so that a name refers to all of a file, read only if it is whole.

What such a file holds may be private (a model keeps ids of users), so nobody but its owner may read
it, whatever the umask says. A file that replaces another keeps the mode which that had: who shares
a model with others by ``chmod`` need not do it again.

A file that is read may be damaged or made to do harm. Nothing in it is executed, and no more memory
is taken than it has bytes.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from strads.engine.errors import DataError

try:
    import fcntl
except ImportError:  # on Windows; there unfinished files cannot be told from those being written
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "SUFFIX",
    "demand_array",
    "fcntl",
    "read_whole",
    "replace_whole",
    "sweep",
    "without_waiting",
    "write_whole",
]

SUFFIX = ".unfinished"
#: Called with the path of every file before it is written; :class:`strads.Chaos` sets it.
before_writing: Callable[[Path], None] | None = None
#: Mode of a new file: its owner may read and write it.
PRIVATE = 0o600
#: Kinds of numbers and text. Objects are pickles, and to load a pickle is to run it.
KINDS = "biufcSUmM"
ENCRYPTED = 1  # a bit of the flags of a part
_HEADERS: dict[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def write_whole(path: Path, arrays: Mapping[str, np.ndarray], *, durable: bool = True) -> None:
    """Write arrays to a ``.npz`` file that gets its name when it is complete.

    If it is to be `durable`, wait until the disk has it: then not even a crash of the machine can
    leave an incomplete file.

    Unfinished files for the same path whose writers have died are removed first: they are as large
    as the finished one, and may have filled the disk.
    """
    replace_whole(
        path,
        lambda file: np.savez(file, **arrays),  # type: ignore[arg-type]
        durable=durable,
    )


def replace_whole(path: Path, write: Callable[[IO[bytes]], Any], *, durable: bool = True) -> None:
    """Let `write` fill a file that gets its name when it is complete; see :func:`write_whole`.

    Parameters
    ----------
    path : Path
    write : callable
        Called with the open file.
    durable : bool
        Whether to wait for the disk.
    """
    sweep(path.parent, path.name)
    if before_writing is not None:
        before_writing(path)
    unfinished, file = _begin(path)
    try:
        with file:
            write(file)
            file.flush()
            if durable:
                os.fsync(file.fileno())  # else a crash of the machine could leave an empty file
            _keep_mode(path, file)
            os.replace(unfinished, path)
        if durable:
            _sync_folder(path.parent)  # else it could leave the former file
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _keep_mode(path: Path, file: IO[Any]) -> None:
    """Give a new file the permissions of the one that it replaces, if there is one."""
    with contextlib.suppress(OSError):
        former = path.stat()
        if stat.S_ISREG(former.st_mode) and hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), stat.S_IMODE(former.st_mode) & 0o666)


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove unfinished files whose writers have died and so hold no lock on them.

    Parameters
    ----------
    folder : Path
    name : str, optional
        Name of the file that was to be written; by default all files count.
    """
    if fcntl is None:
        return
    for left in folder.glob(f".{'*' if name is None else _escaped(name)}.*{SUFFIX}"):
        with contextlib.suppress(OSError), open(left, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _begin(path: Path) -> tuple[Path, IO[bytes]]:
    """Create a file of a new name and lock it; the lock ends when it is closed."""
    while True:
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}{SUFFIX}")
        number = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, PRIVATE)
        file = open(number, "r+b")  # noqa: SIM115  # the caller closes it
        if fcntl is None:
            return unfinished, file
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks, where sweep() removes nothing
            return unfinished, file
        except BaseException:
            file.close()
            raise
        if os.fstat(file.fileno()).st_nlink:
            return unfinished, file
        file.close()  # another process removed the file before it was locked


_BINARY = getattr(os, "O_BINARY", 0)  # on Windows


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems cannot; the file itself is written
            os.fsync(number)
    finally:
        os.close(number)


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


@contextlib.contextmanager
def read_whole(path: str | os.PathLike[str]) -> Iterator[Mapping[str, np.ndarray]]:
    """Open a file that :func:`write_whole` has written; its arrays are read one by one.

    Raises
    ------
    DataError
        If the file is damaged, incomplete, packed, or holds other things than arrays of numbers
        and text. The message does not name the file: the caller knows what it was to be.
    OSError
        If the file cannot be opened.
    """
    with open(path, "rb", opener=without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DataError("it is not a regular file")
        try:
            with zipfile.ZipFile(file) as whole:
                _demand_parts(whole, os.fstat(file.fileno()).st_size)
                damaged = whole.testzip()  # verifies all checksums before anything is used
        except OSError as error:  # it has been opened, so a wrong offset in it is the cause
            raise DataError(f"it is damaged ({error})") from error
        if damaged is not None:
            raise DataError(f"its part {damaged} is damaged")
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            yield arrays


def without_waiting(path: str, flags: int) -> int:
    """Open a file; a named pipe would wait until somebody writes into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _demand_parts(whole: zipfile.ZipFile, size: int) -> None:
    """Compare what the parts announce with the bytes of the file, before memory is taken for it.

    Parts that are packed, or that share their bytes with others, could unpack to any size.
    """
    parts = whole.infolist()
    if any(part.compress_type != zipfile.ZIP_STORED for part in parts):
        raise DataError("its parts are compressed, which they are never written")
    if any(part.flag_bits & ENCRYPTED for part in parts):
        raise DataError("its parts are encrypted")
    announced = sum(part.file_size for part in parts)
    if announced > size or len({part.filename for part in parts}) < len(parts):
        raise DataError(
            f"it announces {len(parts)} parts of {announced:,} bytes in a file of {size:,}"
        )
    for part in parts:
        with whole.open(part) as content:
            demand_array(f"its part {part.filename}", content, part.file_size)


def demand_array(name: str, content: IO[bytes], end: int, *, exactly: bool = True) -> None:
    """Check that an array of numbers or text follows, and not more of it than there is.

    Parameters
    ----------
    name : str
        For messages.
    content : file
        At the beginning of what ``np.save`` has written.
    end : int
        Where the array ends; without `exactly`, where it ends at the latest.

    Raises
    ------
    DataError
        If not.
    """
    version = np.lib.format.read_magic(content)
    if version not in _HEADERS:
        raise DataError(f"{name} is no array of numbers or text")
    shape, _, dtype = _HEADERS[version](content)
    if dtype.kind not in KINDS:
        raise DataError(f"{name} holds {dtype}, not numbers or text")
    announced, present = math.prod(shape) * dtype.itemsize, end - content.tell()
    fits = announced == present if exactly else announced <= present
    if min(shape, default=0) < 0 or not fits:
        raise DataError(
            f"{name} announces an array of shape {shape}, {announced:,} bytes, but {present:,} "
            "follow"
        )
