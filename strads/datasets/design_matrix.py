"""Reading a design matrix X from files; errors name the file and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import scipy.sparse as sp
from sklearn.datasets import load_svmlight_file

from strads.datasets.files.array_file import demand_arrays, names_in, read_npy, read_npz
from strads.datasets.files.guards import demand_memory, demand_plausible, guarded
from strads.datasets.files.mistaken import demand_no_ratings
from strads.datasets.files.text_file import check_text, open_closed
from strads.datasets.table import is_table, read_table
from strads.engine import DataError, sound

TABLES = (".csv", ".tsv")
SVMLIGHT = (".svm", ".svmlight", ".libsvm", ".txt")
MATRIX_MARKET = (".mtx", ".mm")
#: Names of the arrays in a file of scipy.sparse, whatever the format of the matrix.
PARTS = ("format", "shape", "_is_array", "data")
INDICES = ("indices", "indptr", "row", "col", "coords", "offsets")
#: Smallest number of bytes of an entry in MatrixMarket, by layout: digits, spaces and a newline.
LEAST = {"coordinate": 4, "array": 2}


def read_matrix(path: str | Path) -> tuple[Any, np.ndarray | None]:
    """Read X, and y if the file holds it.

    Parameters
    ----------
    path : path
        One of these:

        * svmlight (``.svm``, ``.svmlight``, ``.libsvm``, ``.txt``, also with ``.gz``). Indices are
          numbered from 1 unless one of them is 0.
        * MatrixMarket (``.mtx``, ``.mm``, also with ``.gz``).
        * ``.npz`` of scipy.sparse, or with an array ``X``; either may also have an array ``y``.
        * ``.npy``, which is memory-mapped, not read.
        * A table of numbers, ``.csv``, ``.tsv`` (also with ``.gz``) or ``.parquet``; see
          :func:`read_table`.

    Returns
    -------
    X : csc_array or ndarray of shape (n_samples, n_features)
        Design matrix.
    y : ndarray or None
        Target, if the file has one.

    Raises
    ------
    DataError
        If the file is missing, damaged, of unknown format, or holds values that are not finite. It
        is a ValueError; its message names the file.
    """
    path = Path(path)
    if is_table(path):
        return read_table(path).X, None
    X, y = guarded(path, _reader(path))
    if X.ndim != 2 or min(X.shape) == 0:
        raise DataError(f"{path} holds an array of shape {X.shape}; a matrix is needed")
    demand_finite(path, X.data if sp.issparse(X) else X)
    return X, y


def is_svmlight(path: Path) -> bool:
    """Return whether a file is in svmlight format, by its name."""
    return path.name.lower().removesuffix(".gz").endswith(SVMLIGHT)


def _reader(path: Path) -> Callable[[Path], tuple[Any, Any]]:
    packed = path.suffix.lower() == ".gz"
    suffix = (Path(path.stem) if packed else path).suffix.lower()
    text: dict[str, Callable[[Path], tuple[Any, Any]]] = {
        **dict.fromkeys(SVMLIGHT, _read_svmlight),
        **dict.fromkeys(MATRIX_MARKET, _read_matrix_market),
    }
    readers = {**text, ".npz": _read_npz, ".npy": _read_npy}
    if suffix not in (text if packed else readers):
        raise DataError(
            f"{path}: unknown format {suffix or '(no extension)'!r}; known are "
            f"{', '.join(sorted([*readers, *TABLES, '.parquet']))}, and "
            f"{', '.join(sorted([*text, *TABLES]))} followed by .gz"
        )
    return readers[suffix]


def _read_svmlight(path: Path) -> tuple[Any, Any]:
    check_text(path)
    demand_no_ratings(path, "rows in svmlight format")
    X, y = load_svmlight_file(str(path))
    return _columns(path, X), y


def _read_matrix_market(path: Path) -> tuple[Any, Any]:
    nbytes, ended = check_text(path)
    with open_closed(path) as file:
        rows, columns, entries, layout, _, _ = scipy.io.mminfo(file)
    _demand_entries(path, nbytes, rows, columns, entries, layout)
    if ended and path.suffix.lower() != ".gz":
        matrix = scipy.io.mmread(str(path))
    else:
        # SciPy's parser reads beyond the end of the file if the last line has no newline.
        with open_closed(path) as file:
            matrix = scipy.io.mmread(file)
    return (_columns(path, matrix) if sp.issparse(matrix) else np.asarray(matrix)), None


def _demand_entries(
    path: Path, nbytes: int, rows: int, columns: int, entries: int, layout: str
) -> None:
    """Refuse a MatrixMarket header that announces more entries than the file can hold."""
    announced = entries if layout == "coordinate" else rows * columns
    if min(rows, columns, entries) < 0:
        raise DataError(f"{path} announces {rows} rows, {columns} columns and {entries} entries")
    # A symmetric matrix is stored by one half of its entries.
    if announced * LEAST[layout] > 2 * nbytes + 64:
        raise DataError(
            f"{path} announces {announced:,} entries, but its {nbytes:,} bytes cannot hold as "
            "many; is the file complete?"
        )
    if layout == "coordinate":
        demand_plausible(path, (rows, columns), entries)
    else:
        demand_memory(path, 8 * announced, "its array takes")


def _columns(path: Path, matrix: Any) -> sp.csc_array:
    """Check a sparse matrix from a file, since kernels do not check indices; return it as CSC."""
    if matrix.ndim == 2:  # otherwise the caller raises an error
        demand_plausible(path, matrix.shape, matrix.nnz)
        if matrix.dtype.kind in "biuf":
            matrix = sound(matrix, "the matrix")
    return sp.csc_array(matrix)


def _read_npz(path: Path) -> tuple[Any, Any]:
    names = names_in(path)
    if "X" in names:
        arrays = read_npz(path, ("X", "y"))
        return arrays["X"], arrays.get("y")
    if not {"format", "shape", "data"} <= names:
        raise DataError(
            f"{path} holds {sorted(names)[:10]}; save an array X, or a matrix with "
            "scipy.sparse.save_npz"
        )
    for name, header in demand_arrays(path, (*PARTS, *INDICES)).items():
        if name in INDICES and header.dtype.kind not in "iu":  # SciPy would truncate fractions
            raise DataError(f"{path}: its array {name} is of {header.dtype}; integers are needed")
    y = read_npz(path, ("y",)).get("y")
    return _columns(path, _of_scipy(path)), y


def _of_scipy(path: Path) -> Any:
    shape = read_npz(path, ("shape",))["shape"]
    if shape.shape != (2,) or shape.dtype.kind not in "iu":
        raise DataError(
            f"{path} holds a matrix of shape {shape.tolist()[:5]}; two dimensions are needed"
        )
    with path.open("rb") as file:
        return sp.load_npz(file)


def _read_npy(path: Path) -> tuple[Any, Any]:
    return read_npy(path), None


def demand_finite(path: Path, values: np.ndarray) -> None:
    """Raise an error unless an array that was read holds finite real numbers."""
    if values.dtype.kind not in "biuf":
        raise DataError(f"{path} holds values of type {values.dtype}; real numbers are needed")
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(values.sum())
    if suspicious and not np.all(np.isfinite(values)):
        raise DataError(f"{path} holds NaN or infinite values; remove or impute them")
