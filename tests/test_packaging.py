"""What pyproject.toml says of the package: its dependencies, and what a package index shows."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

#: Distribution of a module whose name differs. llvmlite comes with numba, which says which one.
DISTRIBUTION = {"sklearn": "scikit-learn", "llvmlite": "numba"}
SYSTEM = {"_posixshmem", "_signal"}  # of the standard library, but not on every system


def imported(path: Path) -> Iterator[str]:
    """Yield names of the packages that a module imports by statements."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.module.partition(".")[0]


def test_what_is_imported_is_declared() -> None:
    names = {name for path in (ROOT / "strads").rglob("*.py") for name in imported(path)}
    others = names - sys.stdlib_module_names - SYSTEM - {"strads"}
    needed = {canonicalize_name(DISTRIBUTION.get(name, name)) for name in others}
    declared = {canonicalize_name(Requirement(r).name) for r in PROJECT["project"]["dependencies"]}
    assert needed == declared


@pytest.mark.parametrize("requirement", PROJECT["project"]["dependencies"])
def test_a_dependency_has_a_lowest_version(requirement: str) -> None:
    assert ">=" in {part.operator for part in Requirement(requirement).specifier}


def test_a_package_index_shows_no_link_to_a_file() -> None:
    readme = (ROOT / "README.md").read_text()
    rules = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]
    to_file = re.compile(r"\]\((?!https?://)")
    assert to_file.search(readme)
    for rule in rules:
        readme = re.sub(rule["pattern"], rule["replacement"], readme)
    assert to_file.search(readme) is None
    assert "examples/own_program.py." in readme
