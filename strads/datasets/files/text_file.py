"""Text files, compressed or not, that are checked while they are read.

Three things raise an error with their place, before a parser crashes on them: a NUL byte (text has
none, and parsers in C take it for the end), a line that is far too long, and compressed text that
unpacks to more than the memory that is left.
"""

from __future__ import annotations

import gzip
import io
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from strads.engine import DataError, available_memory

#: Number of bytes that are read and checked at once.
CHUNK = 1 << 20
#: Number of bytes to unpack between two checks of the memory that is left.
STEP = 1 << 26
#: Length of the longest line, in bytes: of a table; of text or a row of numbers.
LONGEST_ROW = 1 << 20
LONGEST = 1 << 28


class CheckedBytes(io.RawIOBase):
    """A stream of the bytes of a text file, which checks them while they are read.

    Parameters
    ----------
    path : Path
        The file; it is unpacked if its name ends in ``.gz``.
    longest : int
        Largest number of bytes in a line.
    known : str
        Accepted formats, for the message about a file that is not text.
    nul : bool
        Whether to allow NUL bytes. Documents may hold a few, and their parser accepts them.
    close_last_line : bool
        Whether to add a newline at the end if there is none.
    """

    def __init__(
        self, path: Path, longest: int = LONGEST, known: str = "", *, nul: bool = False,
        close_last_line: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.path, self.longest, self.known = path, longest, known
        self._unchecked = STEP if path.suffix.lower() == ".gz" else sys.maxsize
        self.nul, self.close_last_line = nul, close_last_line
        self._file: Any = None  # close() needs it if the next line fails
        self._file = _opened(path)
        self.position = 0
        self._line = 0  # number of bytes of the current line
        self.ended = True  # whether the last byte was a newline

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read and check some bytes; return their number."""
        chunk = self.chunk(len(buffer))
        if not chunk and self.close_last_line and not self.ended:
            self.ended, chunk = True, b"\n"
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def chunk(self, most: int) -> bytes:
        """Read, check and return at most so many bytes; return no bytes at the end of the file."""
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
        """Raise an error unless as much memory is left as has been unpacked so far.

        A parser keeps in some form what has been unpacked, and needs as much again when it joins
        the parts. The size of the file gives no hint: it may be a thousandth of the unpacked size.
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
    """Return the number, from 1, of the line of a byte; line ends of all systems count."""
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
    """Open a text file, which may be compressed, for reading; see :class:`CheckedBytes`."""
    if path.suffix.lower() != ".gz":
        # Python iterates over the lines of a plain file twice as fast as over those of any other
        # stream. So a plain file is checked as a whole before it is opened, once and fast.
        stat = path.stat()
        _check_once(path, longest, known, nul, stat.st_size, stat.st_mtime_ns)
        return path.open("rt", encoding="utf-8-sig", errors=errors)
    packed = io.BufferedReader(CheckedBytes(path, longest, known, nul=nul), CHUNK)
    return io.TextIOWrapper(packed, encoding="utf-8-sig", errors=errors)


def first_lines(path: Path, count: int, most: int = CHUNK) -> list[str]:
    """Return the first lines that are not empty, without checks of the rest of the file.

    Of a longer text than `most` bytes, lines that end beyond are left out, or, if it is the first
    line, cut.
    """
    with _opened(path) as file:
        start: bytes = file.read(most)
    lines = start.decode("utf-8-sig", errors="replace").splitlines()
    if len(start) == most and len(lines) > 1:
        lines.pop()
    return [line for line in lines if line.strip()][:count]


def open_closed(path: Path) -> io.BufferedReader:
    """Open a text file as bytes; a newline is added to the last line if it has none."""
    return io.BufferedReader(CheckedBytes(path, close_last_line=True), CHUNK)


def check_text(
    path: Path, longest: int = LONGEST, known: str = "", *, nul: bool = False
) -> tuple[int, bool]:
    """Check a whole text file before a parser in C reads it.

    Returns
    -------
    nbytes : int
        Number of bytes, unpacked.
    ended : bool
        Whether the last line ends with a newline.

    Raises
    ------
    DataError
        See :class:`CheckedBytes`.
    """
    with CheckedBytes(path, longest, known, nul=nul) as file:
        while file.chunk(CHUNK):
            pass
        return file.position, file.ended


@lru_cache(maxsize=16)
def _check_once(path: Path, longest: int, known: str, nul: bool, size: int, changed: int) -> None:
    """Check a file, unless it was checked before with the same size and modification time."""
    check_text(path, longest, known, nul=nul)
