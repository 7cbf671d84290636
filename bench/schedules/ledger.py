"""A CSV file that grows row by row: an experiment that was killed goes on where it stopped.

A task is a dataclass: its fields are the first columns of its row, and tell rows apart.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from rich.console import Console

Row = dict[str, Any]
#: Rows between two lines on the screen.
NEWS = 20


class Ledger:
    """Rows of an experiment.

    Parameters
    ----------
    path : Path
    key : sequence of str
        Columns that tell rows apart.
    """

    def __init__(self, path: Path, key: Sequence[str]) -> None:
        self.path, self.key = path, tuple(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_bytes() if path.exists() else b""
        whole = text.rfind(b"\n") + 1
        if whole < len(text):  # the last line was cut off
            path.write_bytes(text[:whole])
        lines = csv.DictReader(text[:whole].decode().splitlines())
        self.known = {tuple(row[name] for name in self.key) for row in lines}
        self.columns = list(lines.fieldnames or [])

    def __contains__(self, key: tuple[str, ...]) -> bool:
        return key in self.known

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a row.

        Raises
        ------
        ValueError
            If the file has other columns: an older version wrote it.
        """
        if self.columns and self.columns != list(row):
            raise ValueError(f"{self.path} has other columns; move it away to begin anew")
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row), lineterminator="\n")
            if not self.columns:
                writer.writeheader()
            writer.writerow(row)
        self.columns = list(row)
        self.known.add(tuple(str(row[name]) for name in self.key))


def fill(path: Path, tasks: Iterable[Any], work: Callable[[Any], Row], jobs: int = 1) -> None:
    """Run the tasks that a file lacks, several at once if wanted; write every row when it is known.

    Parameters
    ----------
    path : Path
    tasks : iterable of dataclass
    work : callable
        Runs a task and returns the further columns of its row.
    jobs : int
        Processes. They compute with one thread each when they are as many as cores.
    """
    wanted = list(tasks)
    if not wanted:
        return
    ledger = Ledger(path, list(asdict(wanted[0])))
    missing = [task for task in wanted if tuple(map(str, asdict(task).values())) not in ledger]
    begun = time.perf_counter()
    # Few are handed out at a time: an interrupted experiment has only these to wait for.
    parallel = Parallel(jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs",
                        batch_size=1)  # fmt: skip
    rows = parallel(delayed(_row)(task, work) for task in missing)
    for done, row in enumerate(rows, start=1):
        ledger.add(row)
        if done % NEWS == 0 or done == len(missing):
            seconds = time.perf_counter() - begun
            left = seconds / done * (len(missing) - done)
            Console().print(f"{path.name}: {done} of {len(missing)}, {seconds:.0f} s; "
                            f"{left:.0f} s to go")  # fmt: skip


def _row(task: Any, work: Callable[[Any], Row]) -> Row:
    found = work(task)
    return asdict(task) | {n: f"{v:.6g}" if isinstance(v, float) else v for n, v in found.items()}
