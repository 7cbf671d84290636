"""Numbers as people read them."""

from __future__ import annotations

import math

UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def number(value: float) -> str:
    """Return a number with three digits that count; whole ones in full."""
    if not math.isfinite(value):
        return "unknown" if math.isnan(value) else ("infinite" if value > 0 else "−infinite")
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", "−")
    size = abs(value)
    if 1e-3 <= size < 1e6:
        digits = max(0, 2 - math.floor(math.log10(size)))
        return f"{value:,.{digits}f}".replace("-", "−")
    return f"{value:.2e}"


def rounded(value: float) -> str:
    """Return a number with two digits that count, without zeros behind them."""
    told = number(float(f"{value:.2g}"))
    return told.rstrip("0").rstrip(".") if "." in told and "e" not in told else told


def figure(name: str) -> str:
    """Return the name of a figure as words."""
    return name.replace("_", " ")


def count(value: float) -> str:
    """Return a number of things, rounded to a whole one."""
    return number(float(round(value))) if math.isfinite(value) else number(value)


def seconds(value: float) -> str:
    """Return a length of time."""
    if not math.isfinite(value):
        return "an unknown time"
    if value < 1e-3:
        return f"{value * 1e6:.0f} µs"
    if value < 1.0:
        return f"{value * 1e3:.0f} ms"
    if value < 120.0:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(value: float) -> str:
    """Return an amount of memory, in decimal units."""
    if not math.isfinite(value):
        return "an unknown amount"
    for unit in UNITS:
        if abs(value) < 1000.0 or unit == UNITS[-1]:
            break
        value /= 1000.0
    return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100.0 else f"{value:.1f} {unit}"


def share(value: float) -> str:
    """Return a share of one as per cent."""
    if not math.isfinite(value):
        return "unknown"
    per_cent = 100.0 * value
    if 0.0 < per_cent < 0.05:
        return "under 0.1 %"
    return f"{per_cent:.0f} %" if per_cent >= 10.0 or per_cent == 0.0 else f"{per_cent:.1f} %"


def times(value: float) -> str:
    """Return a factor: 3.4 times."""
    if not math.isfinite(value):
        return "unknown"
    return f"{value:,.0f} times" if value >= 10.0 else f"{value:.1f} times"
