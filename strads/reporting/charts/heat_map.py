"""A heat map: how often what was visited, and when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from strads.reporting import wording
from strads.reporting.charts.lines import legend
from strads.reporting.charts.scales import Scale
from strads.reporting.charts.svg import Frame, drawing, place
from strads.reporting.run_record import Visits

#: Rows (parts of the axis) and columns (parts of the time) of a map.
ROWS, COLUMNS = 64, 90
LEVELS = 8


def binned(
    visits: Sequence[Visits], since: float, rows: int = ROWS, columns: int = COLUMNS
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return visits for each id, in parts of an axis and of the time.

    What an event counts is spread evenly over the time since the one before it, and over the ids
    of each of its parts.

    Parameters
    ----------
    visits : sequence of Visits
        Of one phase, in order.
    since : float
        When the first of them began to count.

    Returns
    -------
    map : ndarray, shape (rows, columns)
        Visits of an id, on average over the ids of a row.
    edges : ndarray, shape (columns + 1,)
        Seconds since the fit began.
    size : int
        Ids of the axis.
    """
    size = max(seen.size for seen in visits)
    rows = min(rows, size)
    end = max(*(seen.time for seen in visits), since + 1e-9)
    edges = np.linspace(since, end, columns + 1)
    heat = np.zeros((rows, columns))
    for seen in visits:
        begin, since = since, max(seen.time, since)
        if since > begin:
            share = np.diff(np.clip((edges - begin) / (since - begin), 0.0, 1.0))
        else:
            share = np.zeros(columns)
            share[min(int(np.searchsorted(edges, since)), columns) - 1] = 1.0
        heat += np.outer(_spread(seen, rows, size), share)
    return heat / (size / rows), edges, size


def _spread(seen: Visits, rows: int, size: int) -> np.ndarray:
    """Return the counts of an event in equal parts of the whole axis."""
    known = np.linspace(0.0, seen.size, len(seen.counts) + 1)
    sums = np.concatenate([[0.0], np.cumsum(seen.counts)])
    return np.diff(np.interp(np.linspace(0.0, size, rows + 1), known, sums))


def heat_map(
    heat: np.ndarray, edges: np.ndarray, size: int, *, title: str, description: str, axis: str
) -> str:
    """Draw a map; its levels are powers, since few ids are often visited many times as often."""
    frame = Frame.of(
        Scale(float(edges[0]), float(edges[-1])), Scale(0.0, float(size)), height=300.0
    )
    shown = heat[heat > 0.0]
    low, high = (float(shown.min()), float(shown.max())) if len(shown) else (1.0, 1.0)
    several = high >= 2.0 * low  # else all were visited about as often
    # A level stands for twice as many visits at least: what is almost even must look so.
    least = max(min(low, high / 2.0**LEVELS), high / 1e4)
    bounds = np.geomspace(least, high, LEVELS + 1)[1:-1] if several else np.empty(0)
    level = np.where(heat > 0.0, 1 + np.searchsorted(bounds, heat, side="left"), 0)
    body = [frame.axes("seconds since the fit began", f"id on axis {axis}")]
    for k in range(1, LEVELS + 1):
        path = _cells(level == k, frame, edges, size)
        if path:
            body.append(f'<path class="h{k}" d="{path}"/>')
    drawn = drawing(title, description, "".join(body), height=300.0)
    return drawn + legend(_keys(low, high, bounds))


def _cells(mask: np.ndarray, frame: Frame, edges: np.ndarray, size: int) -> str:
    """Return the path of the cells of a level; equal ones in a row become one rectangle."""
    parts = []
    heights = np.linspace(0.0, size, len(mask) + 1)
    for k, row in enumerate(mask):
        changes = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
        top = frame.y(float(heights[k + 1]))
        height = place(frame.y(float(heights[k])) - top)
        for begin, end in zip(changes[::2], changes[1::2], strict=True):
            x = frame.x(float(edges[begin]))
            width = place(frame.x(float(edges[end])) - x)
            parts.append(f"M{place(x)} {place(top)}h{width}v{height}h-{width}z")
    return "".join(parts)


def _keys(low: float, high: float, bounds: np.ndarray) -> list[tuple[str, str]]:
    """Return what some of the levels mean."""
    if not len(bounds):
        return [("h0", "never"), ("h1", f"about {wording.rounded(high)} visits of an id")]
    first = int(np.searchsorted(bounds, low, side="left")) + 1
    told = [(f"h{first}", f"from {wording.rounded(low)} visits of an id")]
    if first < LEVELS - 1:
        middle = (first + LEVELS) // 2
        told.append((f"h{middle}", f"about {wording.rounded(float(bounds[middle - 1]))}"))
    if first < LEVELS:
        told.append((f"h{LEVELS}", f"to {wording.rounded(high)}"))
    return [("h0", "never"), *told]
