"""Imports run one way, in no circle, and algorithms use public modules only."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import strads

ROOT = Path(strads.__file__).parent
#: Rooms from the lowest to the highest: a room imports from rooms before it, never from later ones.
ROOMS = (
    "strads.kernels",
    "strads.engine.errors",
    "strads.engine.platform",
    "strads.engine.interrupts",
    "strads.engine.failures",
    "strads.engine.fields",
    "strads.engine.partition",
    "strads.engine.compiling",
    "strads.engine.schedules",
    "strads.engine.program",
    "strads.engine.memory",
    "strads.engine.rounds",
    "strads.engine.processes",
    "strads.engine.run",
    "strads.engine",
    "strads.datasets",
    "strads.algorithms",
    "strads.demo",
    "strads.cli",
)
#: What a user may import from (docs/design.md), and the shipped algorithms nothing else.
PUBLIC = ("strads", "strads.engine", "strads.datasets", "strads.kernels")
#: Kernels for rows, columns and topics; each module has a few functions, and says which.
PUBLIC_ROOMS = ("strads.kernels.linear.", "strads.kernels.factors.", "strads.kernels.topics.")
PUBLIC_KERNELS = ("strads.kernels.lanes", "strads.kernels.random")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def files(folder: str = "") -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(text: str, *, at_runtime: bool = True) -> Iterator[tuple[str, str]]:
    """Module and name of every import from this package; type checkers' own left out."""
    tree = ast.parse(text)
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if at_runtime and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "strads":
            for alias in node.names:
                yield str(node.module), alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "strads":
                    yield alias.name, ""


def is_module(name: str) -> bool:
    place = ROOT.parent / Path(*name.split("."))
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


def target(module: str, name: str) -> str:
    return f"{module}.{name}" if name and is_module(f"{module}.{name}") else module


def room(module: str) -> str:
    return max((r for r in ROOMS if module == r or module.startswith(r + ".")), key=len, default="")


def needed(path: Path) -> set[str]:
    """Modules that one of ours imports, at whatever place in the file."""
    return {target(*found) for found in imports(path.read_text())}


def test_no_imports_in_circles() -> None:
    graph = {module_of(path): needed(path) - {module_of(path)} for path in files()}
    graph.pop("strads")  # the front door; what asks it for the version does so when it is called
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_rooms_import_from_lower_rooms_only() -> None:
    wrong = [
        f"{module_of(path)} imports {other}"
        for path in files()
        for other in needed(path)
        if (here := room(module_of(path))) and (there := room(other))
        if ROOMS.index(there) > ROOMS.index(here)
    ]
    assert wrong == []


def test_each_module_is_in_a_room() -> None:
    outside = {module_of(path) for path in files() if not room(module_of(path))}
    assert outside == {"strads"}


@pytest.mark.parametrize("folder", ["kernels", "engine", "datasets", "algorithms", "cli"])
def test_a_folder_is_read_at_one_glance(folder: str) -> None:
    folders = {path.parent for path in files(folder)}
    full = {
        str(here.relative_to(ROOT)): len(found)
        for here in folders
        if len(found := [f for f in here.glob("*.py") if f.name != "__init__.py"]) > 12
    }
    assert full == {}


def private(text: str, own: str = "") -> list[str]:
    """What a text imports from this package and is not public, apart from `own` modules."""
    found = []
    for module, name in imports(text):
        if own and module.startswith(own):
            continue
        known = importlib.import_module(module)
        if module in PUBLIC:
            fine = name in known.__all__
        else:
            fine = module in PUBLIC_KERNELS or module.startswith(PUBLIC_ROOMS)
        if not fine or name.startswith("_"):
            found.append(f"{module}: {name}")
    return found


@pytest.mark.parametrize("path", files("algorithms"), ids=module_of)
def test_algorithms_import_what_users_can(path: Path) -> None:
    text = path.read_text().replace("from strads import __version__", "")
    assert private(text, "strads.algorithms") == []


#: A package of somebody else's: an estimator with an own schedule, own kernels, own files.
THIRD_PARTY = """
from strads import Phase, Program, control, data, derived, kernel, outbox, run, variable
from strads.datasets import read_data
from strads.engine import COUNT, Policy, ProgramError, Schedule, World, available_cores
from strads.engine import compile_kernel, native, sound, write_whole
from strads.kernels import CSC, axpy, dot, soft_threshold, uniform
from strads.kernels.factors.row_terms import dot_rows
from strads.kernels.lanes import LANES, padded
from strads.kernels.topics.words import Words
"""


def test_somebody_elses_package_finds_all_it_needs() -> None:
    assert private(THIRD_PARTY) == []
    exec(THIRD_PARTY, {})


def test_what_is_not_public_is_found() -> None:
    """The test above can fail."""
    text = "from strads.engine.memory.pool import Pool\nfrom strads.engine import Pool"
    assert private(text) == ["strads.engine.memory.pool: Pool", "strads.engine: Pool"]
