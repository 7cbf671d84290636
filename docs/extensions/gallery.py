"""The gallery: a page for every example, with what it prints, its picture and its source.

Nothing is run here. ``python -m bench.pictures gallery`` runs the examples, and keeps what they
print in `docs/gallery` and their pictures in `docs/figures`; `tests/test_examples.py` runs them
again and compares. To run all of them takes two minutes, and tests do it in any case.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from extensions.links import DOCS, ROOT, write_folder

EXAMPLES = ROOT / "examples"
FOLDER = DOCS / "generated" / "gallery"
HEAD = """# Examples

Each is a script without arguments, such as `python examples/pagerank.py`. Their results were
printed on two cores. The same seed and the same number of workers give the same numbers again on
the same kind of processor, and nearly the same on others. The notebook
[own_program.ipynb](../../../examples/own_program.ipynb) goes through the first steps with a program
of one's own.
"""


def described(path: Path) -> tuple[str, str]:
    """Return the title and the sentence of an example, from its docstring."""
    text = " ".join((ast.get_docstring(ast.parse(path.read_text())) or path.stem).split())
    title, _, rest = text.partition(": ")
    return (title, rest[:1].upper() + rest[1:]) if rest else (text.rstrip("."), "")


def picture(path: Path) -> str:
    """Return the Markdown of an example's picture, if it has one."""
    file = DOCS / "figures" / f"gallery-{path.stem}.png"
    text = DOCS / "figures" / f"gallery-{path.stem}.txt"
    if not file.exists():
        return ""
    caption = " ".join(text.read_text().split())
    return f"![{caption}](../../figures/{file.name})\n\n{caption}\n"


def page(path: Path) -> str:
    """Return the page of an example."""
    title, sentence = described(path)
    printed = (DOCS / "gallery" / f"{path.stem}.txt").read_text()
    return "\n".join([
        f"# {title}", "", sentence, "", picture(path),
        f"## What `python examples/{path.name}` prints", "",
        "```text", printed.rstrip("\n"), "```", "",
        "## Source", "",
        f"```{{literalinclude}} ../../../examples/{path.name}", ":language: python", "```", "",
    ])  # fmt: skip


def card(path: Path) -> str:
    """Return a line of the overview."""
    title, sentence = described(path)
    shown = f"![{title}](../../figures/gallery-{path.stem}.png)" if picture(path) else ""
    return f"| {shown} | [**{title}**]({path.stem}.md)<br>{sentence} |"


def write_gallery(app: Sphinx, config: Any) -> None:
    """Write all pages of the gallery."""
    paths = sorted(EXAMPLES.glob("*.py"))
    lines = [HEAD, "| | |", "|---|---|", *map(card, paths), "",
             "```{toctree}", ":hidden:", "", *(path.stem for path in paths), "```", ""]  # fmt: skip
    texts = {"index.md": "\n".join(lines)} | {f"{path.stem}.md": page(path) for path in paths}
    write_folder(FOLDER, texts)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the writer."""
    app.connect("config-inited", write_gallery)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
