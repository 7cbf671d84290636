"""Arrays in NumPy's files, ``.npy`` and ``.npz``, whose headers are checked before reading.

A header may be damaged, so the size that it announces is compared with the number of bytes in the
file before an array of that size is allocated. Objects are never loaded: that would run code.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from strads.datasets.files.guards import demand_memory, short
from strads.engine import DataError

#: Readers of a header, by the version of the format; version 3 is only for structured types.
HEADERS: dict[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
ENCRYPTED = 1  # a bit of the flags of a member
KINDS = "biufcSUmM"  # numbers, text and dates


class Header(NamedTuple):
    """The header of an array in a file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    nbytes: int
    by_columns: bool = False  # Fortran order


def read_npy(path: Path) -> np.ndarray:
    """Memory-map an array from a ``.npy`` file, read-only.

    Raises
    ------
    DataError
        If the file is not a ``.npy`` file, is damaged or truncated, or holds objects.
    """
    demand_npy(path)
    mapped: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


def demand_npy(path: Path) -> tuple[Header, int]:
    """Check the header of a ``.npy`` file; return it, and where the numbers begin.

    Raises
    ------
    DataError
        See :func:`read_npy`.
    """
    with path.open("rb") as file:
        header = _header(path, "", file)
        begin = file.tell()
    present = path.stat().st_size - begin
    if header.nbytes != present:
        raise DataError(
            f"{path} cannot be read: its header announces an array of shape {header.shape} and "
            f"type {header.dtype}, {header.nbytes:,} bytes, but {present:,} follow; is it complete?"
        )
    return header, begin


def names_in(path: Path) -> set[str]:
    """Return the names of the arrays in a ``.npz`` file."""
    with zipfile.ZipFile(path) as archive:
        return {name.removesuffix(".npy") for name in archive.namelist()}


def read_npz(path: Path, names: Collection[str]) -> dict[str, np.ndarray]:
    """Read the arrays of some names from a ``.npz`` file; names that it lacks are ignored.

    Raises
    ------
    DataError
        If the file is damaged or encrypted, or needs more memory than is left.
    """
    demand_arrays(path, names)
    # The file is opened here, because NumPy does not close a damaged archive.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files if name in names}


def demand_arrays(path: Path, names: Collection[str]) -> dict[str, Header]:
    """Check the headers of arrays in a ``.npz`` file, and return them; see :func:`read_npz`."""
    headers = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name not in names:
                continue
            if member.flag_bits & ENCRYPTED:
                raise DataError(
                    f"{path} cannot be read: its array {short(name)} is encrypted; save it without"
                )
            with archive.open(member) as file:
                header = _header(path, short(name), file)
                present = member.file_size - file.tell()
            if header.nbytes != present:
                raise DataError(
                    f"{path} cannot be read: the header of its array {short(name)} announces shape "
                    f"{header.shape} and type {header.dtype}, {header.nbytes:,} bytes, but "
                    f"{present:,} follow; write it again"
                )
            headers[name] = header
    demand_memory(path, sum(header.nbytes for header in headers.values()), "its arrays take")
    return headers


def _header(path: Path, name: str, file: Any) -> Header:
    its = f"its array {name}" if name else "it"
    try:
        version = np.lib.format.read_magic(file)
        if version not in HEADERS:
            raise ValueError(f"version {version} is for named fields")
        shape, by_columns, dtype = HEADERS[version](file)
    except (zipfile.BadZipFile, zlib.error, OSError):
        raise
    except Exception as error:  # NumPy evaluates the header as Python, so any error may occur
        raise DataError(
            f"{path} cannot be read: {its} has a damaged header "
            f"({short(str(error)) or type(error).__name__}); write it again with numpy"
        ) from error
    if dtype.kind not in KINDS:
        kind = "Python objects" if dtype.hasobject else f"type {dtype}"
        raise DataError(f"{path}: {its} holds {kind}; plain numbers or text are needed")
    if any(size < 0 for size in shape):
        raise DataError(f"{path} cannot be read: {its} is of shape {shape}; write it again")
    return Header(shape, dtype, math.prod(shape) * dtype.itemsize, by_columns)
