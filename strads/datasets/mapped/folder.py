"""A folder that holds a sparse matrix: three ``.npy`` files, and a description of them.

``data.npy``, ``indices.npy`` and ``indptr.npy`` are the arrays of a CSC or CSR matrix, ``y.npy``
its target if there is one, and ``matrix.json`` says which layout it is, and of what shape. The
description is written last, so a folder without it is not complete. A folder by rows may have
another one in it, with the same matrix by columns.
"""

from __future__ import annotations

import json
from pathlib import Path

from strads.engine import DataError

DESCRIPTION = "matrix.json"
#: Folder within the folder, which holds the same matrix by columns.
TURNED = "by-columns"


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder with a described matrix."""
    return (path / DESCRIPTION).is_file()


def write_description(folder: Path, layout: str, shape: tuple[int, int]) -> None:
    """Describe the matrix whose arrays a folder holds."""
    words = {"format": layout, "shape": [int(size) for size in shape]}
    (folder / DESCRIPTION).write_text(json.dumps(words) + "\n", encoding="utf-8")


def read_description(folder: Path) -> tuple[str, tuple[int, int]]:
    """Return layout and shape.

    Raises
    ------
    DataError
        If the description is damaged.
    """
    try:
        words = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        layout, (rows, columns) = words["format"], words["shape"]
        if layout not in ("csc", "csr") or not (int(rows) > 0 and int(columns) > 0):
            raise ValueError(f"format {layout!r}, shape {(rows, columns)}")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{folder / DESCRIPTION} is damaged ({error}); convert the matrix again"
        ) from error
    return layout, (int(rows), int(columns))
