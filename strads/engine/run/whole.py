"""Write a file so that its name stands for all of it or for what was there before."""

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
except ImportError:  # Windows: nothing tells who still writes
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".unfinished"


def write_whole(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as ``.npz`` beside a path, and give the file its name when it is complete.

    What writers that died have left beside it is removed first: their files are as large as the
    finished one, and may be what filled the disk.
    """
    sweep(path)
    unfinished, file = _begin(path)
    try:
        with file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())  # or a crash of the machine could leave an empty new file
            os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def sweep(path: Path) -> None:
    """Remove unfinished files for a path whose writers have died: nobody holds their lock."""
    if fcntl is None:
        return
    for left in path.parent.glob(f".{_escaped(path.name)}.*{SUFFIX}"):
        with contextlib.suppress(OSError), open(left, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _begin(path: Path) -> tuple[Path, IO[Any]]:
    """Create a file of a new name and lock it, as long as it is open or its writer lives."""
    while True:
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}{SUFFIX}")
        file = open(unfinished, "xb")  # noqa: SIM115  # the caller closes it
        if fcntl is None:
            return unfinished, file
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks; there nobody can sweep either
            return unfinished, file
        except BaseException:
            file.close()
            raise
        if os.fstat(file.fileno()).st_nlink:
            return unfinished, file
        file.close()  # somebody swept it before it was locked


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
