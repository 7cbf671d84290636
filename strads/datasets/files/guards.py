"""Guards that all readers of files share: one type of error, and limits on memory.

A file may be damaged, truncated, of another format, or malicious. In every case, a reader returns
data or raises a :class:`~strads.engine.DataError` that names the file. Before a reader allocates
the size that a header announces or that compressed data unpack to, it compares the size with the
memory that is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from strads.engine import DataError, available_memory

T = TypeVar("T")

#: Largest number of characters that a message quotes from a file or from another library.
QUOTED = 80
#: A header may announce at most this many rows or columns without any entry …
FREE = 1 << 25
#: … and this many more for each entry: a matrix may have empty rows, but not nearly only those.
PER_ENTRY = 1_000


def guarded(path: Path, read: Callable[[Path], T], *, folders: bool = False) -> T:
    """Call a reader on a file; every error becomes a DataError that names the file.

    Parameters
    ----------
    path : Path
        The file.
    read : callable
        The reader; it takes the path.
    folders : bool
        Whether the path may be a folder as well.

    Raises
    ------
    DataError
        If the path cannot be opened, or is empty, or `read` fails in any way.
    """
    try:
        if not path.is_file() and not (folders and path.is_dir()):
            raise DataError(f"{path} does not exist or is not a file; check the path")
        if path.is_file() and path.stat().st_size == 0:
            raise DataError(f"{path} is empty; write it again")
        return read(path)
    except DataError:
        raise
    except PermissionError as error:
        raise DataError(f"{path} may not be read ({error.strerror}); change its mode") from error
    except MemoryError as error:
        raise DataError(
            f"{path} needs more memory than is left{_because(error)}; is it what its extension "
            "says?"
        ) from error
    except Exception as error:  # on broken input, parsers may raise any error
        raise DataError(
            f"{path} cannot be read ({short(str(error)) or type(error).__name__}); is it complete, "
            "readable, and what its extension says?"
        ) from error


def _because(error: BaseException) -> str:
    return f" ({short(str(error))})" if str(error) else ""


def short(text: str, most: int = QUOTED) -> str:
    """Shorten text to one line of a message: join white space, and cut the middle of long text."""
    if len(text) > 8 * most:  # the text may be a megabyte long
        text = text[: 4 * most] + text[-4 * most :]
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    return f"{text[: most - most // 4]} … {text[-(most // 4) :]}"


def quoted(field: str) -> str:
    """Return a field as a Python literal, cut if it is long."""
    return repr(field) if len(field) <= QUOTED else f"{field[:QUOTED]!r}… ({len(field):,} long)"


def demand_memory(path: Path, nbytes: int, what: str) -> None:
    """Raise an error if more memory is needed than is left.

    Parameters
    ----------
    path : Path
        The file, for the message.
    nbytes : int
        Memory that is needed.
    what : str
        Subject and verb of the message: "its array X takes".

    Raises
    ------
    DataError
        If less memory is left.
    """
    left = available_memory()
    if nbytes > left:
        raise DataError(
            f"{path}: {what} {nbytes / 2**20:,.0f} MiB, but {left / 2**20:,.0f} MiB are left on "
            "this machine and in its cgroup"
        )


def demand_plausible(
    path: Path, shape: tuple[int, ...], entries: int, names: Sequence[str] = ("rows", "columns")
) -> None:
    """Raise an error if a sparse matrix has far too many rows or columns for its entries.

    A file of thirty bytes may announce two thousand million documents. Empty documents are allowed,
    but every row and every column takes memory and time in the fit.
    """
    most = FREE + PER_ENTRY * entries
    for name, size in zip(names, shape, strict=False):
        if size > most:
            raise DataError(
                f"{path} announces {size:,} {name}, but holds {entries:,} entries; is it complete? "
                f"At most {most:,} are read for so few"
            )
    demand_memory(path, 16 * max(shape, default=0) + 24 * entries, "its matrix takes")
