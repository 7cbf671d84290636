"""Write a file so that its name refers to the complete new file or to the former one."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

try:
    import fcntl
except ImportError:  # on Windows; there unfinished files cannot be told from those being written
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".unfinished"


def write_whole(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to a ``.npz`` file that gets its name when it is complete.

    Unfinished files for the same path whose writers have died are removed first: they are as large
    as the finished one, and may have filled the disk.
    """
    sweep(path)
    unfinished, file = _begin(path)
    try:
        with file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())  # else a crash of the machine could leave an empty file
            os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def sweep(path: Path) -> None:
    """Remove unfinished files for a path whose writers have died and so hold no lock on them."""
    if fcntl is None:
        return
    for left in path.parent.glob(f".{_escaped(path.name)}.*{SUFFIX}"):
        with contextlib.suppress(OSError), open(left, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _begin(path: Path) -> tuple[Path, IO[Any]]:
    """Create a file of a new name and lock it; the lock ends when it is closed."""
    while True:
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}{SUFFIX}")
        file = open(unfinished, "xb")  # noqa: SIM115  # the caller closes it
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


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
