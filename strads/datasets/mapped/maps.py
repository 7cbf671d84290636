"""A matrix in files as maps of them: the data of a program, of which it reads what it touches."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.datasets.mapped.held import FilePart


def maps_of(
    shape: tuple[int, int], by_columns: bool, starts: np.ndarray, numbers: FilePart,
    indices: FilePart | None,
) -> Any:  # fmt: skip
    """Return a csc_array or csr_array, or an array, that maps files read-only.

    The bounds of columns or rows are in memory. They have the type of the indices: SciPy would
    copy all indices otherwise.
    """
    if indices is None:
        array = _map_of(numbers)
        return array.reshape(shape, order="F" if by_columns else "C")
    fits = starts[-1] <= np.iinfo(indices.dtype).max
    bounds = starts.astype(indices.dtype if fits else np.int64)
    kind = sp.csc_array if by_columns else sp.csr_array
    return kind((_map_of(numbers), _map_of(indices), bounds), shape=shape)


def _map_of(part: FilePart) -> np.memmap:
    path = part.file.identity.path
    return np.memmap(path, part.dtype, "r", part.offset, (part.size,))
