"""The store: the arrays of one run by name.

The store knows shapes, kinds and sizes; an allocator (:mod:`.allocators`) knows where the bytes
lie. With the serial executor the store uses data where the user holds them, if their layout is the
declared one; with processes it copies them once into shared memory. A file that the user has
mapped into memory is mapped by every process and copied by none (:mod:`.mapped` says when).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.engine.memory.allocators import Place, Private, Shared
from strads.engine.memory.array_files import KINDS, file_array
from strads.engine.memory.segments import Segment
from strads.kernels.linear.matrices import CSC, CSR

TUPLES: dict[str, Any] = {"csc": CSC, "csr": CSR}


class Store:
    """Arrays of one run by name.

    Parameters
    ----------
    allocator : Private or Shared
        Where new arrays come from.
    folder : Path, optional
        Of the files in which variables and derived arrays lie; by default they lie in memory.
    """

    def __init__(self, allocator: Private | Shared, folder: Path | None = None) -> None:
        self.allocator, self.folder = allocator, folder
        self.arrays: dict[str, Any] = {}
        self.kinds: dict[str, str] = {}

    def new(
        self,
        name: str,
        kind: str,
        shape: tuple[int, ...],
        dtype: Any,
        order: str = "C",
        *,
        zero: bool = True,
    ) -> np.ndarray:
        """Add an array; it is zeroed, unless `zero` is False because most of it is reserved."""
        self.kinds[name] = kind
        if self.in_file(name):
            assert self.folder is not None
            array = self.allocator.in_file(self.folder, shape, np.dtype(dtype))
        else:
            array = self.allocator.allocate(shape, np.dtype(dtype), order, zero=zero)
        self.arrays[name] = array
        return array

    @property
    def kinds_in_files(self) -> tuple[str, ...]:
        """Kinds of fields that lie in files: the system can take their memory back."""
        return () if self.folder is None else KINDS

    def in_file(self, name: str) -> bool:
        """Whether an array lies in a file."""
        return self.kinds[name] in self.kinds_in_files

    def beside(self, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """Return a new array for the result in a file, if this array lies in one; else None."""
        if not self.in_file(name):
            return None
        assert self.folder is not None
        return file_array(self.folder, shape, self.arrays[name].dtype)

    def put(self, name: str, kind: str, value: Any) -> None:
        """Add data of the user, read-only; copy them only if kernels cannot use them in place."""
        if sp.issparse(value):
            parts = (value.data, value.indices, value.indptr)
            made = TUPLES[value.format](*(self._placed(part) for part in parts))
        else:
            made = self._placed(value)
        self.arrays[name], self.kinds[name] = made, kind

    def _placed(self, value: np.ndarray) -> np.ndarray:
        view = value
        if not self.allocator.holds(value):
            order = "F" if value.flags.f_contiguous and value.ndim > 1 else "C"
            view = self.allocator.allocate(value.shape, value.dtype, order)
            view[...] = value
        view = view.view(np.ndarray)
        view.flags.writeable = False
        return view

    def resize(self, name: str, shape: tuple[int, ...]) -> None:
        """Move an array to new memory of another shape; keep the entries that both shapes have."""
        old = self.arrays[name]
        new = self.new(name, self.kinds[name], shape, old.dtype)
        common = tuple(slice(0, min(a, b)) for a, b in zip(old.shape, shape, strict=True))
        new[common] = old[common]

    def freeze(self) -> None:
        """Make data read-only; to be called after the program's ``setup``."""
        for name, kind in self.kinds.items():
            if kind == "data" and isinstance(self.arrays[name], np.ndarray):
                self.arrays[name].flags.writeable = False

    def nbytes(self) -> dict[str, dict[str, int]]:
        """Bytes by kind and name; they include reserved capacity, which takes no memory yet."""
        sizes: dict[str, dict[str, int]] = {}
        for name, array in self.arrays.items():
            sizes.setdefault(self.kinds[name], {})[name] = _nbytes(array)
        return sizes

    def places(self) -> dict[str, Any]:
        """Return what a worker needs to map every array (with a shared allocator only)."""
        return {name: self._place(array) for name, array in self.arrays.items()}

    def _place(self, array: Any) -> Any:
        if isinstance(array, tuple):
            return (type(array).__name__.lower(), tuple(self._place(part) for part in array))
        assert isinstance(self.allocator, Shared)
        known = self.allocator.places[array.__array_interface__["data"][0]]
        return Place(
            known.segment, known.offset, array.shape, array.strides, array.dtype.str,
            not array.flags.writeable,
        )  # fmt: skip


def attach(places: Mapping[str, Any], segments: Mapping[int, Segment]) -> dict[str, Any]:
    """Make a worker's views of the arrays that :meth:`Store.places` describes."""
    return {name: _view(place, segments) for name, place in places.items()}


def _view(place: Any, segments: Mapping[int, Segment]) -> Any:
    if isinstance(place, tuple):
        return TUPLES[place[0]](*(_view(part, segments) for part in place[1]))
    dtype = np.dtype(place.dtype)
    array: np.ndarray = np.ndarray(
        place.shape, dtype, segments[place.segment].buffer, place.offset, place.strides
    )
    array.flags.writeable = not place.readonly
    return array


def _nbytes(array: Any) -> int:
    if isinstance(array, tuple):
        return sum(part.nbytes for part in array)
    return int(array.nbytes)
