"""A function as a command: its parameters are the options, its docstring is the help."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import typer

from bench.harness.files import MissingData

T = TypeVar("T")


def command(function: Callable[..., Any], words: Iterable[str] | None = None) -> None:
    """Call a function with the options of the command line, and end the process."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(function)
    app(list(spread(sys.argv[1:] if words is None else words)))


def spread(words: Iterable[str]) -> Iterator[str]:
    """Say an option's name before each of its values: ``--peers a b`` has two."""
    option, values = "", 0
    for word in words:
        if word.startswith("--"):
            option, values = word, 0
        elif option:
            values += 1
            if values > 1:
                yield option
        yield word


def loaded(names: Iterable[str], load: Callable[[str], T]) -> Iterator[tuple[str, T]]:
    """Names and data sets, one after another; says which are not on this machine."""
    for name in names:
        try:
            data = load(name)
        except MissingData as reason:
            print(reason)
            continue
        yield name, data
