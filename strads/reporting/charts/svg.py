"""Pieces of SVG: escaped text, numbers, the frame of a chart, its axes."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from strads.reporting.charts.scales import Scale

#: Size of all charts, in units of their own. At 400 pixels text of 13 is still read.
WIDTH, HEIGHT = 480, 280
LEFT, RIGHT, TOP, BOTTOM = 82, 14, 14, 46
#: Characters that no document may hold.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
#: Marks that turn the direction of a text, and so can make a label read as another one.
_TURNING = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def text(value: object, longest: int = 400) -> str:
    """Return a value as text of a document: escaped, without control characters, shortened."""
    plain = _TURNING.sub("\ufffd", _CONTROL.sub("\ufffd", str(value)))
    if len(plain) > longest:
        plain = f"{plain[: longest - 1]}…"
    return html.escape(plain, quote=True)


def place(value: float) -> str:
    """Return a coordinate with at most one digit after the point."""
    return f"{value:.1f}".removesuffix(".0")


def drawing(
    title: str, description: str, body: str, *, height: float = HEIGHT, key: str = ""
) -> str:
    """Return a chart: its title and description are what a screen reader tells.

    Parameters
    ----------
    key : str
        Name of its points in the data of the page, for the script that shows them.
    """
    points = f' data-chart="{text(key)}"' if key else ""
    return (
        f'<svg viewBox="0 0 {WIDTH} {place(height)}" role="img" aria-label="{text(title)}"{points}>'
        f"<title>{text(title)}</title><desc>{text(description, 2000)}</desc>{body}</svg>"
    )


def label(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
    """Return a text at a place."""
    return (
        f'<text x="{place(x)}" y="{place(y)}" text-anchor="{anchor}"{more}>{text(words, 80)}</text>'
    )


def rectangle(x: float, y: float, width: float, height: float, kind: str, told: str = "") -> str:
    """Return a rectangle of a class; what is told shows when a pointer rests on it."""
    tip = f"<title>{text(told)}</title>" if told else ""
    return (
        f'<rect x="{place(x)}" y="{place(y)}" width="{max(width, 0.0):.2f}" '
        f'height="{max(height, 0.0):.2f}" class="{kind}">{tip}</rect>'
    )


@dataclass(frozen=True)
class Frame:
    """The area of a chart between its axes."""

    x: Scale
    y: Scale
    height: float = HEIGHT

    @classmethod
    def of(cls, x: Scale, y: Scale, height: float = HEIGHT) -> Frame:
        """Return a frame whose scales cover the area."""
        return cls(x.onto(LEFT, WIDTH - RIGHT), y.onto(height - BOTTOM, TOP), height)

    def axes(self, x_label: str, y_label: str) -> str:
        """Return grid lines, ticks and the names of the axes."""
        low, high = self.height - BOTTOM, TOP
        parts = [f'<path class="axis" d="M{LEFT} {high}V{place(low)}H{WIDTH - RIGHT}"/>']
        for value, words in self.y.ticks():
            y = place(self.y(value))
            parts.append(f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
            parts.append(label(LEFT - 6, self.y(value) + 4, words, "end"))
        for value, words in self.x.ticks():
            x = self.x(value)
            parts.append(f'<path class="axis" d="M{place(x)} {place(low)}v4"/>')
            near_end = x > WIDTH - RIGHT - 12
            parts.append(
                label(
                    WIDTH - 2 if near_end else x, low + 18, words, "end" if near_end else "middle"
                )
            )
        parts.append(label((LEFT + WIDTH - RIGHT) / 2, self.height - 8, x_label))
        middle = (low + high) / 2
        turned = f' transform="rotate(-90 12 {place(middle)})"'
        parts.append(label(12, middle, y_label, more=turned))
        return "".join(parts)


def line(points: Sequence[tuple[float, float]]) -> str:
    """Return the path of a line; a point that is not finite breaks it."""
    parts, down = [], False
    for x, y in points:
        if not (math.isfinite(x) and math.isfinite(y)):
            down = False
            continue
        parts.append(f"{'L' if down else 'M'}{place(x)} {place(y)}")
        down = True
    if len(parts) == 1:  # a point alone: a line of no length, which round ends make visible
        parts.append("h0")
    return "".join(parts)
