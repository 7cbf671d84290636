"""A page as one file: it asks for nothing outside itself, and what it shows cannot become code."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from strads.engine import DataError
from strads.reporting.charts.svg import text
from strads.reporting.page.markup import Section
from strads.reporting.page.script import SCRIPT
from strads.reporting.page.style import STYLE

#: Largest page that is written.
LARGEST_PAGE = 2_000_000
#: Letters that could end an element of script, and those that end a line for JavaScript alone.
_ESCAPED = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def document(title: str, lede: str, sections: Sequence[Section]) -> str:
    """Return a page.

    Its policy lets the browser run the one script and apply the one style that have these hashes,
    and load nothing at all.
    """
    points: dict[str, Any] = {}
    for section in sections:
        points.update(section.points)
    links = "".join(f'<a href="#{s.name}">{text(s.title)}</a>' for s in sections if s.title)
    body = "".join(section.markup() for section in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">'
        f"<title>{text(title, 200)}</title><style>{STYLE}</style></head>\n<body><main>"
        f'<h1>{text(title, 200)}</h1>{lede}<nav aria-label="Parts of this page">{links}</nav>'
        f"{body}</main>\n"
        f'<script type="application/json" id="points">{harmless_json(points)}</script>'
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def _policy() -> str:
    return (
        f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def harmless_json(value: Mapping[str, Any]) -> str:
    """Return JSON that can stand in an element of script, whatever its texts are."""
    told = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for letter, instead in _ESCAPED.items():
        told = told.replace(letter, instead)
    return told.encode("utf-8", "replace").decode()


def write_page(path: Path, page: str) -> int:
    """Write a page as a whole, and return its size in bytes.

    Raises
    ------
    DataError
        If it is too large.
    OSError
        If it cannot be written.
    """
    content = page.encode("utf-8", "replace")
    if len(content) > LARGEST_PAGE:
        raise DataError(f"the page for {path} would have {len(content):,} bytes: too many")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return len(content)
