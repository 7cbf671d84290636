"""Pieces of a page: sections, figures, tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from strads.reporting.charts.lines import Chart
from strads.reporting.charts.svg import text

#: A number and its unit stay on one line.
_UNIT = re.compile(r"(?<=\d) (?=(?:%|h|min|s|ms|µs|bytes|[kMGT]B)(?![\w-]))")
_KEPT = "\u00a0"


@dataclass
class Section:
    """A section of a page, with the points of its charts."""

    title: str
    body: str = ""
    points: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What a link calls it."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    def markup(self) -> str:
        """Return the section as markup."""
        return f'<section id="{self.name}"><h2>{text(self.title)}</h2>{self.body}</section>\n'


def paragraph(words: str, kind: str = "") -> str:
    """Return a paragraph of plain text."""
    return f"<p{_class(kind)}>{_UNIT.sub(_KEPT, text(words, 4000))}</p>"


def figure(title: str, drawn: str, caption: str, kind: str = "") -> str:
    """Return a figure with a heading and a caption."""
    told = f"<figcaption>{text(caption, 1000)}</figcaption>" if caption else ""
    return f"<figure{_class(kind)}><h3>{text(title)}</h3>{drawn}{told}</figure>"


class Charts:
    """Figures side by side, and the points of those that have any."""

    def __init__(self) -> None:
        self.figures: list[str] = []
        self.points: dict[str, Any] = {}

    def add(self, title: str, drawn: Chart | str, caption: str, key: str = "") -> None:
        """Add a figure."""
        if isinstance(drawn, Chart):
            self.points[key] = drawn.points
            drawn = drawn.markup
        self.figures.append(figure(title, drawn, caption))

    def markup(self) -> str:
        """Return all figures."""
        return f'<div class="charts">{"".join(self.figures)}</div>' if self.figures else ""


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: bool = True, caption: str = ""
) -> str:
    """Return a table whose first column names its rows.

    Parameters
    ----------
    numbers : bool
        Whether the other columns hold numbers.
    """
    kind = ' class="n"' if numbers else ""
    first, *others = [text(head) for head in heads]
    head = f'<th scope="col">{first}</th>' + "".join(
        f'<th scope="col"{kind}>{other}</th>' for other in others
    )
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>'
        + "".join(f"<td{kind}>{text(value)}</td>" for value in row[1:])
        + "</tr>"
        for row in rows
    )
    told = f'<caption class="soft">{text(caption)}</caption>' if caption else ""
    return (
        f'<div class="wide"><table>{told}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def facts(entries: Mapping[str, Any]) -> str:
    """Return a table of names and values."""
    rows = "".join(
        f'<tr><th scope="row">{text(name, 120)}</th><td>{text(as_text(value))}</td></tr>'
        for name, value in entries.items()
    )
    return f'<div class="wide"><table class="facts"><tbody>{rows}</tbody></table></div>'


def as_text(value: Any) -> str:
    """Return a value of a record as text: as JSON has it, but texts without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def copied(name: str, words: str, told: str) -> str:
    """Return a text, and a button that copies it where scripts run."""
    return (
        f'<pre id="{name}">{text(words, 20_000)}</pre>'
        f'<button type="button" data-copies="{name}" hidden>{text(told)}</button>'
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
