"""Tables on the screen and in Markdown, and CSV files that say what machine they come from."""

import contextlib
import itertools
import math
import os
import platform
import string
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from joblib import Parallel, delayed
from rich import table as rich
from rich.console import Console
from rich.progress import track

RESULTS = Path(__file__).parents[1] / "results"
DASH = "–"


class Dashes(string.Formatter):
    """Formats as `str.format`, with a dash for what was not measured."""

    def format_field(self, value: Any, form: str) -> str:
        """Format one value."""
        missing = value is None or (isinstance(value, float) and not math.isfinite(value))
        return DASH if missing else super().format_field(value, form)

    def get_value(self, key: Any, args: Any, row: Any) -> Any:
        """What the row lacks was not measured."""
        return row.get(key)


class Table(NamedTuple):
    """A table: its title, and for every column its head and a template of a row's text.

    The title is a template, too, of the first row. The first column is text, the others are
    figures.
    """

    title: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Mapping[str, Any]] | pd.DataFrame

    def text(self) -> tuple[str, list[str], list[list[str]]]:
        """Title, heads, and the text of every cell."""
        rows = self.rows.to_dict("records") if isinstance(self.rows, pd.DataFrame) else self.rows
        lines = [[Dashes().vformat(form, (), row) for _, form in self.columns] for row in rows]
        title = Dashes().vformat(self.title, (), rows[0] if len(rows) else {})
        return title, [head for head, _ in self.columns], lines

    def show(self, caption: bool = True) -> None:
        """Print the table and, below it, what machine it comes from; nothing if it is empty."""
        title, head, lines = self.text()
        if not lines:
            return
        below = "{cores} cores of {cpu}, Python {python}, {date}".format(**machine())
        made = rich.Table(title=title, caption=below if caption else None)
        for at, column in enumerate(head):
            made.add_column(column, justify="right" if at else "left")
        for line in lines:
            made.add_row(*line)
        # Piped output has no width of its own: 80 columns would fold the table.
        console = Console()
        (console if console.is_terminal else Console(width=130)).print(made)

    def markdown(self) -> str:
        """Return the table in Markdown."""
        title, head, lines = self.text()
        rule = ["---", *["---:"] * (len(head) - 1)]
        return "\n".join([f"**{title}**", "", f"| {' | '.join(head)} |", f"|{'|'.join(rule)}|",
                          *(f"| {' | '.join(line)} |" for line in lines)])  # fmt: skip


#: Name → what makes its tables, and the files of rows that they are made of.
Tables = Mapping[str, tuple[Sequence[Callable[..., Table]], Sequence[str]]]


def made(tables: Tables, rows: Mapping[str, pd.DataFrame]) -> dict[str, list[Table]]:
    """Return the tables by name whose rows are there, given by the names of their files."""
    return {
        name: [make(*(rows[source] for source in sources)) for make in makers]
        for name, (makers, sources) in tables.items()
        if all(len(rows.get(source, ())) for source in sources)
    }


class Rows:
    """A file of results that grows row by row, so that hours of fits are not lost to the last one.

    In a given folder it replaces a file of its name. By default its name ends in date and time, in
    the folder of all benchmarks.
    """

    def __init__(self, name: str, folder: Path | None = None) -> None:
        self.name, self.rows = name, list[dict[str, Any]]()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self.path = folder / f"{name}.csv"
            self.path.unlink(missing_ok=True)
            return
        RESULTS.mkdir(parents=True, exist_ok=True)
        stem = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        for number in itertools.count(1):
            self.path = RESULTS / f"{stem}{f'-{number}' if number > 1 else ''}.csv"
            with contextlib.suppress(FileExistsError):  # another of the same second
                self.path.touch(exist_ok=False)
                break

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row and what the machine is; the first row decides the columns."""
        self.rows.append(dict(row))
        line = pd.DataFrame([row | machine()], columns=list(self.rows[0] | machine()))
        line.to_csv(self.path, mode="a", header=len(self.rows) == 1, index=False)


def keep(name: str, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows into a new file of results, and print its path."""
    file = Rows(name)
    for row in rows:
        file.add(row)
    print("written:", file.path)
    return file.path


def fill(
    path: Path, tasks: Iterable[Any], work: Callable[[Any], dict[str, Any]], jobs: int = 1
) -> None:
    """Run the tasks, dataclasses, that a file lacks; write every row when it is known.

    So an experiment that was killed goes on where it stopped. The fields of a task are the first
    columns of its row, and tell rows apart; `work` returns the others. Several tasks run at the
    same time if wanted, with one thread each when they are as many as cores.
    """
    wanted = list(tasks)
    if not wanted:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    key, known = list(asdict(wanted[0])), pd.DataFrame(columns=list(asdict(wanted[0])))
    if path.exists():
        whole, _, cut = path.read_text().rpartition("\n")
        if cut:  # the last line was not finished
            path.write_text(whole + "\n")
        known = pd.read_csv(path)
    there = set(known[key].itertuples(index=False, name=None))
    # Few are handed out at a time: an interrupted experiment has only these to wait for.
    parallel = Parallel(jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs",
                        batch_size=1)  # fmt: skip
    missing = [task for task in wanted if astuple(task) not in there]
    rows = parallel(delayed(_row)(task, work) for task in missing)
    for row in track(rows, path.name, len(missing), console=Console(stderr=True)):
        columns = list(known if path.exists() else row)
        if not {*row} <= {*columns}:
            raise ValueError(f"{path} has other columns; move it away to begin anew")
        line = pd.DataFrame([row], columns=columns)
        line.to_csv(path, mode="a", header=not path.exists(), index=False)
        known = line


def _row(task: Any, work: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    found = work(task).items()
    return asdict(task) | {n: f"{v:.6g}" if isinstance(v, float) else v for n, v in found}


@cache
def machine() -> dict[str, str | int]:
    """Return what the figures depend on: cores, processor, Python, date."""
    kind = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        kind = names[0].split(":")[1].strip() if names else kind
    return {"cores": os.cpu_count() or 1, "cpu": kind, "python": platform.python_version(),
            "date": time.strftime("%Y-%m-%d")}  # fmt: skip
