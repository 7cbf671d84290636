"""Mapping matrices: ``.npy``, a folder of three ``.npy`` files, and PLINK's ``.bed``."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.datasets.files.array_file import demand_npy, read_npy
from strads.datasets.files.guards import guarded
from strads.datasets.mapped.folder import TURNED, is_folder, read_description
from strads.datasets.mapped.genotypes import map_genotypes
from strads.datasets.mapped.held import FilePart, HeldFile
from strads.datasets.mapped.identity import FileIdentity
from strads.datasets.mapped.matrix import MappedMatrix
from strads.engine import DataError
from strads.engine.memory.mapped import mapped, open_mapped
from strads.kernels.linear.files.stripes import BY_ONE, BY_PLACE, BY_STRIPE


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
    file, (header, offset) = HeldFile(path), demand_npy(path)
    if len(header.shape) != 2 or min(header.shape) == 0:
        raise DataError(f"{path} holds an array of shape {header.shape}; a matrix is needed")
    part = FilePart(file, offset, math.prod(header.shape), header.dtype)
    # A matrix of one column is the same in either order.
    return _dense(path, part, header.shape, header.by_columns or min(header.shape) == 1, scale)


def _dense(
    path: Path, part: FilePart, shape: tuple[int, ...], by_columns: bool, scale: Any
) -> MappedMatrix:
    if part.dtype not in (np.float64, np.float32, np.int8, np.uint8):
        raise DataError(
            f"{path} holds numbers of type {part.dtype} ({part.dtype.str}); float64, float32, "
            "int8 or uint8 in the byte order of this machine can be mapped"
        )
    count, length = shape[::-1] if by_columns else shape
    levels = None
    if part.dtype.itemsize == 1:
        levels = np.arange(256, dtype=np.uint8).view(part.dtype).astype(np.float64)
        part = part._replace(dtype=np.dtype(np.uint8))
        scale, scaled = _scale_of(path, scale, shape[1], by_columns)
    else:
        _demand_no_scale(path, scale)
        scaled = BY_ONE
    starts = length * np.arange(count + 1, dtype=np.int64)
    return MappedMatrix(
        (int(shape[0]), int(shape[1])), by_columns=by_columns, files=[part.file.identity],
        numbers=part, starts=starts, levels=levels, scale=scale, scaled=scaled,
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


def _map_folder(path: Path, *, other_order: bool = True) -> MappedMatrix:
    """Map a folder of a sparse matrix; with `other_order`, also the one within it, if any."""
    layout, shape = read_description(path)
    data, indices = (_part(path / f"{name}.npy") for name in ("data", "indices"))
    others = [FileIdentity.of(path / name) for name in ("indptr.npy", "matrix.json")]
    by_columns = layout == "csc"
    count = shape[1] if by_columns else shape[0]
    if data.dtype not in (np.float64, np.float32) or indices.dtype not in (np.int32, np.int64):
        raise DataError(
            f"{path}: data.npy must be of float64 or float32 and indices.npy of int32 or int64, "
            f"not {data.dtype} and {indices.dtype}; convert the matrix again"
        )
    starts = np.array(read_npy(path / "indptr.npy"), np.int64)
    right = data.size == indices.size == (starts[-1] if starts.size else -1)
    if starts.shape != (count + 1,) or starts[0] != 0 or np.any(np.diff(starts) < 0) or not right:
        raise DataError(
            f"{path}: indptr.npy, indices.npy and data.npy do not agree with the shape {shape} of "
            "matrix.json; convert the matrix again"
        )
    target = path / "y.npy"
    y = np.array(read_npy(target), np.float64) if target.exists() else None
    found = MappedMatrix(
        shape, by_columns=by_columns, files=[data.file.identity, indices.file.identity, *others],
        numbers=data, indices=indices, starts=starts, target=y,
        turned=_turned(path) if other_order else None,
    )  # fmt: skip
    turned = found.turned
    if turned is not None and (
        turned.by_columns == found.by_columns
        or (turned.shape, turned.nnz) != (found.shape, found.nnz)
    ):
        raise DataError(f"{path / TURNED} holds another matrix than {path}; convert it again")
    return found


def _turned(path: Path) -> MappedMatrix | None:
    """Map the same matrix by columns, if a folder by rows holds that, too."""
    inner = path / TURNED
    return _map_folder(inner, other_order=False) if is_folder(inner) else None


def _part(path: Path) -> FilePart:
    """Return the array of one dimension that a ``.npy`` file holds."""
    file, (header, offset) = HeldFile(path), demand_npy(path)
    if len(header.shape) != 1:
        raise DataError(f"{path} holds an array of shape {header.shape}; convert the matrix again")
    return FilePart(file, offset, header.shape[0], header.dtype)


def as_mapped(X: Any) -> MappedMatrix | None:
    """Return a matrix whose arrays map files read-only as a :class:`MappedMatrix`; else None.

    Parameters
    ----------
    X : np.memmap of two dimensions, or csc or csr matrix of three, or anything else
        Each must be contiguous, in mode "r", and the path of its file must still lead to this file.
    """
    if sp.issparse(X):
        if X.format not in ("csc", "csr"):
            return None
        right = X.data.dtype in (np.float64, np.float32) and X.indices.dtype in (np.int32, np.int64)
        if not right or not len(X.data) == len(X.indices) == X.indptr[-1]:
            return None
        data, indices = _part_of(X.data), _part_of(X.indices)
        if data is None or indices is None:
            return None
        return MappedMatrix(
            X.shape, by_columns=X.format == "csc", numbers=data, indices=indices,
            starts=np.array(X.indptr, np.int64),
            files=[data.file.identity, indices.file.identity],
        )  # fmt: skip
    part = _part_of(X)
    if part is None or X.ndim != 2 or min(X.shape) == 0:
        return None
    return _dense(part.file.identity.path, part, X.shape, bool(X.flags.f_contiguous), None)


def _part_of(array: Any) -> FilePart | None:
    """Return the part of a file that an array maps read-only; None if there is none."""
    found = mapped(array) if isinstance(array, np.ndarray) and array.size else None
    if found is None:
        return None
    if sys.platform == "linux":  # elsewhere it is not known which file is mapped
        opened = open_mapped(array)
        if opened is None:
            return None
        opened[0].close()
    path, offset = found
    return FilePart(HeldFile(path), offset, array.size, array.dtype)
