"""A fit as a command makes it: checks first, progress lines, time, and the folder of the run."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from strads.algorithms.common.warnings import InterruptedWarning, NotCertifiedWarning
from strads.cli.reports import Interrupts, say, say_error
from strads.cli.runs.record import Recorded
from strads.cli.runs.starting import load_start, start_from
from strads.engine import DataError, Step
from strads.monitoring import LiveDisplay

#: Figures of a step → what to call them, and their format, in the order of a line.
Figures = Mapping[str, tuple[str, str]]


def lines_of(figures: Mapping[str, float], names: Figures) -> list[tuple[str, str]]:
    """Return the names and values of the figures that are there, as text."""
    return [(name, f"{figures[key]:{form}}") for key, (name, form) in names.items()
            if key in figures]  # fmt: skip


@dataclass(frozen=True)
class Fitted:
    """A fitted model, and what its fit was like.

    Attributes
    ----------
    model : estimator
        The fitted model.
    steps : list of dict
        Epoch, seconds since the start, and figures of every step.
    seconds : float
        Time of the whole fit.
    """

    model: Any
    steps: list[dict[str, float]]
    seconds: float


class Fitting:
    """The fits of one command.

    Parameters
    ----------
    kind : type
        Class of the estimator.
    settings : dict
        Its parameters.
    figures : Figures
        What to print of every step.
    out : Path, optional
        Folder of the run. It is made at once: an error there must not cost a fit.
    quiet : bool
        Whether to print no progress.
    start : Path, optional
        Folder of the run whose weights the fits start from.

    Raises
    ------
    ValueError
        If a parameter is out of range, so that no long file is read in vain.
    DataError
        If there is no model to start from.
    """

    def __init__(
        self, kind: Any, settings: dict[str, Any], figures: Figures, out: Path | None, quiet: bool,
        *, start: Path | None = None,
    ) -> None:  # fmt: skip
        kind(**settings)._validate_params()
        self.earlier = None if start is None else load_start(kind, start)
        self.recorded = Recorded(out, settings, model=kind.__name__)
        self.kind, self.settings, self.figures = kind, settings, figures
        self.out, self.quiet = self.recorded.path, quiet
        self.shown = how_shown(quiet, settings["verbose"])
        self.fits: list[Fitted] = []

    def say(self, line: str) -> None:
        """Print a line of progress, unless quiet."""
        if not self.quiet:
            say(line)

    def read(self, read: Callable[[], Any], told: Callable[[Any], str]) -> Any:
        """Read data, and say what was read and how long it took."""
        since = time.perf_counter()
        data = read()
        self.say(f"{told(data)}, read in {time.perf_counter() - since:.2f} s")
        return data

    def fit(
        self, call: Callable[[Any], Any], unit: str = "epoch", *, told: bool = True, **changes: Any
    ) -> Fitted:
        """Fit a new model with the settings, some of them changed; `call` takes the model.

        Parameters
        ----------
        call : callable
        unit : str
            What a step is.
        told : bool
            Whether there is a line of progress for every step.
        **changes
            Settings of this fit.
        """
        steps: list[dict[str, float]] = []

        def progress(step: Step) -> None:
            steps.append({"epoch": step.epoch, "seconds": step.seconds, **step.figures})
            if told and not self.shown:
                line = "  ".join(
                    f"{n} {value}" for n, value in lines_of(step.figures, self.figures)
                )
                self.say(f"{unit} {step.epoch:4d}  {line}  {step.seconds:8.2f} s")

        given = {**self.settings, **changes, **self._folders(), "verbose": self.shown}
        given["run_dir"] = self.recorded.folder
        model = self.kind(**given, callbacks=progress, on_interrupt="return")
        self.recorded.begun = True
        with told_warnings():
            for said_below in (ConvergenceWarning, NotCertifiedWarning):
                warnings.simplefilter("ignore", said_below)
            since = time.perf_counter()
            call(model)
            seconds = time.perf_counter() - since
        self.fits.append(Fitted(model, _all_steps(model, steps), seconds))
        return self.fits[-1]

    def started(self, model: Any, y: Any) -> Any:
        """Return the model; if there is an earlier one, its fit starts from that one's weights."""
        if self.earlier is not None:
            start_from(model, self.earlier, y)
        return model

    def _folders(self) -> dict[str, Path | None]:
        """Return where this fit saves itself and resumes from: each fit has its own folder."""
        name = f"fit-{len(self.fits) + 1}"
        saves, resumes = self.settings["checkpoint"], self.settings["resume_from"]
        if resumes is not None and self.fits and not (resumes / name).exists():
            resumes = None  # the earlier fit was still going on
        if saves is not None and resumes is None and not self.fits:
            shutil.rmtree(saves / "fit-2", ignore_errors=True)  # of another command
        return {
            "checkpoint": None if saves is None else saves / name,
            "resume_from": None if resumes is None else resumes / name,
        }

    def running(self) -> list[tuple[str, str]]:
        """Return rows of a table about workers and time: of the last fit, and of those before."""
        *judged, last = self.fits
        statistics = runs_of(last.model)[-1]
        runs = [run for fit in self.fits for run in runs_of(fit.model)]
        compiling = sum(run["prepare_seconds"]["compile"] for run in runs)
        before = f", and {sum(f.seconds for f in judged):.2f} to judge it" if judged else ""
        return [
            ("workers", f"{statistics['workers']} ({statistics['executor']})"),
            ("seconds", f"{last.seconds:.2f}{before}"),
            ("of these, compilation", f"{compiling:.2f} (compiled once, then cached)"),
        ]

    def write(self, fitted: Fitted, record: dict[str, Any], more: Mapping[str, Any]) -> None:
        """Write the model and the record of the run, if it has a folder.

        Parameters
        ----------
        fitted : Fitted
            The model to save.
        record : dict
            What is special about this command.
        more : dict
            Further settings: options that are no parameters of the estimator.
        """
        if self.out is None:
            return
        model = fitted.model
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "a file cannot keep")  # the record has the settings
            model.save(self.out / "model.npz")
        self.recorded.complete({
            "model": type(model).__name__,
            "settings": {**self.settings, **more, "n_workers": runs_of(model)[-1]["workers"]},
            **record,
            "verdict": self.recorded.last_verdict,
            "seconds": fitted.seconds,
            "n_iter": model.n_iter_,
            "history": fitted.steps,
            "statistics": model.statistics_,
        })  # fmt: skip
        self.say(f"saved in {self.out}: {', '.join(sorted(f.name for f in self.out.iterdir()))}")


def how_shown(quiet: bool, verbose: bool) -> int:
    """Return the estimators' `verbose`: a live display where there is a terminal for it."""
    if quiet or not LiveDisplay.can_show():
        return 0
    return 2 if verbose else 1


def runs_of(model: Any) -> list[dict[str, Any]]:
    """Return the statistics of a model's fits: one, or one for each class."""
    known = model.statistics_
    return known if isinstance(known, list) else [known]


def withheld(split: Callable[..., Any], data: Any, test: float, seed: int) -> Any:
    """Split data into a part to fit to, and a part to judge on."""
    try:
        return split(data, test, seed)
    except ValueError as error:
        raise DataError(
            f"--test {test}: {error}; use --test 0 to fit without a judgement"
        ) from None


@contextmanager
def told_warnings() -> Iterator[None]:
    """Tell of warnings in a line each, and of an interrupt, whose warning is noted."""
    with warnings.catch_warnings():
        warnings.showwarning = _show
        warnings.simplefilter("always", InterruptedWarning)
        yield


def _show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if issubclass(category, InterruptedWarning):
        Interrupts.seen = True
        say_error("interrupted; the model is what had been found by then")
    else:
        say(f"strads: warning: {' '.join(str(message).split())}")


def _all_steps(model: Any, steps: list[dict[str, float]]) -> list[dict[str, float]]:
    """Return the steps, with those before a checkpoint, of which nobody has told us."""
    known = model.history_
    rows = [row for part in known for row in (part if isinstance(part, list) else [part])]
    before = rows[: max(len(rows) - len(steps), 0)]
    return [*({"epoch": k, **row} for k, row in enumerate(before, start=1)), *steps]
