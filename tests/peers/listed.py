"""The suites of peers, and the tests that are expected to fail with their reasons: `peers.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("peers.toml")


@dataclass(frozen=True)
class Suite:
    """A test module of a peer, and what is expected of it.

    Attributes
    ----------
    name : str
    package, version : str
        Distribution that ships the module, and the beginning of the version whose tests the list
        of failures is for.
    module : str
    classes : tuple of str
        Classes of ours that stand in for the peer's classes of the same names.
    failures : dict of str to str
        Reason, by test. A function's name stands for all its parameters, ``*`` for any text.
    compiled : bool
        Whether its tests have so many epochs that they are faster compiled.
    on_request : bool
        Whether it runs only when it is named.
    slow : tuple of str
        Tests that are left out unless slow ones are asked for, named as in `failures`.
    """

    name: str
    package: str
    version: str
    module: str
    classes: tuple[str, ...]
    failures: dict[str, str] = field(default_factory=dict)
    compiled: bool = False
    on_request: bool = False
    slow: tuple[str, ...] = ()

    @property
    def installed(self) -> str | None:
        """Version of the package that is installed; None if it is not."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return None

    @property
    def is_listed_version(self) -> bool:
        """Whether the list of failures is for the version that is installed."""
        return f"{self.installed}.".startswith(f"{self.version}.")

    def is_slow(self, test: str) -> bool:
        """Whether a test is left out unless slow ones are asked for."""
        return any(stands_for(named, test) for named in self.slow)

    def reason(self, test: str) -> str | None:
        """Return why a test is expected to fail; None if it is expected to pass."""
        return next((why for named, why in self.failures.items() if stands_for(named, test)), None)


def stands_for(named: str, test: str) -> bool:
    """Whether an entry of the list is about a test."""
    if "[" not in named:
        test = function_of(test)
    return re.fullmatch(".*".join(map(re.escape, named.split("*"))), test) is not None


def function_of(test: str) -> str:
    """Return the name of a test without its parameters."""
    return test.partition("[")[0]


def read(path: Path = FILE) -> dict[str, Suite]:
    """Return all suites by name, in the order of the file.

    Raises
    ------
    ValueError
        If a test is listed twice, or a reason is empty.
    """
    return {name: _suite(name, row) for name, row in tomllib.loads(path.read_text()).items()}


def _suite(name: str, row: Mapping[str, Any]) -> Suite:
    failures: dict[str, str] = {}
    for group in row.get("failures", ()):
        if not group["reason"].strip():
            raise ValueError(f"{name}: {group['tests'][0]} is listed without a reason")
        for test in group["tests"]:
            if test in failures:
                raise ValueError(f"{name}: {test} is listed twice")
            failures[test] = group["reason"].strip()
    classes = tuple(row["classes"])
    return Suite(
        name, row["package"], row["version"], row["module"], classes, failures,
        row.get("compiled", False), row.get("on_request", False), tuple(row.get("slow", ())),
    )  # fmt: skip


def grouped(failed: Iterable[str], passed: Iterable[str]) -> list[str]:
    """Return failed tests as the list has them: the function's name if none of its tests passed."""
    mixed = {function_of(test) for test in passed}
    return list(dict.fromkeys(t if function_of(t) in mixed else function_of(t) for t in failed))


def table(suite: Suite) -> str:
    """Return the suite's rows of docs/differences.md: tests that fail, by reason."""
    by_reason: dict[str, list[str]] = {}
    for test, reason in suite.failures.items():
        names = by_reason.setdefault(reason, [])
        if function_of(test) not in names:
            names.append(function_of(test))
    if not by_reason:
        return "All pass."
    rows = [f"| {', '.join(f'`{n}`' for n in names)} | {why} |" for why, names in by_reason.items()]
    return "\n".join(["| test | why it fails |", "|---|---|", *rows])


def with_tables(text: str, suites: Mapping[str, Suite]) -> str:
    """Return a document in which the table of every suite that it marks is up to date.

    The table of a suite stands between ``<!-- table: NAME -->`` and ``<!-- end -->``.
    """
    for name, suite in suites.items():
        begin, end = f"<!-- table: {name} -->\n", "<!-- end -->"
        if begin in text:
            head, rest = text.split(begin, 1)
            text = f"{head}{begin}{table(suite)}\n{end}{rest.split(end, 1)[1]}"
    return text
