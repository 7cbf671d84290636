"""Tables in Markdown, and spreads in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from bench.harness.tables import DASH


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a titled table; the first column is text, the others are figures."""
    lines = [f"**{title}**", "", f"| {' | '.join(head)} |",
             f"|{'|'.join(['---', *['---:'] * (len(head) - 1)])}|"]  # fmt: skip
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def spread(values: pd.Series, form: str = ".3g") -> str:
    """Median and range of what arrived; a dash if most did not."""
    far = values.fillna(np.inf)
    middle = far.median() if len(far) else np.inf
    if not np.isfinite(middle):
        return DASH
    if far.nunique() == 1:
        return f"{middle:{form}}"
    top = f"{far.max():{form}}" if np.isfinite(far.max()) else "∞"
    return f"{middle:{form}} ({far.min():{form}} to {top})"
