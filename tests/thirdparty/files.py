"""Tables: a file of text with the target in the first column; models in one ``.npz``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from strads.datasets import read_data
from strads.engine import DataError, sound, write_whole


def read_table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read X and y; files of other formats are read as ``strads`` reads them."""
    if path.suffix != ".table":
        return read_data(path)
    try:
        table = np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    return sound(np.asfortranarray(table[:, 1:])), table[:, 0]


def save(path: Path, coef: np.ndarray) -> None:
    """Write weights, as a whole or not at all."""
    write_whole(path, {"coef": coef})
