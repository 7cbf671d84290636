"""Links of Markdown files, which lead to files of the repository, made to lead to pages."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
#: Files outside of `docs/` that are pages of the site, too.
PAGES = {
    "bench/README.md": "generated/benchmarks.md",
    "CONTRIBUTING.md": "generated/contributing.md",
    "CHANGELOG.md": "generated/changes.md",
    "README.md": "index.md",
    "examples": "generated/gallery/index.md",
    **{
        f"bench/{path.parent.name}/README.md": f"generated/benchmarks/{path.parent.name}.md"
        for path in sorted((ROOT / "bench").glob("*/README.md"))
    },
}
#: A link or picture of Markdown that leads neither outside nor within the page.
LINK = re.compile(r"(!?\[[^\]]*\])\((?!https?://|mailto:|#)([^)\s]+)\)")


def page_of(place: str) -> str | None:
    """Return the page, below `docs/`, that shows a file or folder of the repository."""
    if place in PAGES:
        return PAGES[place]
    if re.fullmatch(r"examples/\w+\.py", place):
        return f"generated/gallery/{Path(place).stem}.md"
    if place.startswith("docs/") and place.endswith(".md"):
        return place.removeprefix("docs/")
    return None


def relinked(text: str, origin: Path, page: Path) -> str:
    """Return the text of a Markdown file as it is to stand at another place.

    Parameters
    ----------
    text : str
    origin : Path
        The file, from the top of the repository.
    page : Path
        The page that shows it, from `docs/`.
    """

    def lead(match: re.Match[str]) -> str:
        target, mark, part = match[2].partition("#")
        place = os.path.normpath(origin.parent / target)
        shown = page_of(place)
        if shown is None and (ROOT / place).is_dir():
            return f"{match[1].strip('[]')}"  # no page lists what is in that folder
        there = DOCS / shown if shown else ROOT / place
        return f"{match[1]}({os.path.relpath(there, (DOCS / page).parent)}{mark}{part})"

    return LINK.sub(lead, text)


def write_pages(app: Sphinx, config: Any) -> None:
    """Write the pages that show files outside of `docs/`."""
    for place, page in PAGES.items():
        if page.startswith("generated/") and (ROOT / place).is_file():
            text = relinked((ROOT / place).read_text(), Path(place), Path(page))
            write_if_new(DOCS / page, text + below(page))


def below(page: str) -> str:
    """Return the table of contents of the pages in the folder of a page's name, if there are."""
    pages = [Path(each) for each in PAGES.values()]
    inside = [f"{each.parent.name}/{each.stem}" for each in pages
              if each.parent == Path(page).with_suffix("")]  # fmt: skip
    return "\n".join(["", "```{toctree}", ":hidden:", "", *inside, "```", ""]) if inside else ""


def write_if_new(path: Path, text: str) -> None:
    """Write a file, unless it has this text: Sphinx reads again what is newer than its page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def write_folder(folder: Path, texts: dict[str, str]) -> None:
    """Write the files of a folder of pages, and remove all others of their kind."""
    for file, text in texts.items():
        write_if_new(folder / file, text)
    for kind in {Path(file).suffix for file in texts}:
        for path in folder.glob(f"*{kind}"):
            if path.name not in texts:
                path.unlink()


def relink_source(app: Sphinx, name: str, source: list[str]) -> None:
    """Mend the links of a page of `docs/` while it is read."""
    page = Path(f"{name}.md")
    if "generated" not in page.parts and (DOCS / page).exists():
        source[0] = relinked(source[0], "docs" / page, page)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both."""
    app.connect("config-inited", write_pages)
    app.connect("source-read", relink_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
