"""Tables of the rows in a folder: as one text, or between the marks of a document.

A document says ``<!-- table: NAME -->`` and, further down, ``<!-- end -->``; what is between is
replaced by the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd

from bench.evidence import schedules
from bench.harness.tables import markdown
from bench.large import tables as large

MARKED: Final = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Table(NamedTuple):
    """A table and the files, without ending, whose rows it is made of."""

    make: Callable[..., str]
    files: tuple[str, ...]

    def text(self, folder: Path, size: str) -> str | None:
        """Return the table, or None where a file is missing."""
        names = [f"{name}{size if name.startswith('schedules') else ''}.csv" for name in self.files]
        paths = [folder / name for name in names]
        if not all(path.exists() for path in paths):
            return None
        return self.make(*(pd.read_csv(path) for path in paths))


def _marked(make: Callable[..., large.Titled]) -> Callable[..., str]:
    return lambda *rows: markdown(*make(*rows))


TABLES: Final = {
    "verdicts": Table(schedules.verdicts, ("schedules-updates",)),
    "places": Table(schedules.places, ("schedules-updates",)),
    "epochs": Table(schedules.epochs, ("schedules-updates",)),
    "strictness": Table(schedules.strictness, ("schedules-updates",)),
    "divergences": Table(schedules.divergences, ("schedules-updates",)),
    "depths": Table(schedules.depths, ("schedules-pipelining",)),
    "pipelined-seconds": Table(schedules.pipelined_seconds, ("schedules-seconds",)),
    "seconds": Table(schedules.seconds, ("schedules-seconds",)),
    "conventional": Table(schedules.conventional, ("schedules-conventional",)),
    "defaults": Table(schedules.defaults, ("schedules-defaults",)),
    "crowds": Table(schedules.crowds, ("schedules-crowds",)),
    "fits": Table(_marked(large.fits), ("large-fits",)),
    "peers": Table(_marked(large.fits), ("large-peers",)),
    "arrays": Table(_marked(large.arrays), ("large-arrays",)),
    "processes": Table(_marked(large.processes), ("large-processes",)),
    "growth": Table(_marked(large.growth), ("large-growth",)),
    "speed-ups": Table(_marked(large.speed_up), ("large-growth-fits", "large-growth")),
    "on-paper": Table(_marked(large.predicted), ("large-growth-fits", "large-growth")),
}


def everything(folder: Path, size: str = "") -> str:
    """Tables of the files that are there; `size` ends the names of the files of a smaller run."""
    made = (each.text(folder, size) for each in TABLES.values())
    return "\n\n".join(text for text in made if text is not None)


def renew(document: Path, folder: Path) -> None:
    """Replace the tables of a document by those of the rows in a folder."""

    def found(match: re.Match[str]) -> str:
        text = TABLES[match[2]].text(folder, "")
        return match[0] if text is None else f"{match[1]}{text}\n\n{match[3]}"

    document.write_text(MARKED.sub(found, document.read_text()))
