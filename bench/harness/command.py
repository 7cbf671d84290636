"""Options that the commands share, and which solvers and data sets are there."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from bench.harness.files import MissingData

T = TypeVar("T")


def parser(prog: str, summary: str | None) -> argparse.ArgumentParser:
    """Parser of a race: ``--repeats``, ``--no-cold`` and ``--tiny``; help is the first line."""
    made = argparse.ArgumentParser(prog=prog, description=str(summary).split("\n")[0])
    made.add_argument("--repeats", type=int, default=5, help="timed fits of every solver")
    made.add_argument("--no-cold", action="store_true", help="leave out fresh processes")
    made.add_argument("--tiny", action="store_true", help="generated data: does it run at all")
    return made


def loaded(names: Iterable[str], load: Callable[[str], T]) -> Iterator[T]:
    """Data sets by name, one after another; says which are not on this machine."""
    for name in names:
        try:
            data = load(name)
        except MissingData as reason:
            print(reason)
            continue
        yield data


def importable(module: str) -> bool:
    """Whether a library is installed."""
    return importlib.util.find_spec(module) is not None


def present(names: Iterable[str], installed: Callable[[str], bool]) -> list[str]:
    """Return the solvers that are installed; says which are not."""
    found = []
    for name in names:
        if installed(name):
            found.append(name)
        else:
            print(f"skipped: {name} is not installed")
    return found
