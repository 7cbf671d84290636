"""Write a file so that its name refers to the complete new file or to the former one."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

try:
    import fcntl
except ImportError:  # on Windows; there unfinished files cannot be told from those being written
    fcntl = None  # type: ignore[assignment]

__all__ = ["SUFFIX", "fcntl", "replace_whole", "sweep", "write_whole"]

SUFFIX = ".unfinished"


def write_whole(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to a ``.npz`` file that gets its name when it is complete.

    Unfinished files for the same path whose writers have died are removed first: they are as large
    as the finished one, and may have filled the disk.
    """
    replace_whole(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def replace_whole(path: Path, write: Callable[[IO[bytes]], Any], *, private: bool = False) -> None:
    """Let `write` fill a file that gets its name when it is complete; see :func:`write_whole`.

    Parameters
    ----------
    path : Path
    write : callable
        Called with the open file.
    private : bool
        Whether only the user may read the file.
    """
    sweep(path.parent, path.name)
    unfinished, file = _begin(path, 0o600 if private else 0o666)
    try:
        with file:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # else a crash of the machine could leave an empty file
            os.replace(unfinished, path)
        _sync_folder(path.parent)  # else it could leave the former file
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


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


def _begin(path: Path, mode: int) -> tuple[Path, IO[bytes]]:
    """Create a file of a new name and lock it; the lock ends when it is closed."""
    while True:
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}{SUFFIX}")
        number = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, mode)
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
