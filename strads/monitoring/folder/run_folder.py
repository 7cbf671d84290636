"""The folder of a run: made anew, never overwritten, complete at the end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from strads.engine import DataError, Run
from strads.monitoring.events import EVENTS, Event, encode
from strads.monitoring.folder.event_file import EventFile
from strads.monitoring.folder.machine import machine, peak_memory, versions
from strads.monitoring.folder.metrics import write_metrics
from strads.monitoring.folder.trace import TRACE, Trace
from strads.monitoring.folder.writing import replacing
from strads.monitoring.observer import Follower, Observer

#: The record of a run.
RECORD = "run.json"
#: Names of files that runs write; a folder that has one of them is not used for another run.
FILES = (
    RECORD, EVENTS, "metrics.csv", TRACE, "model.npz", "coef.npz", "coef.csv", "W.npy",
    "document_topics.npy", "vocab.txt", "path.npz", "path.csv", "report.html",
)  # fmt: skip
_NAMED = re.compile(r"run-\d{8}-\d{6}-[0-9a-f]{4}")


def free_folder(given: Any) -> Any:
    """Return the `run_dir` of work that follows a fit: ``NAME-2``, … if an earlier run has NAME.

    Parameters
    ----------
    given : path, RunFolder or None
        An open :class:`RunFolder`, or None, is returned as it is.
    """
    if given is None or isinstance(given, RunFolder):
        return given
    path, number = Path(given), 1
    while any((path / name).exists() for name in FILES):
        number += 1
        path = Path(given).with_name(f"{Path(given).name}-{number}")
    return path


class RunFolder(Follower):
    """The folder in which a run, or all runs of a fit, write what they do.

    As an instrument of a run of a program it writes the folder of that run. Estimators take it, or
    a path, as `run_dir`. ``docs/run-folder.md`` describes the files.

    Parameters
    ----------
    path : path
        A folder that does not exist, or that no run has written to. If its last part is ``runs``,
        or if it holds nothing but folders of runs, a new folder ``run-YYYYmmdd-HHMMSS-xxxx`` is
        made in it.

    Attributes
    ----------
    path : Path
        The folder, once a run has begun.

    Raises
    ------
    DataError
        When a run begins: if the folder holds another run, or cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.given = os.fspath(path)
        self.path = Path(self.given)
        self.trace = Trace()
        self.record: dict[str, Any] = {}
        self.last_verdict: str | None = None  # of the last fit that has ended
        self._file: EventFile | None = None

    def __reduce__(self) -> Any:
        """Copy what was asked for, and not what belongs to a run."""
        return type(self), (self.given,)

    @property
    def opened(self) -> bool:
        """Whether the folder has been made, and is being written."""
        return self._file is not None

    def open(self, about: Mapping[str, Any], *, resumes: bool = False) -> None:
        """Make the folder, and write the record as far as it is known.

        Parameters
        ----------
        about : mapping
            Entries of the record: command or call, settings.
        resumes : bool
            Whether a fit goes on that has written to this folder before.

        Raises
        ------
        DataError
            If the folder holds another run, or cannot be used.
        """
        self.path = _made(self.given, resumes=resumes)
        self.trace = Trace()
        if (self.path / TRACE).exists():  # of the part before
            part = sum(1 for _ in self.path.glob("trace-*.json")) + 1
            (self.path / TRACE).rename(self.path / f"trace-{part}.json")
        self.record = {
            "version": versions()["strads"],
            "date": datetime.now().astimezone().isoformat(timespec="seconds"),
            "command": None,
            "state": "running",
            "versions": versions(),
            "machine": machine(),
            **about,
        }
        self.write_record()
        self._file = EventFile(self.path / EVENTS)

    def __call__(self, given: Event) -> None:
        """Append an event to the file of events."""
        if given["event"] == "run" and "data" in given:
            self.record.setdefault("data", given["data"])
        elif given["event"] == "fit_end":
            self.last_verdict = given["verdict"]
        if self._file is not None:
            self._file(given)

    def close(self, result: Mapping[str, Any]) -> None:
        """Write metrics, trace, and the whole record.

        Parameters
        ----------
        result : mapping
            Entries to add to the record: state, verdict, statistics.
        """
        if self._file is None:
            return
        self._file.close()
        self._file = None
        self.record |= {"state": "ended", **result, "peak_memory_bytes": peak_memory()}
        try:
            write_metrics(self.path)
            self.trace.write(self.path)
            self.write_record()
        except (OSError, DataError) as error:  # the result of the run must not be lost
            warnings.warn(
                f"{self.path} could not be completed: {error}", RuntimeWarning, stacklevel=2
            )

    def discard(self) -> None:
        """Remove what has been written, since nothing was run: the folder can be used again."""
        if self._file is None:
            return
        self._file.close()
        self._file = None
        for name in (RECORD, EVENTS):
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it holds files of others
            self.path.rmdir()

    def write_record(self) -> None:
        """Write ``run.json``."""
        # A line for each entry: with an indent, Python's encoder takes ten times as long.
        entries = (f"{json.dumps(name)}: {encode(value)}" for name, value in self.record.items())
        with replacing(self.path / RECORD) as file:
            file.write("{\n" + ",\n".join(entries) + "\n}\n")

    # -- as an instrument of a run of a program ----------------------------------------------------

    def observer(self) -> Observer:
        """Return what follows a run for this folder."""
        return Observer([self], trace=self.trace, visits=True)

    def before_run(self, run: Run) -> None:
        """Make the folder, and follow the run."""
        if self._file is None:
            program = type(run.program).__name__
            again = self.record.get("program") == program  # another run with the same instrument
            settings = {
                "workers": run.executor.workers, "seed": run.executor.seed, "tol": run.tol,
                "epochs": run.epochs,
            }  # fmt: skip
            self.open(
                {"program": program, "settings": settings},
                resumes=again or run.resumed_from is not None,
            )
        super().before_run(run)

    def finish(self, observer: Observer) -> None:
        """Complete the folder, when the run has ended."""
        observer.end(None)
        verdict = observer.last_status
        with contextlib.suppress(OSError):
            self.close({"verdict": verdict, "state": _state(verdict)})


def _state(verdict: str) -> str:
    return verdict if verdict in ("failed", "interrupted", "abandoned") else "ended"


def _made(given: str, *, resumes: bool) -> Path:
    """Make the folder of a run."""
    path = Path(given)
    if path.name == "runs" or _holds_runs(path):
        path = path / f"run-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"the folder of a run cannot be made at {path} ({error}); give another one"
        ) from error
    there = set(os.listdir(path))
    found = [name for name in FILES if name in there]
    if not found or resumes:
        return path
    if RECORD in found or EVENTS in found:
        raise DataError(
            f"{path} holds a run already, and no run is overwritten: give another folder, or one "
            "that is called runs, in which each run makes its own; to go on with a fit that has "
            "saved itself, resume from its checkpoints"
        )
    raise DataError(
        f"{path} has a file {found[0]} but no {RECORD}, so it is not the folder of a run, and the "
        "file would be replaced; give another folder"
    )


def _holds_runs(path: Path) -> bool:
    """Whether a folder holds nothing but folders of runs that were made in it."""
    try:
        found = list(path.iterdir())
    except OSError:
        return False
    return bool(found) and all(_NAMED.fullmatch(one.name) for one in found)
