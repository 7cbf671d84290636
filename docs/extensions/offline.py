"""After a build: no page may need anything from outside. Links that a reader follows may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

#: An address of another machine.
OUTSIDE = re.compile(r"^\s*(?:https?:|ftp:|wss?:)?//", re.IGNORECASE)
#: What a style sheet loads.
LOADED = re.compile(r"""(?:url\(\s*["']?|@import\s*["'])([^"')\s;]+)""")
#: Kinds of links that only name another page.
NAMES_ONLY = {"canonical", "author", "license", "help", "next", "prev", "search", "index"}


class _Loads(HTMLParser):
    """Collects what a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.in_style = tag == "style"
        if "src" in given:
            self.found.append(given["src"])
        if tag == "link" and not NAMES_ONLY & set(given.get("rel", "").split()):
            self.found.append(given.get("href", ""))
        if "srcset" in given:
            self.found += [part.split()[0] for part in given["srcset"].split(",") if part.strip()]
        if tag in ("object", "use", "image"):
            self.found += [given[name] for name in ("data", "href", "xlink:href") if name in given]
        self.found += LOADED.findall(given.get("style", ""))

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.found += LOADED.findall(data)


def loads(text: str, style: bool = False) -> list[str]:
    """Return the addresses outside that a page, or a style sheet, loads."""
    if style:
        found = LOADED.findall(text)
    else:
        page = _Loads()
        page.feed(text)
        found = page.found
    return [address for address in found if OUTSIDE.match(address)]


def outside(folder: Path) -> Iterator[str]:
    """Yield a line for every file of a site and every address outside that it loads."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".html", ".css", ".svg"):
            for address in loads(path.read_text(encoding="utf-8"), path.suffix == ".css"):
                yield f"{path.relative_to(folder)} loads {address}"


def demand_offline(app: Sphinx, exception: Exception | None) -> None:
    """Refuse a finished site that loads anything from outside."""
    if exception is None and app.builder.format == "html":
        found = list(outside(Path(app.outdir)))
        if found:
            raise ExtensionError("the site must work offline, but " + "; ".join(found))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the check."""
    app.connect("build-finished", demand_offline)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
