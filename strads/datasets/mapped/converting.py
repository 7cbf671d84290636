"""Converting matrices to files that can be mapped, in bounded memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from strads.datasets.design_matrix import MATRIX_MARKET, is_svmlight
from strads.datasets.files.array_file import read_npy
from strads.datasets.files.guards import guarded
from strads.datasets.mapped.folder import TURNED
from strads.datasets.mapped.sources import Archive, MatrixMarket, Source, Svmlight
from strads.datasets.mapped.writing import write_entries
from strads.engine import DataError

#: Bytes of a dense matrix that are turned together.
TILE = 16 << 20


def convert_matrix(
    path: str | os.PathLike[str], to: str | os.PathLike[str], *, by: str = "columns"
) -> Path:
    """Write a matrix anew so that :func:`map_matrix` can map it.

    Parameters
    ----------
    path : path
        svmlight (``.svm``, ``.svmlight``, ``.libsvm``, ``.txt``), MatrixMarket (``.mtx``,
        ``.mm``), each also with ``.gz``; ``.npz`` of scipy.sparse in CSC or CSR format; or a dense
        matrix in ``.npy``, whose order is changed.
    to : path
        New folder; of a dense matrix, a new file ``.npy``. The target that svmlight holds is
        ``y.npy`` in the folder.
    by : {"columns", "rows", "both"}
        The order. Lasso and the like need columns, support vector machines need rows, and
        factorisations need both, one beside the other.

    Returns
    -------
    Path
        `to`.

    Raises
    ------
    DataError
        If the file is damaged or of another format, or if `to` exists.
    """
    path, to = Path(path), Path(to)
    if by not in ("columns", "rows", "both"):
        raise DataError(f"by={by!r} must be 'columns', 'rows' or 'both'")
    if to.exists():
        raise DataError(f"{to} exists already; give a new name")
    guarded(path, lambda file: _convert(file, to, by))
    return to


def _convert(path: Path, to: Path, by: str) -> None:
    if path.suffix.lower() == ".npy":
        _turn(path, to, by)
        return
    to.mkdir(parents=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=to) as unpacked:
            source = _source(path, Path(unpacked))
            counts = source.counted()
            if source.target is not None:
                np.save(to / "y.npy", source.target)
            if by == "both":
                (to / TURNED).mkdir()
                _write(to / TURNED, "csc", source, counts)
            _write(to, "csc" if by == "columns" else "csr", source, counts)
    except BaseException:
        shutil.rmtree(to, ignore_errors=True)
        raise


def _write(to: Path, layout: str, source: Source, counts: dict[str, np.ndarray]) -> None:
    write_entries(to, layout, source.shape, counts[layout], source.parts(), source.dtype)


def _source(path: Path, unpacked: Path) -> Source:
    name = path.name.lower().removesuffix(".gz")
    if is_svmlight(path):
        return Svmlight(path)
    if name.endswith(MATRIX_MARKET):
        return MatrixMarket(path)
    if name.endswith(".npz"):
        return Archive(path, unpacked)
    raise DataError(
        f"{path} cannot be converted: known are svmlight, MatrixMarket, .npz of scipy.sparse and "
        ".npy"
    )


def _turn(path: Path, to: Path, by: str) -> None:
    """Write a dense matrix in the other order, some rows or columns at a time."""
    if by == "both":
        raise DataError(f"{path} is dense: give by='columns' or by='rows'")
    if to.suffix.lower() != ".npy":
        raise DataError(f"{path} is dense: give the new file a name that ends in .npy, not {to}")
    X = read_npy(path)
    if X.ndim != 2:
        raise DataError(f"{path} holds an array of shape {X.shape}; a matrix is needed")
    try:
        turned = np.lib.format.open_memmap(
            to, "w+", X.dtype, X.shape, fortran_order=by == "columns"
        )
        tall = bool(X.flags.f_contiguous)  # columns are in one piece, so blocks of them are read
        count = X.shape[1] if tall else X.shape[0]
        step = max(1, TILE * count // max(X.nbytes, 1))
        for first in range(0, count, step):
            part = slice(first, first + step)
            where = (slice(None), part) if tall else (part, slice(None))
            turned[where] = X[where]
            turned.flush()
    except BaseException:
        to.unlink(missing_ok=True)
        raise
