"""Read a design matrix and a target from files; every failure names the file and the remedy."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import scipy.sparse as sp
from sklearn.datasets import load_svmlight_file

from strads.engine.errors import DataError

SVMLIGHT = (".svm", ".svmlight", ".libsvm", ".txt")
MATRIX_MARKET = (".mtx", ".mm")
# What parsers raise on broken input; a damaged header may ask for absurd sizes.
BROKEN = (
    ValueError, OSError, EOFError, KeyError, TypeError, OverflowError, MemoryError, SyntaxError,
    zipfile.BadZipFile, zlib.error, NotImplementedError,
)  # fmt: skip


def read_data(path: str | Path, target: str | Path | None = None) -> tuple[Any, np.ndarray]:
    """Read X and y.

    Parameters
    ----------
    path : path
        See :func:`read_matrix`.
    target : path, optional
        ``.npy``, ``.npz`` with an array ``y``, or text with one number a line; needed where `path`
        holds no target, and preferred where it does.

    Returns
    -------
    X : sparse array or ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)

    Raises
    ------
    DataError
        If a file is missing, damaged, of unknown format, not finite, or does not fit the other.
    """
    X, y = read_matrix(path)
    source = Path(path if target is None else target)
    if target is not None:
        y = _guarded(source, _read_target)
    if y is None:
        raise DataError(f"{path} holds no target; give one with --target FILE")
    if y.size != max(y.shape, default=0):
        raise DataError(f"{source} holds a target of shape {y.shape}; one number a row is needed")
    y = y.ravel()
    if len(y) != X.shape[0]:
        raise DataError(f"the target of {source} has {len(y)} entries, {path} {X.shape[0]} rows")
    _demand_finite(source, y)
    return X, y.astype(np.float64)


def read_matrix(path: str | Path) -> tuple[Any, np.ndarray | None]:
    """Read X, and y if the file holds it.

    Parameters
    ----------
    path : path
        svmlight (``.svm``, ``.svmlight``, ``.libsvm``, ``.txt``), MatrixMarket (``.mtx``, ``.mm``),
        both also with ``.gz``; ``.npz`` of scipy.sparse or with an array ``X``, either with ``y``
        or not; ``.npy``, which is mapped, not read. Indices of svmlight files count from 1 unless
        one is 0.

    Returns
    -------
    X : csc_array or ndarray of shape (n_samples, n_features)
    y : ndarray or None

    Raises
    ------
    DataError
        If the file is missing, damaged, of unknown format or not finite.
    """
    path = Path(path)
    X, y = _guarded(path, _reader(path))
    if X.ndim != 2 or min(X.shape) == 0:
        raise DataError(f"{path} holds an array of shape {X.shape}; a matrix is needed")
    _demand_finite(path, X.data if sp.issparse(X) else X)
    return X, y


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
            f"{', '.join(sorted(readers))}, and {', '.join(sorted(text))} followed by .gz"
        )
    return readers[suffix]


def _guarded(path: Path, read: Callable[[Path], Any]) -> Any:
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file; check the path")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; write it again")
    try:
        return read(path)
    except DataError:
        raise
    except BROKEN as error:
        raise DataError(
            f"{path} cannot be read ({error}); is it complete, readable, and what its extension "
            "says?"
        ) from error


def _read_svmlight(path: Path) -> tuple[Any, Any]:
    X, y = load_svmlight_file(str(path))
    return sp.csc_array(X), y


def _read_matrix_market(path: Path) -> tuple[Any, Any]:
    matrix = scipy.io.mmread(str(path))
    return (sp.csc_array(matrix) if sp.issparse(matrix) else np.asarray(matrix)), None


def _read_npz(path: Path) -> tuple[Any, Any]:
    # Opened here: numpy leaves a damaged archive open.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        names = set(arrays.files)
        y = arrays["y"] if "y" in names else None
        if "X" in names:
            return arrays["X"], y
        if not {"format", "shape", "data"} <= names:
            raise DataError(
                f"{path} holds {sorted(names)}; save an array X, or a matrix with "
                "scipy.sparse.save_npz"
            )
    matrix = sp.load_npz(path)
    if matrix.format in ("csc", "csr", "bsr"):
        # Kernels trust indices: one outside of the matrix would read and write anywhere.
        matrix.check_format(full_check=True)
    return sp.csc_array(matrix), y


def _read_npy(path: Path) -> tuple[Any, Any]:
    return np.load(path, mmap_mode="r", allow_pickle=False), None


def _read_target(path: Path) -> np.ndarray:
    if path.suffix.lower() == ".npz":
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if "y" not in arrays.files:
                raise DataError(f"{path} holds {sorted(arrays.files)}; save the target as y")
            return np.asarray(arrays["y"])
    if path.suffix.lower() == ".npy":
        return np.asarray(np.load(path, allow_pickle=False))
    return np.loadtxt(path, ndmin=1)


def _demand_finite(path: Path, values: np.ndarray) -> None:
    if values.dtype.kind not in "biuf":
        raise DataError(f"{path} holds values of type {values.dtype}; real numbers are needed")
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(values.sum())
    if suspicious and not np.all(np.isfinite(values)):
        raise DataError(f"{path} holds NaN or infinite values; remove or impute them")
