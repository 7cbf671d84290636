"""What all readers of files share: one kind of error, short quotations, bounds on what a file asks.

A file may be anything: damaged, truncated, of another format, or made to harm. Whatever it is, the
answer is data or a :class:`~strads.engine.errors.DataError` that names it, in memory that the file
justifies: what a header announces, or compression hides, is compared with the memory that is left
before it is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from strads.engine import DataError, available_memory

T = TypeVar("T")

#: Characters of a field, a line or another library's message that an error quotes.
QUOTED = 80
#: A header may announce so many rows or columns without an entry to show for them …
FREE = 1 << 25
#: … and beyond that so many an entry: matrices may have empty rows, but not nothing but them.
PER_ENTRY = 1_000


def guarded(path: Path, read: Callable[[Path], T], *, folders: bool = False) -> T:
    """Read a file; whatever goes wrong becomes a DataError that names it.

    Parameters
    ----------
    path : Path
    read : callable
        Takes the path.
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
    except Exception as error:  # parsers raise whatever occurs to them on broken input
        raise DataError(
            f"{path} cannot be read ({short(str(error)) or type(error).__name__}); is it complete, "
            "readable, and what its extension says?"
        ) from error


def _because(error: BaseException) -> str:
    return f" ({short(str(error))})" if str(error) else ""


def short(text: str, most: int = QUOTED) -> str:
    """Text for one line of a message: white space is one space, the middle of what is long is left
    out.
    """  # noqa: D205
    if len(text) > 8 * most:  # what is quoted may be a megabyte
        text = text[: 4 * most] + text[-4 * most :]
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    return f"{text[: most - most // 4]} … {text[-(most // 4) :]}"


def quoted(field: str) -> str:
    """A field as Python would write it, cut if it is long."""
    return repr(field) if len(field) <= QUOTED else f"{field[:QUOTED]!r}… ({len(field):,} long)"


def demand_room(path: Path, nbytes: int, what: str) -> None:
    """Refuse what needs more memory than is left.

    Parameters
    ----------
    nbytes : int
    what : str
        What would be so large, with a verb: "its array X takes".
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
    """Refuse a sparse matrix of absurdly many rows or columns for its entries.

    A file of thirty bytes may announce two thousand million documents. Empty ones are allowed, but
    every row and every column takes memory and time, in all that follows.
    """
    most = FREE + PER_ENTRY * entries
    for name, size in zip(names, shape, strict=False):
        if size > most:
            raise DataError(
                f"{path} announces {size:,} {name}, but holds {entries:,} entries; is it complete? "
                f"At most {most:,} are read for so few"
            )
    demand_room(path, 16 * max(shape, default=0) + 24 * entries, "its matrix takes")
