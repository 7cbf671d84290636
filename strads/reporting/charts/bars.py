"""Bars: parts of a whole, and amounts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strads.reporting.charts.lines import legend
from strads.reporting.charts.svg import WIDTH, drawing, label, rectangle


@dataclass(frozen=True)
class Part:
    """A part of a bar: its amount, its class, and what it is."""

    amount: float
    kind: str
    words: str


@dataclass(frozen=True)
class Bar:
    """A bar with a line of text above it."""

    heading: str
    parts: Sequence[Part]


def bars(bars: Sequence[Bar], *, title: str, description: str, one_scale: bool = False) -> str:
    """Draw bars one below the other.

    Parameters
    ----------
    one_scale : bool
        Whether all bars have one scale; else each is as wide as the chart.
    """
    widest = max((_sum(bar) for bar in bars), default=0.0)
    body, y = [], 16.0
    for bar in bars:
        whole = widest if one_scale else _sum(bar)
        body.append(label(2, y, bar.heading, "start", ' class="strong"'))
        x = 2.0
        for part in bar.parts:
            width = (WIDTH - 4) * max(part.amount, 0.0) / whole if whole > 0.0 else 0.0
            body.append(rectangle(x, y + 8, width, 22, part.kind, part.words))
            x += width
        y += 58.0
    drawn = drawing(title, description, "".join(body), height=max(y - 18.0, 20.0))
    told = [(p.kind, p.words) for bar in bars for p in bar.parts if p.words]
    return drawn + legend(list(dict.fromkeys(told)))


def _sum(bar: Bar) -> float:
    return sum(max(part.amount, 0.0) for part in bar.parts)
