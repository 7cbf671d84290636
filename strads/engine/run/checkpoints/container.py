"""The file of a checkpoint: named arrays, and a checksum over every byte.

A line with the format's number; the arrays, each as in a ``.npy`` file; their places, as JSON; how
long that is; and the SHA-256 of all bytes before. No byte is outside of the checksum, so that any
change, and any missing or added part, is noticed before anything is used. (In an ``.npz`` file some
bytes can change unnoticed, and the CRC-32 of a part is 32 bits long.) To compute the checksum takes
0.7 s a GiB on a core that has instructions for it, as often as a checkpoint is written or opened;
BLAKE2b took 1.7 s there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from strads.engine.errors import DataError
from strads.engine.run.checkpoints.whole import demand_array, without_waiting

FORMAT = 3
_HEAD = b"strads checkpoint "
_LENGTH = 8  # bytes of the number that says how long the places are
_SUM = hashlib.sha256().digest_size
_BLOCK = 1 << 20


class _Summing:
    """A file that is written and summed at the same time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.sum, self.place = file, hashlib.sha256(), 0

    def write(self, part: Any) -> None:
        self._file.write(part)
        self.sum.update(part)
        self.place += len(part)


def write_arrays(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to an open file."""
    summing, places = _Summing(file), {}
    summing.write(_HEAD + f"{FORMAT}\n".encode())
    for name, array in arrays.items():
        places[name] = summing.place
        npy.write_array(summing, array, allow_pickle=False)  # type: ignore[arg-type]
    text = json.dumps(places).encode()
    summing.write(text)
    summing.write(len(text).to_bytes(_LENGTH, "little"))
    file.write(summing.sum.digest())


class Arrays:
    """The arrays of a file that is sound, each read when it is asked for.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataError
        If the file is no checkpoint, is damaged or incomplete, or has another format.
    OSError
        If it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "rb", opener=without_waiting)  # noqa: SIM115  # close() closes it
        try:
            self._places = self._sound_places()
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name: str) -> np.ndarray:
        """Read an array.

        Raises
        ------
        DataError
            If it is none: the checksum fits, but something else than `save` made the file.
        """
        self._file.seek(self._places[name])
        size = os.fstat(self._file.fileno()).st_size
        demand_array(f"its part {name}", self._file, size, exactly=False)
        self._file.seek(self._places[name])
        read: np.ndarray = npy.read_array(self._file, allow_pickle=False)
        return read

    @property
    def names(self) -> list[str]:
        """The names of the arrays."""
        return list(self._places)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _sound_places(self) -> dict[str, int]:
        file, size = self._file, os.fstat(self._file.fileno()).st_size
        first = file.readline(64)
        if not first.startswith(_HEAD) or size < len(first) + _LENGTH + _SUM:
            raise DataError("it is none, or its beginning is damaged")
        self._demand_sum(size)
        if first != _HEAD + f"{FORMAT}\n".encode():
            told = first.removeprefix(_HEAD).decode(errors="replace").strip()
            raise DataError(f"it has format {told}, and this version of strads reads {FORMAT}")
        file.seek(size - _SUM - _LENGTH)
        length = int.from_bytes(file.read(_LENGTH), "little")
        file.seek(size - _SUM - _LENGTH - length)
        places: dict[str, int] = json.loads(file.read(length))
        return places

    def _demand_sum(self, size: int) -> None:
        self._file.seek(0)
        found, left = hashlib.sha256(), size - _SUM
        while left:
            part = self._file.read(min(left, _BLOCK))
            if not part:
                break  # somebody has cut the file off meanwhile
            found.update(part)
            left -= len(part)
        if self._file.read(_SUM) != found.digest():
            raise DataError("its checksum is wrong: it is damaged or incomplete")
