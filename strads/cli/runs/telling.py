"""What is printed about runs, from their folders."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from strads.cli.reports import say
from strads.engine import DataError
from strads.reporting import wording
from strads.reporting.compare import (
    NONE,
    differing_settings,
    key_figures,
    names,
    side_by_side,
    to_same_accuracy,
)
from strads.reporting.listing import list_runs, when
from strads.reporting.page.comparison import write_comparison
from strads.reporting.reading import read_run
from strads.reporting.summary import sentences

if TYPE_CHECKING:
    from rich.console import Console


def tell_runs(folder: Path, console: Console) -> None:
    """Print a table of the runs in a folder."""
    found = list_runs(folder)
    if not found:
        raise DataError(f"{folder} holds no folder of a run; strads fit … --out makes one")
    console.print(_table(
        ("run", "when", "what", "verdict", "certificate", "seconds"),
        (
            (one.name, one.when, one.what, one.verdict, _number(one.certificate),
             _number(round(one.seconds, 2) if math.isfinite(one.seconds) else one.seconds))
            for one in found
        ),
    ))  # fmt: skip


def tell_run(folder: Path, console: Console) -> None:
    """Print the key figures of a run, and what they mean."""
    record = read_run(folder)
    rows = [("began", when(record)), *key_figures(record).items()]
    console.print(_table((folder.resolve().name, ""), rows))
    for sentence in sentences(record):
        console.print(_plain(sentence))


def tell_comparison(folders: Sequence[Path], page: Path | None, console: Console) -> None:
    """Print runs side by side, and write their page if one is asked for.

    Raises
    ------
    DataError
        If there are fewer than two runs.
    """
    if len(folders) < 2:
        raise DataError("strads compare needs the folders of two runs or more")
    records = [read_run(folder) for folder in folders]
    short = names(records)
    differing = differing_settings(records)
    if differing:
        console.print(_table(("settings that differ", *short), differing))
    else:
        console.print("All settings are the same.")
    console.print(_table(("key figures", *short), side_by_side(records)))
    told, rows = to_same_accuracy(records)
    if rows:
        console.print(_table((f"spent {told}", *short), rows))
    else:
        console.print("These runs have no figure in common.")
    if page is not None:
        write_comparison(records, page)
        say(f"saved {page}")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table of plain texts: what files say is not taken for markup of the terminal."""
    table = Table()
    for head in heads:
        table.add_column(_plain(head), overflow="fold")
    for row in rows:
        table.add_row(*(_plain(value) for value in row))
    return table


def _plain(words: str) -> Text:
    return Text("".join(c if c.isprintable() else "\ufffd" for c in words))


def _number(value: float) -> str:
    return wording.number(value) if math.isfinite(value) else NONE
