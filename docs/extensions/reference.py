"""Pages of the reference: one for every public name, grouped as the table of `docs/design.md`.

Tests compare that table with the package, so no name is missing here.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from sphinx.application import Sphinx

from extensions.links import DOCS, ROOT, write_folder

FOLDER = DOCS / "generated" / "reference"
#: Reader, as the table calls him → title and first sentence of his page.
READERS = {
    "user": ("Estimators, data, results", "For those who fit estimators or run programs."),
    "program": ("Programs", "For the author of a program."),
    "schedule": ("Schedules", "For the author of a schedule."),
    "estimator": ("Estimators and readers", "For the author of an estimator or of a reader."),
    "tool": ("Compiled code", "For tools that compile ahead."),
}
ROOMS = ("strads", "strads.engine", "strads.datasets", "strads.kernels")


class Row(NamedTuple):
    """A row of the table."""

    names: tuple[str, ...]  #: whole names, such as ``strads.Lasso``
    reader: str
    purpose: str


#: Types of public names that have no page of their own, since their value says all.
CONSTANTS = (int, str, tuple)


def table() -> Iterator[Row]:
    """Yield the rows of the table of public names."""
    text = (ROOT / "docs" / "design.md").read_text()
    section = text.partition("\n## Public names")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith(("`", "modules")):
            names, places, reader, purpose = cells
            words = re.findall(r"`([\w.]+)`", names)
            rooms = re.findall(r"`(strads[\w.]*)`", places)
            whole = (
                [f"{rooms[0]}.{word}" for word in words]
                if rooms
                else list(modules(words))  # they are imported from themselves
            )
            yield Row(tuple(whole), reader, purpose)


def modules(words: list[str]) -> Iterator[str]:
    """Yield modules: those that are named, and those of folders that are named."""
    for word in words:
        name = f"strads.kernels{word}" if word.startswith(".") else word
        module = import_module(name)
        if hasattr(module, "__path__"):
            files = sorted(Path(path) for p in module.__path__ for path in Path(p).glob("[!_]*.py"))
            yield from (f"{name}.{path.stem}" for path in files)
        else:
            yield name


def found(name: str) -> Any:
    """Return what a whole name stands for."""
    room, _, last = name.rpartition(".")
    try:
        return getattr(import_module(room), last)
    except AttributeError:
        return import_module(name)


def summary(thing: Any) -> str:
    """Return the first sentence of a docstring; of a constant, its value."""
    if isinstance(thing, CONSTANTS):
        return f"``{thing!r}``"
    first = (inspect.getdoc(thing) or "").partition("\n\n")[0]
    return " ".join(first.split())


def titled(title: str, mark: str = "=") -> list[str]:
    """Return the lines of a heading."""
    return [title, mark * len(title), ""]


def page(name: str, thing: Any, reader: str) -> str:
    """Return the page of a class, a function or a module.

    It is not in the navigation, which is written into every page: with all names in it, pages were
    three times as large, and the build took twice as long.
    """
    last = name.rpartition(".")[2]
    back = [":orphan:", "", f"*Reference:* :doc:`{reader}`", ""]
    if isinstance(thing, ModuleType):
        body = [f".. automodule:: {name}", "   :members:"]
        return "\n".join([*back[:2], *titled(name), *back[2:], *body, ""])
    if inspect.isclass(thing):
        body = [f".. autoclass:: {name}", "   :members:", "   :inherited-members:"]
    else:
        body = [f".. autofunction:: {name}"]
    return "\n".join([*back[:2], *titled(last), *back[2:], *body, ""])


def listing(reader: str, rows: list[Row]) -> str:
    """Return the page of a reader: a table for every row, with links to the names' pages."""
    title, sentence = READERS[reader]
    lines = [*titled(title), sentence, ""]
    for row in rows:
        purpose = re.sub(r"`([^`]+)`", r"``\1``", row.purpose)
        purpose = "kernels of the shipped algorithms" if "modules" in purpose else purpose
        lines += titled(purpose[:1].upper() + purpose[1:], "-")
        lines += [".. list-table::", "   :widths: 30 70", "   :class: names", ""]
        for name in row.names:
            thing = found(name)
            shown = f"``{name}``" if isinstance(thing, CONSTANTS) else f":doc:`{name} <{name}>`"
            lines += [f"   * - {shown}", f"     - {summary(thing)}"]
        lines.append("")
    return "\n".join([*lines, ""])


def write_reference(app: Sphinx, config: Any) -> None:
    """Write all pages, and remove those of names that are gone."""
    rows = list(table())
    texts = {f"{reader}.rst": listing(reader, [r for r in rows if r.reader == reader])
             for reader in READERS}  # fmt: skip
    for row in rows:
        texts |= {f"{name}.rst": page(name, found(name), row.reader) for name in row.names
                  if not isinstance(found(name), CONSTANTS)}  # fmt: skip
    write_folder(FOLDER, texts)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the writer."""
    app.connect("config-inited", write_reference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
