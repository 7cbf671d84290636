"""Imports run one way, in no circle, and algorithms use public modules only."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import pytest
import thirdparty

import strads
from strads.engine import DataError

ROOT = Path(strads.__file__).parent
THIRD_PARTY = Path(thirdparty.__file__).parent
DESIGN = (Path(__file__).parent.parent / "docs" / "design.md").read_text()
#: Rooms from the lowest to the highest: a room imports from rooms before it, never from later ones.
ROOMS = (
    "strads.kernels",
    "strads.engine.errors",
    "strads.engine.platform",
    "strads.engine.interrupts",
    "strads.engine.failures",
    "strads.engine.fields",
    "strads.engine.file_pages",
    "strads.engine.ids",
    "strads.engine.compiling",
    "strads.engine.program.given_arrays",
    "strads.engine.placement",
    "strads.engine.partition",
    "strads.engine.schedules",
    "strads.engine.program",
    "strads.engine.memory",
    "strads.engine.rounds",
    "strads.engine.processes",
    "strads.engine.mpi",
    "strads.engine.run",
    "strads.engine",
    "strads.monitoring",
    "strads.datasets",
    "strads.algorithms",
    "strads.diagnosis",
    "strads.reporting",
    "strads.demo",
    "strads.cli",
    "strads.__main__",
)
#: What a user may import from (docs/design.md), and the shipped algorithms nothing else.
PUBLIC = ("strads", "strads.engine", "strads.monitoring", "strads.datasets", "strads.kernels")
#: Kernels for rows, columns and topics; each module has a few functions, and says which.
PUBLIC_ROOMS = (
    "strads.kernels.linear.", "strads.kernels.factors.", "strads.kernels.topics.",
    "strads.kernels.sampling.",
    "strads.kernels.coding.",
    "strads.kernels.covariance.",
)  # fmt: skip
PUBLIC_KERNELS = ("strads.kernels.lanes", "strads.kernels.random")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def files(folder: str = "") -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(text: str) -> Iterator[tuple[str, str]]:
    """Module and name of every import from this package, those for type checkers included."""
    for node in ast.walk(ast.parse(text)):
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


@cache
def needed(path: Path) -> frozenset[str]:
    """Modules that one of ours imports, at whatever place in the file."""
    return frozenset(target(*found) for found in imports(path.read_text()))


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


@pytest.mark.parametrize(
    "folder",
    ["kernels", "engine", "monitoring", "datasets", "algorithms", "diagnosis", "reporting", "cli"],
)
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


def test_algorithms_import_what_users_can() -> None:
    texts = {
        module_of(path): path.read_text().replace("from strads import __version__", "")
        for path in files("algorithms")
    }
    found = {module: private(text, "strads.algorithms") for module, text in texts.items()}
    assert {module: names for module, names in found.items() if names} == {}


@pytest.mark.parametrize("path", sorted(THIRD_PARTY.glob("*.py")), ids=lambda path: path.stem)
def test_somebody_elses_package_finds_all_it_needs(path: Path) -> None:
    assert private(path.read_text()) == []


def test_somebody_elses_package_runs(tmp_path: Path) -> None:
    """An estimator with its own schedule, kernels and files, to the optimum that is known."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 12)), rng.normal(size=30)
    np.savetxt(tmp_path / "x.table", np.column_stack([y, X]))
    model = thirdparty.SparseRegression(penalty=3.0)
    model.fit(*thirdparty.read_table(tmp_path / "x.table"))
    assert model.status_ == "converged"
    slope, w = X.T @ (y - X @ model.coef_), model.coef_
    np.testing.assert_allclose(slope[w != 0.0], 3.0 * np.sign(w[w != 0.0]), atol=1e-7)
    assert np.all(np.abs(slope[w == 0.0]) <= 3.0 + 1e-7)
    assert 0 < model.n_nonzero_ == np.count_nonzero(w) < 12
    counts = model.statistics_["schedules"]["main"]
    assert counts["seen"] == counts["dispatched"] > 0
    model.save(tmp_path / "model.npz")
    assert np.load(tmp_path / "model.npz")["coef"].tobytes() == w.tobytes()
    (tmp_path / "wrong.table").write_text("1 2\n1 x\n")
    with pytest.raises(DataError, match="wrong.table"):
        thirdparty.read_table(tmp_path / "wrong.table")


def test_modules_of_kernels_are_public() -> None:
    text = """
from strads.kernels.factors.row_terms import dot_rows
from strads.kernels.lanes import LANES, padded
from strads.kernels.linear.matrices import overlap
from strads.kernels.random import derive
from strads.kernels.topics.words import Words
"""
    assert private(text) == []
    exec(text, {})


def test_what_is_not_public_is_found() -> None:
    """The tests above can fail."""
    text = "from strads.engine.memory.segments import Segment\nfrom strads.engine import Pool"
    assert private(text) == ["strads.engine.memory.segments: Segment", "strads.engine: Pool"]


@pytest.mark.parametrize("module", PUBLIC)
def test_a_public_module_has_what_it_promises(module: str) -> None:
    """All names are there, none twice, and nothing else is meant to be imported."""
    known = importlib.import_module(module)
    assert [name for name in known.__all__ if not hasattr(known, name)] == []
    assert len(set(known.__all__)) == len(known.__all__)


def test_the_table_of_public_names_is_complete() -> None:
    """docs/design.md has a row for every public name, with the module to import it from."""
    section = DESIGN.partition("## Public names")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    told = {
        (module, name)
        for _, names, modules, *_ in rows
        for module in re.findall(r"`([\w.]+)`", modules)
        for name in re.findall(r"`(\w+)`", names)
    }
    meant = {(m, name) for m in PUBLIC for name in importlib.import_module(m).__all__}
    assert sorted(meant - told) == []
    assert sorted(told - meant) == []
