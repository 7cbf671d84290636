"""A chart of lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from strads.reporting.charts.scales import Scale
from strads.reporting.charts.svg import (
    BOTTOM,
    HEIGHT,
    TOP,
    Frame,
    drawing,
    label,
    line,
    place,
    text,
)

#: Points of a line beyond these do not show.
MOST_POINTS = 300
#: Up to so many, each point is marked.
FEW_POINTS = 40
#: Styles of lines that differ in colour and dashes.
STYLES = 6


@dataclass(frozen=True)
class Line:
    """A line of a chart."""

    label: str
    x: np.ndarray
    y: np.ndarray

    def thinned(self, log_y: bool) -> Line:
        """Return the line with few points: of every part the first, least, largest and last."""
        known = np.isfinite(self.x) & np.isfinite(self.y) & ((self.y > 0.0) | (not log_y))
        x, y = self.x[known], self.y[known]
        if len(x) > MOST_POINTS:
            kept: set[int] = set()
            for part in np.array_split(np.arange(len(x)), MOST_POINTS // 4):
                ends = (part[0], part[y[part].argmin()], part[y[part].argmax()], part[-1])
                kept.update(map(int, ends))
            places = np.array(sorted(kept))
            x, y = x[places], y[places]
        return Line(self.label, x, y)


@dataclass(frozen=True)
class Chart:
    """A finished chart: markup, and the points that a script may show."""

    markup: str
    points: dict[str, Any]


def line_chart(
    lines: Sequence[Line], *, key: str, title: str, description: str, x_label: str, y_label: str,
    log_x: bool = False, log_y: bool = False, bound: float | None = None, zero: bool = False,
) -> Chart:  # fmt: skip
    """Draw lines.

    Parameters
    ----------
    bound : float, optional
        A value of y to mark by a line of its own.
    zero : bool
        Whether y begins at zero.
    """
    drawn = [one.thinned(log_y) for one in lines]
    if log_x:
        drawn = [Line(d.label, d.x[d.x > 0.0], d.y[d.x > 0.0]) for d in drawn]
    marked = [] if bound is None or not np.isfinite(bound) else [np.array([bound])]
    if log_y and marked and marked[0][0] <= 0.0:
        marked = []
    x = Scale.of([d.x for d in drawn], log=log_x, zero=not log_x)
    y = Scale.of([*(d.y for d in drawn), *marked], log=log_y, zero=zero)
    frame = Frame.of(x, y)
    body = [frame.axes(x_label, y_label)]
    for value in marked:
        at = frame.y(float(value[0]))
        body.append(f'<path class="bound" d="M{place(frame.x.begin)} {place(at)}H'
                    f'{place(frame.x.end)}"/>')  # fmt: skip
        above = at - 5 if at > TOP + 20 else at + 14
        body.append(label(frame.x.end - 2, above, "target", "end"))
    for k, one in enumerate(drawn):
        points = [(frame.x(a), frame.y(b)) for a, b in zip(one.x, one.y, strict=True)]
        tip = f"<title>{text(one.label)}</title>"
        body.append(f'<path class="line s{k % STYLES}" d="{line(points)}">{tip}</path>')
        if len(points) <= FEW_POINTS:
            dots = "".join(f"M{place(a)} {place(b)}h0" for a, b in points if isfinite(a + b))
            body.append(f'<path class="s{k % STYLES} dots" d="{dots}"/>')
    markup = drawing(title, description, "".join(body), key=key) + legend(
        [(f"line s{k % STYLES}", one.label) for k, one in enumerate(lines)]
    )
    return Chart(markup, _points(frame, drawn, x_label))


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """Return the list of what colours and dashes mean; none for a line alone."""
    if len(entries) < 2:
        return ""
    swatches = "".join(
        f'<li><svg class="swatch" viewBox="0 0 26 12" aria-hidden="true">{_sample(kind)}</svg>'
        f"{text(words, 120)}</li>"
        for kind, words in entries
    )
    return f'<ul class="legend">{swatches}</ul>'


def _sample(kind: str) -> str:
    if kind.startswith("line"):
        return f'<path class="{kind}" d="M1 6H25"/>'
    return f'<rect x="4" y="0" width="14" height="12" class="{kind}"/>'


def _points(frame: Frame, drawn: Sequence[Line], x_label: str) -> dict[str, Any]:
    """Return what a script needs to tell the point that is nearest to the pointer."""
    rows = []
    for one in drawn:
        rows.append({
            "label": one.label[:120],
            "x": [float(f"{v:.5g}") for v in one.x], "y": [float(f"{v:.4g}") for v in one.y],
            "px": [_place(frame.x(v)) for v in one.x],
            "py": [_place(frame.y(v)) for v in one.y],
        })  # fmt: skip
    return {"lines": rows, "x": x_label, "low": HEIGHT - BOTTOM}


def _place(value: float) -> float | None:
    """Return a coordinate as JSON has it; what has no place is never the nearest point."""
    return round(value, 1) if isfinite(value) else None
