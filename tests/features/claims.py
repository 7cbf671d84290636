"""What a cell of the table claims, and how to find out."""

from __future__ import annotations

import importlib.metadata
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from judged import silent

Check = Callable[[], Any]


@dataclass(frozen=True)
class Claim:
    """The text of a cell, and checks that raise an error unless it is true."""

    cell: str
    checks: tuple[Check, ...]


def yes(*checks: Check) -> Claim:
    """Return the claim that all checks pass."""
    return Claim("yes", checks)


def no(*checks: Check) -> Claim:
    """Return the claim that a feature is not there, as checks of its absence tell."""
    return Claim("no", checks)


def says(cell: str, *checks: Check) -> Claim:
    """Return a claim in other words."""
    return Claim(cell, checks)


def refused(because: str, *fits: Check) -> Check:
    """Return a check that each of some fits ends with an error that has some words, in any case."""

    def check() -> None:
        for number, fit in enumerate(fits):
            try:
                with silent():
                    fit()
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                assert because.lower() in said.lower(), f"fit {number}: {said}"
                continue
            raise AssertionError(f"fit {number} succeeds, and should say {because!r}")

    return check


def lacks(*named: Any) -> Check:
    """Return a check that functions have no parameters or attributes of some names."""

    def check() -> None:
        functions = [one for one in named if not isinstance(one, str)]
        names = {one for one in named if isinstance(one, str)}
        for function in functions:
            there = names & (set(inspect.signature(function).parameters) | set(dir(function)))
            assert not there, f"{function} has {there}"

    return check


def absent(*named: Any) -> Check:
    """Return a check that no public name of some modules has one of some words, in any case."""

    def check() -> None:
        modules = [one for one in named if isinstance(one, ModuleType)]
        words = [one for one in named if isinstance(one, str)]
        for module in modules:
            names = [name for name in dir(module) if not name.startswith("_")]
            found = [name for name in names for word in words if word in name.lower()]
            assert not found, f"{module.__name__} has {found}"

    return check


def shares(*rows: str, claim: Claim) -> dict[str, Claim]:
    """Return one claim for several rows."""
    return dict.fromkeys(rows, claim)


def no_command(distribution: str) -> Check:
    """Return a check that a distribution installs no command."""

    def check() -> None:
        found = importlib.metadata.distribution(distribution)
        assert not [e for e in found.entry_points if e.group == "console_scripts"]
        assert not [file for file in found.files or () if "bin" in file.parts]

    return check
