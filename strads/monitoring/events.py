"""Events of a run, as JSON objects, and the file of them; ``docs/run-folder.md`` has their keys."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from strads.engine import DataError

Event = dict[str, Any]
#: The file of the events, in the folder of a run.
EVENTS = "events.jsonl"
#: Largest length of a line that is read, in bytes: a file that somebody else wrote may hold more.
LONGEST_LINE = 1 << 24
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def event(kind: str, **entries: Any) -> Event:
    """Return an event of now."""
    return {"event": kind, "time": round(time.time(), 4), **entries}


def encode_event(given: Mapping[str, Any]) -> str:
    """Return the line of an event, without its end."""
    return encode(given)


def encode(value: Any) -> str:
    """Return any value as JSON has it; see :func:`plain`."""
    try:  # mostly there is nothing to convert, and the encoder is quicker at finding that out
        return _encoded(value)
    except (ValueError, TypeError):  # a number that is not finite; a key that is no text
        return _encoded(plain(value))


def decode_event(line: str) -> Event:
    """Return the event of a line.

    Raises
    ------
    DataError
        If the line is no event.
    """
    try:
        known = json.loads(line)
        known["event"], known["time"] = str(known["event"]), float(known["time"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(f"not an event: {line:.80}") from error
    return known


def number(value: Any) -> float:
    """Return a figure of an event as a number; one that is not finite is kept as text."""
    return _NOT_FINITE[value] if value in _NOT_FINITE else float(value)


def read_events(path: Path) -> list[Event]:
    """Return the events of a file; an incomplete last line is left out.

    Raises
    ------
    DataError
        If a line is no event.
    """
    return [known for known, _ in follow_events(path, 0)]


def follow_events(path: Path, place: int) -> Iterator[tuple[Event, int]]:
    """Read the events from a place of the file on, which is 0 or was returned earlier.

    Yields
    ------
    event : dict
    place : int
        Where the next event begins.

    Raises
    ------
    DataError
        If a line is no event.
    """
    with path.open("rb") as file:
        file.seek(place)
        while (line := file.readline(LONGEST_LINE)).endswith(b"\n"):
            place += len(line)
            yield decode_event(line.decode("utf-8", "replace")), place
    if len(line) == LONGEST_LINE:
        raise DataError(f"{path} has a line of more than {LONGEST_LINE} bytes: no file of events")


def plain(value: Any) -> Any:
    """Return a value as JSON has it: arrays as lists, numbers that are not finite as text."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


_encoded = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=plain).encode
