"""Values of events as numbers, tables and text: a file may hold anything, and a reader goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from strads.monitoring.events import number


def as_number(value: Any) -> float:
    """Return a value as a number; NaN if it is none."""
    try:
        return number(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def as_count(value: Any) -> int:
    """Return a value as a whole number; 0 if it is none."""
    known = as_number(value)
    return int(known) if math.isfinite(known) else 0


def as_limit(value: Any) -> float | None:
    """Return a value as a number; None if it is none, or not finite."""
    known = as_number(value)
    return known if math.isfinite(known) else None


def as_text(value: Any) -> str:
    """Return a value as one line of text; what would move a terminal's cursor becomes a space."""
    text = "" if value is None else str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text)


def as_table(value: Any) -> dict[str, Any]:
    """Return a value as a dict; empty if it is none."""
    return {as_text(k): one for k, one in value.items()} if isinstance(value, Mapping) else {}


def as_numbers(value: Any) -> dict[str, float]:
    """Return a value as a dict of numbers; what is no number in it is left out."""
    table = {name: as_number(one) for name, one in as_table(value).items()}
    return {
        name: one for name, one in table.items() if not math.isnan(one) or value.get(name) == "nan"
    }
