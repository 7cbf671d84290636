"""Mapping matrices: ``.npy``, a folder of three ``.npy`` files, and PLINK's ``.bed``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.datasets.files.array_file import read_npy
from strads.datasets.files.guards import guarded
from strads.datasets.mapped.folder import is_folder, read_description
from strads.datasets.mapped.genotypes import map_genotypes
from strads.datasets.mapped.identity import FileIdentity
from strads.datasets.mapped.matrix import MappedMatrix
from strads.engine import DataError
from strads.kernels.linear.stripes import BY_ONE, BY_PLACE, BY_STRIPE


def map_matrix(path: str | os.PathLike[str], *, scale: Any = None) -> MappedMatrix:
    """Map a matrix that is in files, without reading it.

    Parameters
    ----------
    path : path
        One of these:

        * ``.npy`` with a matrix of float64, float32, int8 or uint8, in either order. Lasso and
          elastic net read a file in Fortran order with the least work, and support vector machines
          one in C order; the other order costs a pass more where columns (rows) are copied.
        * A folder that ``strads convert`` has made of a sparse matrix.
        * PLINK's ``.bed``, with its ``.bim`` and ``.fam`` beside it. Entries are the numbers of
          copies of the first allele; a missing one is the mean of the others of its variant.
    scale : float or array-like of shape (n_features,), optional
        By which the numbers of a file of int8 or uint8 are multiplied; None: 1.

    Returns
    -------
    MappedMatrix

    Raises
    ------
    DataError
        If files are missing, damaged or of another type. It is a ValueError.
    """
    path = Path(path)
    if is_folder(path):
        _demand_no_scale(path, scale)
        return guarded(path, _map_folder, folders=True)
    if path.suffix.lower() == ".bed":
        _demand_no_scale(path, scale)
        return guarded(path, map_genotypes)
    if path.suffix.lower() != ".npy":
        raise DataError(
            f"{path} cannot be mapped: known are .npy, .bed, and folders of `strads convert`"
        )
    return guarded(path, lambda file: _map_dense(file, scale))


def can_be_mapped(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is of a kind that :func:`map_matrix` takes, by its name."""
    return is_folder(Path(path)) or Path(path).suffix.lower() in (".npy", ".bed")


def _map_dense(path: Path, scale: Any) -> MappedMatrix:
    file = FileIdentity.of(path)
    return _of_array(path, read_npy(path), file, scale)


def _of_array(path: Path, array: np.ndarray, file: FileIdentity, scale: Any) -> MappedMatrix:
    if array.ndim != 2 or min(array.shape) == 0:
        raise DataError(f"{path} holds an array of shape {array.shape}; a matrix is needed")
    if array.dtype not in (np.float64, np.float32, np.int8, np.uint8):
        raise DataError(
            f"{path} holds numbers of type {array.dtype} ({array.dtype.str}); float64, float32, "
            "int8 or uint8 in the byte order of this machine can be mapped"
        )
    by_columns = bool(array.flags.f_contiguous)
    turned = array.T if by_columns else array
    numbers, count, length = turned.reshape(-1), *turned.shape
    levels = None
    if numbers.dtype.itemsize == 1:
        levels = np.arange(256, dtype=np.uint8).view(numbers.dtype).astype(np.float64)
        numbers = numbers.view(np.uint8)
        scale, scaled = _scale_of(path, scale, array.shape[1], by_columns)
    else:
        _demand_no_scale(path, scale)
        scaled = BY_ONE
    starts = length * np.arange(count + 1, dtype=np.int64)
    return MappedMatrix(
        (int(array.shape[0]), int(array.shape[1])), by_columns=by_columns, files=[file],
        numbers=numbers, starts=starts, levels=levels, scale=scale, scaled=scaled,
    )  # fmt: skip


def _scale_of(
    path: Path, scale: Any, n_features: int, by_columns: bool
) -> tuple[np.ndarray | None, int]:
    """Validate the scale of whole numbers; return it, and what it belongs to."""
    if scale is None:
        return None, BY_ONE
    found = np.asarray(scale, np.float64)
    if not np.all(np.isfinite(found)):
        raise DataError(f"scale of {path} has entries that are not finite")
    if found.ndim == 0:
        return found, BY_ONE
    if found.shape != (n_features,):
        raise DataError(
            f"scale of {path} has the shape {found.shape}; give one number, or one for each of the "
            f"{n_features:,} features"
        )
    return found, BY_STRIPE if by_columns else BY_PLACE


def _demand_no_scale(path: Path, scale: Any) -> None:
    if scale is not None:
        raise DataError(f"scale is for files of int8 and uint8, and {path} is none; leave it out")


def _map_folder(path: Path) -> MappedMatrix:
    layout, shape = read_description(path)
    names = [path / f"{name}.npy" for name in ("data", "indices", "indptr")]
    files = [FileIdentity.of(name) for name in [*names, path / "matrix.json"]]
    data, indices, indptr = (read_npy(name) for name in names)
    by_columns = layout == "csc"
    count = shape[1] if by_columns else shape[0]
    if data.dtype not in (np.float64, np.float32) or indices.dtype not in (np.int32, np.int64):
        raise DataError(
            f"{path}: data.npy must be of float64 or float32 and indices.npy of int32 or int64, "
            f"not {data.dtype} and {indices.dtype}; convert the matrix again"
        )
    starts = np.array(indptr, np.int64)
    sizes = data.shape == indices.shape == (starts[-1] if starts.size else -1,)
    if starts.shape != (count + 1,) or starts[0] != 0 or np.any(np.diff(starts) < 0) or not sizes:
        raise DataError(
            f"{path}: indptr.npy, indices.npy and data.npy do not agree with the shape {shape} of "
            "matrix.json; convert the matrix again"
        )
    target = path / "y.npy"
    y = np.array(read_npy(target), np.float64) if target.exists() else None
    return MappedMatrix(
        shape, by_columns=by_columns, files=files, numbers=data, indices=indices, starts=starts,
        target=y,
    )  # fmt: skip


def as_mapped(X: Any) -> MappedMatrix | None:
    """Return a matrix whose arrays map files read-only as a :class:`MappedMatrix`; else None.

    Parameters
    ----------
    X : np.memmap of two dimensions, or csc or csr matrix of three, or anything else
        Each must be contiguous, in mode "r".
    """
    if sp.issparse(X):
        if X.format not in ("csc", "csr"):
            return None
        names, parts = [_file_of(part) for part in (X.data, X.indices)], (X.data, X.indices)
        right = X.data.dtype in (np.float64, np.float32) and X.indices.dtype in (np.int32, np.int64)
        if None in names or not right or not len(X.data) == len(X.indices) == X.indptr[-1]:
            return None
        return MappedMatrix(
            X.shape, by_columns=X.format == "csc", numbers=parts[0], indices=parts[1],
            starts=np.array(X.indptr, np.int64), files=[FileIdentity.of(str(n)) for n in names],
        )  # fmt: skip
    name = _file_of(X)
    if name is None or X.ndim != 2 or min(X.shape) == 0:
        return None
    return _of_array(Path(name), X, FileIdentity.of(name), None)


def _file_of(array: Any) -> str | None:
    """Return the file that a contiguous array maps read-only; None if there is none."""
    base = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    if base is None or base.mode != "r" or base.filename is None or not array.size:
        return None
    contiguous = array.flags.c_contiguous or array.flags.f_contiguous
    return str(base.filename) if contiguous else None
