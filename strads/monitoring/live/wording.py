"""Numbers as people read them: durations, bytes, counts."""

from __future__ import annotations

import math

_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
_COUNTS = ("", " k", " M", " G", " T")


def duration(seconds: float) -> str:
    """Return a duration in at most two units.

    Parameters
    ----------
    seconds : float
    """
    if not math.isfinite(seconds):
        return "?"
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    for size, unit, smaller, below in (
        (86400, "d", "h", 3600), (3600, "h", "min", 60), (60, "min", "s", 1),
    ):  # fmt: skip
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {unit} {rest} {smaller}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def size(count: float) -> str:
    """Return a number of bytes, such as ``"1.2 GB"``."""
    return _scaled(count, _BYTES, separator=" ")


def short(count: float) -> str:
    """Return a large number in short, such as ``"1.2 M"``."""
    return _scaled(count, _COUNTS)


def _scaled(count: float, units: tuple[str, ...], separator: str = "") -> str:
    if not math.isfinite(count):
        return "?"
    place = 0
    while abs(count) >= 999.5 and place < len(units) - 1:
        count /= 1000.0
        place += 1
    digits = 0 if place == 0 or abs(count) >= 99.95 else 1
    return f"{count:.{digits}f}{separator}{units[place]}"
