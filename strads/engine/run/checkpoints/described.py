"""What a series of runs is of, in words, kept beside its checkpoints in two equal files.

Without it no checkpoint of the series can be used, and there is no earlier version of it. So there
are two copies, of which one may be damaged or missing.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from strads.engine.errors import DataError
from strads.engine.run.checkpoints.container import Arrays, write_arrays
from strads.engine.run.checkpoints.whole import replace_whole

#: The two copies.
DESCRIBED, SECOND = FILES = ("series.ckpt", "series-copy.ckpt")


def write_words(folder: Path, words: Mapping[str, str]) -> None:
    """Write both copies; an OSError says that one could not be written."""
    arrays = {name: np.frombuffer(word.encode(), np.uint8) for name, word in words.items()}
    for name in FILES:
        replace_whole(folder / name, lambda file: write_arrays(file, arrays))


def read_words(folder: Path) -> dict[str, str] | None:
    """Return what was written, or None if neither copy is there.

    Raises
    ------
    DataError
        If all copies that are there are damaged.

    Warns
    -----
    RuntimeWarning
        If the first copy is damaged, and the second one sound.
    """
    failed: DataError | None = None
    for path in (folder / name for name in FILES):
        if not path.exists():
            continue
        try:
            words = _read(path)
        except (DataError, OSError) as error:
            failed = failed or DataError(f"{path} cannot be read: {error}")
            continue
        if failed is not None:
            warnings.warn(f"{failed}; {SECOND} is used", RuntimeWarning, stacklevel=5)
        return words
    if failed is not None:
        raise failed
    return None


def remove_words(folder: Path) -> None:
    """Remove both copies."""
    for name in FILES:
        (folder / name).unlink(missing_ok=True)


def _read(path: Path) -> dict[str, str]:
    arrays = Arrays(path)
    try:
        return {name: arrays[name].tobytes().decode() for name in arrays.names}
    except UnicodeDecodeError as error:
        raise DataError(f"it is no text: {error}") from error
    finally:
        arrays.close()
