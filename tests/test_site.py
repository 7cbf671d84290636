"""The site: its pages are complete, its links lead to pages, and it loads nothing from outside.

CI builds the site itself, with warnings as errors (`.ci/run`).
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import strads
import strads.datasets
import strads.engine
import strads.kernels

ROOT = Path(__file__).resolve().parent.parent
pytest.importorskip("sphinx")
sys.path.insert(0, str(ROOT / "docs"))

from extensions import gallery, links, mathml, offline, reference  # noqa: E402


@pytest.mark.parametrize("module", [strads, strads.engine, strads.datasets, strads.kernels])
def test_the_reference_has_every_public_name(module: ModuleType) -> None:
    shown = {name for row in reference.table() for name in row.names}
    things = [reference.found(name) for name in shown]
    for name in module.__all__:
        thing = getattr(module, name)
        assert any(thing is other for other in things), f"{module.__name__}.{name}"


def test_the_reference_has_every_module_of_kernels() -> None:
    shown = {name for row in reference.table() for name in row.names}
    folder = ROOT / "strads" / "kernels" / "linear"
    modules = {f"strads.kernels.linear.{path.stem}" for path in folder.glob("[!_]*.py")}
    assert modules <= shown
    assert "strads.kernels.random" in shown


def test_every_row_has_a_reader_whose_page_exists() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    for reader in {row.reader for row in reference.table()}:
        assert f"generated/reference/{reader}\n" in index
    assert {row.reader for row in reference.table()} == {*reference.READERS}


def test_a_reader_finds_links_and_first_sentences() -> None:
    rows = [row for row in reference.table() if row.reader == "schedule"]
    text = reference.listing("schedule", rows)
    assert ":doc:`strads.Policy <strads.Policy>`" in text
    assert f"``{strads.engine.KEY}``" in text
    assert reference.page("strads.Lasso", strads.Lasso, "user").startswith(":orphan:")


def test_every_page_of_the_documents_is_in_the_navigation() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    lines = index.splitlines()
    for path in (ROOT / "docs").glob("*.md"):
        assert path.stem == "index" or path.stem in lines, path


def test_links_to_files_become_links_to_pages() -> None:
    text = "[a](../README.md), [b](design.md#words), ![c](evidence/x.png), [d](https://e.f/g)"
    assert links.relinked(text, Path("docs/programs.md"), Path("programs.md")) == (
        "[a](index.md), [b](design.md#words), ![c](evidence/x.png), [d](https://e.f/g)"
    )
    text = "[a](examples/potts.py), [b](docs/design.md), [c](examples), [d](strads), [e](#here)"
    page = Path("generated/contributing.md")
    assert links.relinked(text, Path("CONTRIBUTING.md"), page) == (
        "[a](gallery/potts.md), [b](../design.md), [c](gallery/index.md), d, [e](#here)"
    )


def test_pages_that_are_shown_are_there() -> None:
    for place in links.PAGES:
        assert (ROOT / place).exists(), place


def test_the_gallery_has_title_output_picture_and_source() -> None:
    path = ROOT / "examples" / "potts.py"
    assert gallery.described(path)[0] == "Gibbs sampling of the Potts model on any graph"
    text = gallery.page(path)
    assert "of the neighbours are equal" in text
    assert "figures/gallery-potts.png" in text
    assert "literalinclude} ../../../examples/potts.py" in text


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://a.b/c.js"></script>',
        '<script src="//a.b/c.js"></script>',
        '<link rel="stylesheet" href="http://a.b/c.css">',
        '<link rel="preload" as="font" href="https://a.b/c.woff2">',
        '<img alt="x" srcset="a.png 1x, https://a.b/c.png 2x">',
        "<style>@import url('https://a.b/c.css');</style>",
        '<p style="background: url(https://a.b/c.png)">x</p>',
        '<iframe src="https://a.b"></iframe>',
    ],
)
def test_what_a_page_loads_from_outside_is_found(page: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page)
    assert len(list(offline.outside(tmp_path))) == 1


def test_links_that_a_reader_follows_are_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<a href="https://a.b">x</a><link rel="canonical" href="https://a.b/c">'
        '<script src="_static/c.js"></script><img src="data:image/png;base64,AA//">'
    )
    (tmp_path / "style.css").write_text("a { background: url(b.png) }")
    assert list(offline.outside(tmp_path)) == []
    (tmp_path / "style.css").write_text("@font-face { src: url('https://a.b/c.woff') }")
    assert list(offline.outside(tmp_path)) == ["style.css loads https://a.b/c.woff"]


def formulas() -> list[str]:
    """All formulas of docstrings, in one line each."""
    texts = [path.read_text() for path in (ROOT / "strads").rglob("*.py")]
    blocks = [m for t in texts for m in re.findall(r"\.\. math:: (.*(?:\n {10,}.*)*)", t)]
    return [*blocks, *(m for t in texts for m in re.findall(r":math:`([^`]+)`", t))]


def test_formulas_become_mathml() -> None:
    assert len(formulas()) > 10
    for formula in formulas():
        made = import_module("docutils.nodes").math_block(formula, formula)
        assert mathml.converted(made, block=True).startswith("<math"), formula
