"""Reading a design matrix X with a target y, which is in the same file or in one of its own."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from strads.datasets.design_matrix import demand_finite, read_matrix
from strads.datasets.files.array_file import names_in, read_npy, read_npz
from strads.datasets.files.column_roles import listed
from strads.datasets.files.guards import guarded
from strads.datasets.files.text_file import LONGEST, open_text
from strads.datasets.mapped.opening import can_be_mapped, map_matrix
from strads.datasets.table import column_names, is_table, read_table
from strads.engine import DataError


def read_data(
    path: str | Path, target: str | Path | None = None, *, drop: Collection[str] = ()
) -> tuple[Any, np.ndarray]:
    """Read X and y.

    Parameters
    ----------
    path : path
        See :func:`read_matrix`.
    target : str or path, optional
        Name of a column, if `path` is a table; or a file: ``.npy``, ``.npz`` with an array ``y``, a
        table of one column, or text with one number a line. It is needed if `path` holds no target;
        if both have a target, this one is used.
    drop : collection of str, default=()
        Columns of a table to leave out; see :func:`read_table`.

    Returns
    -------
    X : csc_array or ndarray of shape (n_samples, n_features)
        Design matrix.
    y : ndarray of shape (n_samples,)
        Target, of float64.

    Raises
    ------
    DataError
        If a file is missing, damaged, of unknown format, or holds values that are not finite; or if
        X and y differ in length. It is a ValueError; its message names the file.
    """
    X, y, _ = read_named_data(path, target, drop)
    return X, y


def read_named_data(
    path: str | Path, target: str | Path | None = None, drop: Collection[str] = (), *,
    mapped: bool = False,
) -> tuple[Any, np.ndarray, tuple[str, ...] | None]:  # fmt: skip
    """Read X, y and, if `path` is a table, the names of the columns of X; see :func:`read_data`.

    A folder that ``strads convert`` has made and a ``.bed`` file are mapped, not read; with
    `mapped` a ``.npy`` file is so, too.
    """
    X: Any
    path, names, in_table = Path(path), None, False
    if can_be_mapped(path) and (mapped or path.suffix.lower() != ".npy") and not drop:
        matrix = map_matrix(path)
        X, y = matrix, matrix.target
    elif mapped:
        raise DataError(
            f"--max-memory is for data that stay in their file, and {path} is read as a whole: "
            "convert it with `strads convert`, or leave --max-memory out"
        )
    elif is_table(path):
        in_table = target is not None and (str(target) in column_names(path))
        _demand_target(path, target, in_table)
        table = read_table(path, target=str(target) if in_table else None, drop=drop)
        X, y, names = table.X, table.y, table.names
    elif drop:
        raise DataError(f"{path} is no table with named columns; leave out --drop")
    else:
        X, y = read_matrix(path)
    source = path
    if target is not None and not in_table:
        source = Path(target)
        y = guarded(source, _read_target)
    if y is None:
        raise DataError(f"{path} holds no target; give one with --target FILE")
    return X, _target(path, source, X, y), names


def _demand_target(path: Path, target: str | Path | None, in_table: bool) -> None:
    """Explain a missing target of a table, which may be a column or a file."""
    names = listed(column_names(path))
    if target is None:
        raise DataError(f"{path}: give the target with --target COLUMN; it has the columns {names}")
    if not in_table and not Path(target).exists():
        raise DataError(
            f"{path} has no column {str(target)!r}, nor is there a file of this name; it has the "
            f"columns {names}"
        )


def _target(path: Path, source: Path, X: Any, y: np.ndarray) -> np.ndarray:
    """Check the target and return it as a flat array of float64."""
    if y.size != max(y.shape, default=0):
        raise DataError(f"{source} holds a target of shape {y.shape}; one number a row is needed")
    y = y.ravel()
    if len(y) != X.shape[0]:
        raise DataError(f"the target of {source} has {len(y)} entries, {path} {X.shape[0]} rows")
    demand_finite(source, y)
    with np.errstate(over="ignore"):
        y = y.astype(np.float64)
    demand_finite(source, y)  # numbers of more than 64 bits may have overflowed
    return y


def _read_target(path: Path) -> np.ndarray:
    if path.suffix.lower() == ".npz":
        arrays = read_npz(path, ("y",))
        if "y" not in arrays:
            raise DataError(f"{path} holds {sorted(names_in(path))[:10]}; save the target as y")
        return arrays["y"]
    if path.suffix.lower() == ".npy":
        return np.asarray(read_npy(path))
    if is_table(path):
        return read_table(path).X
    with open_text(path, "replace", longest=LONGEST) as file, warnings.catch_warnings():
        warnings.simplefilter("error")  # such as NumPy's warning that there is no data
        return np.loadtxt(file, ndmin=1)
