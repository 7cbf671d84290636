"""Sparse matrices in text and in ``.npz``, read part by part."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from sklearn.datasets import load_svmlight_file

from strads.datasets.files.array_file import read_npy
from strads.datasets.mapped.writing import Entries
from strads.engine import DataError

#: Bytes of text, and entries of arrays, that are read together.
TEXT, TOGETHER = 8 << 20, 1 << 20


@dataclass
class Source:
    """A sparse matrix that can be read part by part, as often as needed.

    Attributes
    ----------
    shape : (int, int)
    counts : dict of str to ndarray
        Numbers of entries of each column (``"csc"``) and each row (``"csr"``).
    dtype : dtype
    target : ndarray or None
    """

    path: Path
    shape: tuple[int, int] = (0, 0)
    dtype: Any = np.float64
    target: np.ndarray | None = None

    def parts(self) -> Iterator[Entries]:
        """Yield all entries, some at a time."""
        raise NotImplementedError  # abstract

    def counted(self) -> dict[str, np.ndarray]:
        """Count the entries of columns and rows, in one pass."""
        columns, rows = np.zeros(self.shape[1], np.int64), np.zeros(self.shape[0], np.int64)
        for part in self.parts():
            if len(part.rows) and (
                min(part.rows.min(), part.columns.min()) < 0
                or part.rows.max() >= self.shape[0]
                or part.columns.max() >= self.shape[1]
            ):
                raise DataError(f"{self.path} has an entry outside of its shape {self.shape}")
            if not np.all(np.isfinite(part.values)):
                raise DataError(f"{self.path} holds NaN or infinite values; impute them")
            columns += np.bincount(part.columns, minlength=self.shape[1])
            rows += np.bincount(part.rows, minlength=self.shape[0])
        return {"csc": columns, "csr": rows}


class Svmlight(Source):
    """Text in svmlight's format; indices count from 1 unless one of them is 0."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        targets, self.lowest, highest = [], 1, 0
        for X, y in self._read():
            targets.append(y)
            if X.nnz:
                self.lowest = min(self.lowest, int(X.indices.min()))
                highest = max(highest, int(X.indices.max()))
        self.target = np.concatenate(targets) if targets else np.zeros(0)
        self.shape = (len(self.target), highest + 1 - self.lowest)
        if min(self.shape) == 0:
            raise DataError(f"{path} holds no entries in svmlight's format")

    def parts(self) -> Iterator[Entries]:
        """Yield all entries, some at a time."""
        row = 0
        for X, _ in self._read():
            X = X.tocoo()
            yield Entries(X.row.astype(np.int64) + row, X.col - self.lowest, X.data)
            row += X.shape[0]

    def _read(self) -> Iterator[tuple[Any, np.ndarray]]:
        for text in _texts(self.path):
            yield load_svmlight_file(io.BytesIO(text), zero_based=True)


class MatrixMarket(Source):
    """Text in MatrixMarket's coordinate format."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with _opened(path) as file:
            rows, columns, _, layout, field, self.symmetry = scipy.io.mminfo(file)
        if layout != "coordinate" or field not in ("real", "integer", "pattern"):
            raise DataError(f"{path} is {layout} {field}; a sparse matrix of numbers is needed")
        if self.symmetry not in ("general", "symmetric"):
            raise DataError(f"{path} is {self.symmetry}; only general and symmetric are read")
        self.shape, self.pattern = (int(rows), int(columns)), field == "pattern"

    def parts(self) -> Iterator[Entries]:
        """Yield all entries, some at a time."""
        header = True
        for text in _texts(self.path):
            lines = [line for line in text.splitlines() if line.strip()[:1] not in (b"%", b"")]
            if header and lines:
                lines, header = lines[1:], False  # the sizes
            if not lines:
                continue
            found = np.loadtxt([line.decode("ascii") for line in lines], ndmin=2)
            if found.shape[1] != 3 - self.pattern:
                raise DataError(f"{self.path} has a line of {found.shape[1]} numbers")
            at, other = (found[:, k].astype(np.int64) - 1 for k in range(2))
            values = np.ones(len(at)) if self.pattern else found[:, 2]
            yield Entries(at, other, values)
            if self.symmetry == "symmetric":
                apart = at != other
                yield Entries(other[apart], at[apart], values[apart])


class Archive(Source):
    """A ``.npz`` of scipy.sparse in CSC or CSR format, whose arrays are unpacked to a folder.

    Parameters
    ----------
    path : Path
    folder : Path
        For the arrays; whoever makes the object removes it.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        super().__init__(path)
        with zipfile.ZipFile(path) as archive:
            for name in ("format", "shape", "data", "indices", "indptr"):
                if f"{name}.npy" not in archive.namelist():
                    raise DataError(
                        f"{path} has no array {name}: scipy.sparse.save_npz writes CSC and CSR "
                        "matrices that can be converted"
                    )
                with (
                    archive.open(f"{name}.npy") as packed,
                    (folder / f"{name}.npy").open("wb") as out,
                ):
                    while block := packed.read(1 << 20):
                        out.write(block)
        form = read_npy(folder / "format.npy").item()
        self.layout = form.decode() if isinstance(form, bytes) else str(form)
        shape = np.asarray(read_npy(folder / "shape.npy"))
        if self.layout not in ("csc", "csr") or shape.shape != (2,):
            raise DataError(f"{path} is {self.layout}, of shape {shape.tolist()}; save CSC or CSR")
        self.shape = (int(shape[0]), int(shape[1]))
        self.data, self.indices = read_npy(folder / "data.npy"), read_npy(folder / "indices.npy")
        self.indptr = np.array(read_npy(folder / "indptr.npy"), np.int64)
        count = self.shape[1] if self.layout == "csc" else self.shape[0]
        rises = len(self.indptr) == count + 1 and np.all(np.diff(self.indptr) >= 0)
        if not rises or self.indptr[0] != 0 or self.indptr[-1] > min(map(len, self._arrays())):
            raise DataError(f"{path}: its arrays contradict each other; save the matrix again")
        if self.data.dtype.kind not in "biuf":
            raise DataError(f"{path} holds values of type {self.data.dtype}; numbers are needed")
        self.dtype = np.float32 if self.data.dtype == np.float32 else np.float64

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return self.data, self.indices

    def parts(self) -> Iterator[Entries]:
        """Yield all entries, some at a time."""
        for first in range(0, int(self.indptr[-1]), TOGETHER):
            last = min(first + TOGETHER, int(self.indptr[-1]))
            places = np.arange(first, last)
            major = np.searchsorted(self.indptr, places, side="right") - 1
            other = np.array(self.indices[first:last], np.int64)
            values = np.array(self.data[first:last], self.dtype)
            if self.layout == "csc":
                yield Entries(other, major, values)
            else:
                yield Entries(major, other, values)


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def _texts(path: Path) -> Iterator[bytes]:
    """Yield a file of text in parts that end with a line."""
    with _opened(path) as file:
        rest = b""
        while block := file.read(TEXT):
            text = rest + block
            end = text.rfind(b"\n") + 1
            rest = text[end:]
            if end:
                yield text[:end]
        if rest.strip():
            yield rest + b"\n"
