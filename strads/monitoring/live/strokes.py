"""Bars and small curves, drawn with the letters that a terminal has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Strokes:
    """Letters to draw with.

    Attributes
    ----------
    done, left : str
        The two parts of a bar of progress.
    ways : dict of str to str
        A letter for each way in which a process spends its time; they differ without colours, too.
    idle : str
        For the time between launches.
    curve : str
        From low to high; empty if there are no such letters.
    dot, arrow, ellipsis : str
    """

    done: str
    left: str
    ways: dict[str, str]
    idle: str
    curve: str
    dot: str
    arrow: str
    ellipsis: str

    def progress(self, share: float, width: int) -> tuple[str, str]:
        """Return the two parts of a bar of progress."""
        count = round(min(max(share, 0.0), 1.0) * width) if math.isfinite(share) else 0
        return self.done * count, self.left * (width - count)

    def shares(self, shares: Sequence[tuple[str, float]], width: int) -> list[tuple[str, str]]:
        """Return the parts of a bar, each with its way; the rest is idle.

        Parameters
        ----------
        shares : sequence of (way, share)
        width : int
        """
        parts, drawn, reached = [], 0, 0.0
        for way, share in shares:
            reached += share
            upto = min(max(round(reached * width), drawn), width)
            parts.append((way, self.ways[way] * (upto - drawn)))
            drawn = upto
        return [*parts, ("idle", self.idle * (width - drawn))]

    def small_curve(self, values: Sequence[float]) -> str:
        """Return one letter for each value, the highest for the largest."""
        most = max(values, default=0.0)
        if not self.curve or not 0.0 < most < math.inf:
            return ""
        last = len(self.curve) - 1
        return "".join(self.curve[round(max(v, 0.0) / most * last)] for v in values)


UNICODE = Strokes(
    done="━", left="─", ways={"busy": "█", "waiting": "▒", "scheduling": "▚"}, idle="·",
    curve="▁▂▃▄▅▆▇█", dot="·", arrow="→", ellipsis="…",
)  # fmt: skip
ASCII = Strokes(
    done="#", left="-", ways={"busy": "#", "waiting": "-", "scheduling": "+"}, idle=".",
    curve="", dot="|", arrow="->", ellipsis="...",
)  # fmt: skip
