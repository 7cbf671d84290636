"""What all commands print, and how they end: errors in one line, exit codes, tables."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from rich.console import Console

NOT_CONVERGED, BAD_INPUT, FAILED = 1, 2, 3
#: As a shell reports a process that SIGINT has ended.
INTERRUPTED = 130


class Invocation(TyperGroup):
    """The group of all commands; it remembers what was typed, for the record of the run."""

    arguments: tuple[str, ...] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Remember the arguments, and parse them."""
        Invocation.arguments = tuple(args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands, ``fit`` first, since all others need a fit."""
        return sorted(super().list_commands(ctx), key=lambda name: name != "fit")

    @classmethod
    def line(cls) -> str:
        """Return the command as it can be typed again."""
        return shlex.join(("strads", *cls.arguments))


@cache
def console() -> Console:
    """Return the console of the results, stdout."""
    from rich.console import Console  # takes a tenth of a second

    return Console()


def show(title: str, rows: Iterable[tuple[str, str]]) -> None:
    """Print a table of results on stdout."""
    from rich.table import Table

    table = Table(title=title, show_header=False)
    for row in rows:
        table.add_row(*row)
    console().print(table)


def say(line: str) -> None:
    """Print a line of progress on stderr, so that stdout has the results alone."""
    typer.echo(_printable(line), err=True)


def demand_share(test: float) -> float:
    """Refuse a share of data to withhold unless it is at least 0 and below 1."""
    if not 0.0 <= test < 1.0:
        with reported():
            raise ValueError(f"--test {test} must be at least 0 and below 1")
    return test


#: Called when the block of :func:`reported` ends, with the error if there is one.
at_end: list[Callable[[BaseException | None], None]] = []


class Interrupts:
    """Whether Ctrl-C has ended the fit of the present command, which has saved what there was."""

    seen = False


@contextmanager
def reported(options: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn an error or Ctrl-C within the block into one line of output and an exit code.

    Parameters
    ----------
    options : dict of str to str, optional
        Option of the command for each parameter of the estimator whose name differs.
    """
    Interrupts.seen = False
    try:
        with _ended_after():
            yield
    except KeyboardInterrupt:
        say_error("interrupted; no model was saved")
        raise typer.Exit(INTERRUPTED) from None
    except (typer.Exit, typer.Abort, BrokenPipeError):  # the reader of a pipe may have seen enough
        raise
    except Exception as error:
        code = _exit_code(error)
        if code is None:
            raise
        say_error(_renamed(error, options or {}))
        raise typer.Exit(code) from None
    if Interrupts.seen:
        raise typer.Exit(INTERRUPTED)


@contextmanager
def _ended_after() -> Iterator[None]:
    """Call what :data:`at_end` holds after the block, however it ends."""
    at_end.clear()
    error: BaseException | None = None
    try:
        yield
    except BaseException as found:
        error = found
        raise
    finally:
        while at_end:
            at_end.pop()(error)


def say_error(message: str) -> None:
    """Print an error in one line on stderr; in red if that is a terminal."""
    line = _printable(f"strads: {message}")
    typer.secho(line, fg="red" if sys.stderr.isatty() else None, err=True)


def _exit_code(error: Exception) -> int | None:
    """Return the exit code of an error; None if it is a mistake of this package."""
    from strads.engine import StradsError

    if isinstance(error, (ValueError, OSError)):
        return BAD_INPUT
    return FAILED if isinstance(error, (StradsError, MemoryError)) else None


def _renamed(error: Exception, options: Mapping[str, str]) -> str:
    from strads.engine import StradsError

    message = " ".join(str(error).split())
    if isinstance(error, MemoryError) and not isinstance(error, StradsError):
        message = f"out of memory ({message})" if message else "out of memory"
    for parameter, option in options.items():
        message = message.replace(f"'{parameter}'", f"'{option}'")
    return message


def _printable(text: str) -> str:
    """Escape what cannot be encoded, such as bytes in the name of a file."""
    return text.encode(errors="backslashreplace").decode()


def names_of(settings: Mapping[str, Any], short: Mapping[str, str]) -> dict[str, str]:
    """Return the options of the command for the parameters of an estimator."""
    return {name: short.get(name, name.replace("_", "-")) for name in settings}
