"""Text files, compressed or not, that are watched while they are read.

A NUL byte (no text holds one, and parsers in C take it for the end), a line without end, or
compressed text that unpacks to more than there is memory for is an error with its place, not a
crash of whoever reads on.
"""

from __future__ import annotations

import gzip
import io
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from strads.engine import DataError, available_memory

#: Bytes that are read, and looked at, at once.
CHUNK = 1 << 20
#: Bytes to unpack between two looks at the memory that is left.
STEP = 1 << 26
#: Longest line, in bytes, of a table; and of text, or of a row of numbers.
LONGEST_ROW = 1 << 20
LONGEST = 1 << 28


class Watched(io.RawIOBase):
    """Bytes of a file, checked as they come.

    Parameters
    ----------
    path : Path
        Unpacked, if it ends in ``.gz``.
    longest : int
        Bytes that a line may have.
    known : str
        What a file that is no text should have been; part of the message.
    nul : bool
        Let NUL bytes pass: documents may hold a few, and are parsed by nothing that minds.
    close_last_line : bool
        Add a newline at the end if there is none.
    """

    def __init__(
        self, path: Path, longest: int = LONGEST, known: str = "", *, nul: bool = False,
        close_last_line: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.path, self.longest, self.known = path, longest, known
        self._unchecked = STEP if path.suffix.lower() == ".gz" else sys.maxsize
        self.nul, self.close_last_line = nul, close_last_line
        self._file: Any = None  # of close(), if the next line fails
        self._file = _opened(path)
        self.position = 0
        self._line = 0  # bytes of the line that has begun
        self.ended = True  # whether the last byte was a newline

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some bytes; see :class:`Watched`."""
        chunk = self.chunk(len(buffer))
        if not chunk and self.close_last_line and not self.ended:
            self.ended, chunk = True, b"\n"
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def chunk(self, most: int) -> bytes:
        """Read and check at most so many bytes; none at the end."""
        chunk: bytes = self._file.read(min(most, CHUNK))
        if not chunk:
            return chunk
        if not self.nul:
            self._demand_text(chunk)
        self._demand_line(chunk)
        self.position += len(chunk)
        self.ended = chunk.endswith(b"\n")
        self._unchecked -= len(chunk)
        if self._unchecked < 0:
            self._unchecked = STEP
            self._demand_memory()
        return chunk

    def _demand_memory(self) -> None:
        """Ask for as much memory as has been unpacked: so much is still needed at the end.

        Whoever parses keeps what was unpacked so far, in some form, and a copy of it when all is
        put together. A thousandth of the size in a file may be all that there is to see before.
        """
        left = available_memory()
        if left < self.position:
            raise DataError(
                f"{self.path} has unpacked to {self.position / 2**20:,.0f} MiB so far, but "
                f"{left / 2**20:,.0f} MiB are left on this machine and in its cgroup"
            )

    def _demand_text(self, chunk: bytes) -> None:
        place = chunk.find(b"\0")
        if place < 0:
            return
        offset = self.position + place
        known = f"; known are {self.known}" if self.known else ""
        raise DataError(
            f"{self.path} cannot be read: it is no text, as line {_line_of(self.path, offset)} "
            f"holds a NUL (byte {offset:,}, from 0){known}"
        )

    def _demand_line(self, chunk: bytes) -> None:
        last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        if last >= 0:
            self._line = len(chunk) - last - 1
            return
        self._line += len(chunk)
        if self._line > self.longest:
            offset = self.position + len(chunk) - self._line
            raise DataError(
                f"{self.path}, line {_line_of(self.path, offset)}: it is longer than "
                f"{self.longest / 2**20:,.0f} MiB; is the file text, with a line a row?"
            )

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        super().close()


def _opened(path: Path) -> Any:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")
    return path.open("rb", buffering=0)


def _line_of(path: Path, offset: int) -> int:
    """Count the lines before a byte, from 1; ends of all systems count."""
    lines, after_return = 1, False
    with _opened(path) as file:
        while offset > 0 and (chunk := file.read(min(CHUNK, offset))):
            offset -= len(chunk)
            pairs = chunk.count(b"\r\n") + (after_return and chunk.startswith(b"\n"))
            lines += chunk.count(b"\n") + chunk.count(b"\r") - pairs
            after_return = chunk.endswith(b"\r")
    return lines


def open_text(
    path: Path, errors: str = "strict", *, longest: int = LONGEST_ROW, known: str = "",
    nul: bool = False,
) -> TextIO:  # fmt: skip
    """Open a text file, which may be compressed, to read it; see :class:`Watched`."""
    if path.suffix.lower() != ".gz":
        # Python iterates over the lines of a plain file twice as fast as over those of anything
        # else, so such a file is looked at as a whole before: at the speed of memory, and once.
        stat = path.stat()
        _screened(path, longest, known, nul, stat.st_size, stat.st_mtime_ns)
        return path.open("rt", encoding="utf-8-sig", errors=errors)
    packed = io.BufferedReader(Watched(path, longest, known, nul=nul), CHUNK)
    return io.TextIOWrapper(packed, encoding="utf-8-sig", errors=errors)


def open_closed(path: Path) -> io.BufferedReader:
    """Open a text file as bytes whose last line has an end."""
    return io.BufferedReader(Watched(path, close_last_line=True), CHUNK)


def screen(
    path: Path, longest: int = LONGEST, known: str = "", *, nul: bool = False
) -> tuple[int, bool]:
    """Look at the whole of a text file before a parser in C does.

    Returns
    -------
    nbytes : int
        Unpacked.
    ended : bool
        Whether its last line has an end.

    Raises
    ------
    DataError
        See :class:`Watched`.
    """
    with Watched(path, longest, known, nul=nul) as file:
        while file.chunk(CHUNK):
            pass
        return file.position, file.ended


@lru_cache(maxsize=16)
def _screened(path: Path, longest: int, known: str, nul: bool, size: int, changed: int) -> None:
    """Screen a file of this size and time of change, unless that was done already."""
    screen(path, longest, known, nul=nul)
