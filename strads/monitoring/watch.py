"""What follows a fit: the display, the folder, and the budget of time, as its parameters ask."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from strads.engine import Instrument, leads
from strads.monitoring.budget import TimeBudget
from strads.monitoring.display import LiveDisplay
from strads.monitoring.folder.run_folder import RunFolder
from strads.monitoring.lines import Lines
from strads.monitoring.observer import Observer


class Watch:
    """Follows the runs of a fit.

    Parameters
    ----------
    verbose : int
        0: show nothing. 1: show a live display in a terminal or notebook, else a line now and then.
        2 or more: show a line for every step as well.
    run_dir : path or RunFolder, optional
        The folder of the run. A :class:`RunFolder` that is open is completed by who has opened it.
    max_seconds : float, optional
        After which the fit is to end.
    about : callable
        Returns the entries of the event ``fit`` and of the record; called if anybody wants them.
    """

    def __init__(
        self, *, verbose: int = 0, run_dir: Any = None, max_seconds: float | None = None,
        about: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:  # fmt: skip
        if not leads():  # another rank of MPI shows the fit, and writes its folder
            verbose, run_dir = 0, None
        self.budget = None if max_seconds is None else TimeBudget(max_seconds)
        self.folder = run_dir if isinstance(run_dir, RunFolder) or run_dir is None else None
        if self.folder is None and run_dir is not None:
            self.folder = RunFolder(run_dir)
        self._owns = self.folder is not None and not self.folder.opened
        self._verbose, self._about = int(verbose), about
        self._shown: list[Any] = []
        self._observer: Observer | None = None

    @property
    def instruments(self) -> list[Instrument]:
        """What is to join the instruments of every run."""
        return [one for one in (self._observer, self.budget) if one is not None]

    @property
    def used_up(self) -> bool:
        """Whether the budget of time has ended a run."""
        return self.budget is not None and self.budget.used_up

    def begin(self, *, resumes: bool = False) -> None:
        """Begin to follow.

        Parameters
        ----------
        resumes : bool
            Whether the fit goes on from checkpoints, so that its folder may be there.

        Raises
        ------
        DataError
            If the folder holds another run.
        """
        if self.budget is not None:
            self.budget.begin()
        if not self._verbose and self.folder is None:
            return
        about = dict(self._about())
        if self.folder is not None and self._owns:
            self.folder.open(about, resumes=resumes)
        self._shown = _sinks(self._verbose)
        folder = self.folder
        self._observer = Observer(
            [*([] if folder is None else [folder]), *self._shown],
            trace=None if folder is None else folder.trace, visits=folder is not None,
        )  # fmt: skip
        for sink in self._shown:
            sink.start()
        words = ("estimator", "program", "settings", "target", "max_seconds")
        told = {word: about[word] for word in words if word in about}
        self._observer.begin(shown=bool(self._shown), **told)

    def end(
        self, verdict: str | None, error: BaseException | None, result: Mapping[str, Any],
        save: Callable[[Path], Any] | None = None,
    ) -> None:  # fmt: skip
        """End what :meth:`begin` began, and complete the folder.

        Parameters
        ----------
        verdict : str, optional
            Why the fit ended; by default the status of its last run.
        error : BaseException, optional
            What the fit has raised.
        result : mapping
            Entries of the record.
        save : callable, optional
            Writes the model to a path.
        """
        observer, self._observer = self._observer, None
        if observer is None:
            return
        if error is not None:
            verdict = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        try:
            observer.end(verdict, error)
        finally:
            for sink in self._shown:
                sink.stop()
        if self.folder is None or not self._owns:
            return
        told: dict[str, Any] = {"verdict": verdict or observer.last_status, **result}
        told["seconds"] = observer.seconds
        if error is not None:
            told |= {"state": verdict, "error": f"{type(error).__name__}: {error}"}
        elif save is not None:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "a file cannot keep")  # the record has settings
                since = time.perf_counter()
                try:
                    save(self.folder.path / "model.npz")
                    told["model_seconds"] = round(time.perf_counter() - since, 4)
                except OSError as failed:
                    told["error"] = f"the model could not be saved: {failed}"
                    warnings.warn(told["error"], RuntimeWarning, stacklevel=3)
        self.folder.close(told)


def _sinks(verbose: int) -> list[Any]:
    """Return what shows events."""
    if verbose <= 0:
        return []
    shown: list[Any] = []
    if LiveDisplay.can_show():
        shown.append(LiveDisplay())
    if not shown or verbose >= 2:
        shown.append(Lines(every=verbose >= 2))
    return shown
