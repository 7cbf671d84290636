"""Rows that change from step to step, where they are data of the program that is built upon."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from strads.engine import Phase

#: What kernels of the Lasso, and of the group Lasso, read of the rows.
ROWS: Final = ("unit", "weight", "y")


def reading_rows(phase: Phase) -> Phase:
    """Return a phase that may read all rows, which it may of data without saying so."""
    read = [name for name in ROWS if name not in phase.frozen]
    return replace(phase, frozen=(*phase.frozen, *read))
