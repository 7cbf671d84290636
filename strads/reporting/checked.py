"""Values of events and records, checked: whoever wrote the folder need not have meant well."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.engine import DataError

_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
#: Most entries of a mapping, or numbers of a list, that are read.
MOST = 100_000
#: Longest text that is kept of a label.
LONGEST_TEXT = 2_000

Numbers = dict[str, float]


@dataclass(frozen=True)
class Fields:
    """Entries of an object, and where it stands, for messages.

    Parameters
    ----------
    entries : mapping
    place : str
        File and line, or file and key.
    """

    entries: Mapping[str, Any]
    place: str

    def _wrong(self, key: str, wanted: str) -> DataError:
        found = f"{self.entries.get(key)!r:.60}"
        return DataError(
            f"{self.place}: {key!r} is {found}, not {wanted}; the file is damaged, or was not "
            "written by strads"
        )

    def number(self, key: str, default: float = math.nan) -> float:
        """Return a number; one that is not finite may be a text."""
        value = self.entries.get(key)
        if value is None:
            return default
        found = as_number(value)
        if found is None:
            raise self._wrong(key, "a number")
        return found

    def count(self, key: str, default: int = 0) -> int:
        """Return a number of things: whole, and not below zero."""
        found = self.number(key, float(default))
        if not (found >= 0.0 and found == math.floor(found) and found < 2.0**63):
            raise self._wrong(key, "a count")
        return int(found)

    def text(self, key: str, default: str = "") -> str:
        """Return a text; any other simple value as text."""
        value = self.entries.get(key)
        if value is None:
            return default
        if isinstance(value, Mapping | list):
            raise self._wrong(key, "a text")
        return str(value)[:LONGEST_TEXT]

    def mapping(self, key: str) -> dict[str, Any]:
        """Return an object; an empty one if there is none."""
        value = self.entries.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or len(value) > MOST:
            raise self._wrong(key, "an object")
        return {str(name)[:LONGEST_TEXT]: one for name, one in value.items()}

    def numbers(self, key: str) -> Numbers:
        """Return the numbers of an object; other entries are left out."""
        return _numbers(self.mapping(key))

    def table(self, key: str) -> dict[str, Numbers]:
        """Return the numbers of an object of objects, such as process → kind → seconds."""
        rows = self.mapping(key)
        return {name: _numbers(row) for name, row in rows.items() if isinstance(row, Mapping)}

    def array(self, key: str) -> np.ndarray:
        """Return a list of finite numbers, none below zero."""
        value = self.entries.get(key)
        if not isinstance(value, list) or len(value) > MOST:
            raise self._wrong(key, f"a list of at most {MOST} numbers")
        found = [as_number(one) for one in value]
        if not all(one is not None and 0.0 <= one < math.inf for one in found):
            raise self._wrong(key, "a list of counts")
        return np.asarray(found, dtype=np.float64)

    def inner(self, key: str) -> Fields:
        """Return the entries of an object within this one."""
        return Fields(self.mapping(key), f"{self.place}, {key!r}")


def as_number(value: Any) -> float | None:
    """Return a value as a number, or None if it is none."""
    if isinstance(value, str):
        return _NOT_FINITE.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _numbers(given: Mapping[str, Any]) -> Numbers:
    return {
        str(name)[:LONGEST_TEXT]: found
        for name, value in given.items()
        if (found := value if type(value) is float else as_number(value)) is not None
    }
