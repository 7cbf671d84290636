"""What follows one run of a program: its folder, its display and its budget of time."""

from __future__ import annotations

import math
import os
import sys
import weakref
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from strads.engine import Instrument, Program, ProgramError, Run
from strads.monitoring.folder.run_folder import RunFolder
from strads.monitoring.watch import Watch


class WatchedRun(Instrument):
    """Follows one run from before it is prepared until it has given its workers back.

    Parameters
    ----------
    program : Program
    settings : mapping
        What the record says: workers, seed, tol, epochs.
    run_dir : path or RunFolder, optional
        The folder of the run.
    verbose : int
        As :class:`Watch` takes it.
    max_seconds : float, optional
        After which the run ends; they count from :meth:`begin` on.

    Raises
    ------
    ProgramError
        If one of them is wrong.
    """

    def __init__(
        self, program: Program, settings: Mapping[str, Any], *, run_dir: Any, verbose: Any,
        max_seconds: Any,
    ) -> None:  # fmt: skip
        if run_dir is not None and not isinstance(run_dir, str | os.PathLike | RunFolder):
            raise ProgramError(f"run_dir={run_dir!r:.60} must be a path or a RunFolder")
        if not isinstance(verbose, Integral) or verbose < 0:
            raise ProgramError(f"verbose={verbose!r:.60} must be a whole number, 0 or more")
        if max_seconds is not None and not _is_positive(max_seconds):
            raise ProgramError(f"max_seconds={max_seconds!r:.60} must be a positive number")
        name = type(program).__name__
        self._about = {
            "program": name, "settings": dict(settings),
            "target": settings.get("tol"), "max_seconds": max_seconds,
        }  # fmt: skip
        self._watch = Watch(
            verbose=int(verbose), run_dir=run_dir, max_seconds=max_seconds,
            about=lambda: self._about,
        )  # fmt: skip
        self._run: weakref.ref[Run] | None = None

    def begin(self, *, resumes: bool) -> None:
        """Begin to follow, and to count the seconds.

        Raises
        ------
        DataError
            If the folder holds another run.
        """
        self._watch.begin(resumes=resumes)

    def joined(self, hooks: list[Any]) -> list[Any]:
        """Return the instruments of the run.

        The budget comes before those of the user, so that a checkpoint knows that it has ended the
        run; what writes events comes last, and knows what all others have decided.
        """
        budget = self._watch.budget
        others = [one for one in self._watch.instruments if one is not budget]
        return [*([] if budget is None else [budget]), *hooks, *others, self]

    def before_run(self, run: Run) -> None:
        """Note the run."""
        self._run = weakref.ref(run)

    def end(self) -> None:
        """Complete the folder."""
        run = None if self._run is None else self._run()
        result: dict[str, Any] = {}
        error = None
        if self._run is None:  # it could not be prepared
            error = sys.exception()
        elif run is None:
            result["state"] = "abandoned"
        else:
            result["n_iter"] = len(run.history)
            if run.status == "failed":
                error = sys.exception()
            if run.status in ("failed", "interrupted"):
                result["state"] = run.status
            if run.ended_with_result:
                result["statistics"] = run.statistics()
        self._watch.end(None, error, result)


def _is_positive(value: Any) -> bool:
    return isinstance(value, Real) and not math.isnan(value) and float(value) > 0.0
