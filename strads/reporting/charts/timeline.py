"""A timeline: what each process did, one row for each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from strads.reporting.charts.lines import legend
from strads.reporting.charts.scales import Scale
from strads.reporting.charts.svg import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Frame,
    drawing,
    label,
    place,
)
from strads.reporting.spending import KINDS, MEANINGS, ProcessTimes

#: Processes beyond these get no row.
MOST_ROWS = 24
ROW, GAP = 26.0, 6.0


def timeline(times: Mapping[str, ProcessTimes], *, title: str, description: str) -> str:
    """Draw the shares of what processes did, as stacked steps in a row of each."""
    shown = list(times.items())[:MOST_ROWS]
    if not shown:
        return ""
    edges = shown[0][1].edges
    height = TOP + len(shown) * (ROW + GAP) + BOTTOM
    frame = Frame.of(Scale(float(edges[0]), float(max(edges[-1], edges[0] + 1e-9))),
                     Scale(0.0, 1.0), height)  # fmt: skip
    body, seen = [], []
    for k, (name, known) in enumerate(shown):
        top = TOP + k * (ROW + GAP)
        body.append(label(LEFT - 6, top + ROW / 2 + 4, name, "end"))
        body.append(f'<rect class="rest" x="{LEFT}" y="{place(top)}" '
                    f'width="{WIDTH - LEFT - RIGHT}" height="{ROW}"/>')  # fmt: skip
        base = np.zeros(len(edges) - 1)
        for kind in KINDS:
            if kind in known.shares and known.shares[kind].any():
                above = base + known.shares[kind]
                body.append(f'<path class="{kind}" d="{_band(frame, edges, base, above, top)}"/>')
                base = above
                seen.append(kind)
    low = height - BOTTOM
    for value, words in frame.x.ticks():
        x = frame.x(value)
        body.append(f'<path class="axis" d="M{place(x)} {place(low)}v4"/>')
        body.append(label(min(x, WIDTH - 16), low + 18, words))
    body.append(label((LEFT + WIDTH - RIGHT) / 2, height - 8, "seconds since the fit began"))
    kinds = [(kind, MEANINGS[kind]) for kind in KINDS if kind in seen]
    drawn = drawing(title, description, "".join(body), height=height)
    return drawn + legend([*kinds, ("rest", "outside rounds: preparing, measuring, or idle")])


def _band(
    frame: Frame, edges: np.ndarray, base: np.ndarray, above: np.ndarray, top: float
) -> str:  # fmt: skip
    """Return the path between two steps; intervals without any height are left out."""
    parts = []
    for k in np.flatnonzero(above > base + 1e-3):
        x, right = frame.x(float(edges[k])), frame.x(float(edges[k + 1]))
        y = top + ROW * (1.0 - float(above[k]))
        height = ROW * float(above[k] - base[k])
        parts.append(f"M{place(x)} {y:.1f}h{right - x:.2f}v{height:.1f}h-{right - x:.2f}z")
    return "".join(parts)
