"""The command that comes next, told on stderr after a diagnosis and after a pilot."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strads.cli.reports import say
from strads.diagnosis.pilot.pilot import Pilot

#: Options of ``strads diagnose`` and ``strads pilot`` for parameters of an estimator.
OPTIONS = {"alpha": "--alpha", "C": "--C", "max_iter": "--max-iter"}
#: The next pilot has a part this many times as large; instead of the whole there is a fit.
LARGER = 5.0


def after_diagnosis(
    problem: str, path: Path, source: Mapping[str, Any], settings: Mapping[str, Any], workers: int
) -> None:
    """Tell the command that makes a pilot with the settings of the diagnosis.

    Parameters
    ----------
    problem : str
    path : Path
        The file of data.
    source : mapping
        Target, columns to drop, and names of columns, as options.
    settings : mapping
        Parameters of the estimator that were given.
    workers : int
        Number of workers to use.
    """
    words = ["strads", "pilot", str(path), *_problem(problem), *_options(source)]
    for name, value in settings.items():
        option = {"mf": "--rank", "lda": "--topics"}[problem] if name == "n_components" else ""
        words += [OPTIONS.get(name, option), str(value)]
    _say_next([*words, "--cores", str(workers), "--out", "pilot"])


def after_pilot(
    found: Pilot, path: Path, source: Mapping[str, Any], out: Path | None, share: float
) -> None:
    """Tell the command that goes on: a larger pilot, the whole fit, or a report.

    Parameters
    ----------
    found : Pilot
    path : Path
        The file of data.
    source : mapping
        Target, columns to drop, and names of columns, as options.
    out : Path, optional
        The folder of the pilot; without one there is nothing to go on from.
    share : float
        Share of the pilot.
    """
    if out is None:
        say("next: the same command with --out FOLDER keeps the model, for a fit to start from")
        return
    problem, linear = found.problem, hasattr(found.model, "coef_")
    workers = [] if found.settings["n_workers"] is None else [
        "--cores", str(found.settings["n_workers"])
    ]  # fmt: skip
    if linear and len(found.chosen) == found.shape[1] and not found.stopped:
        _say_next(["strads", "report", str(out)], "this was the whole fit")
    elif found.figures.get("outside") and LARGER * share < 1.0:
        given = [OPTIONS["alpha"], str(found.settings["alpha"])]
        _say_next(
            ["strads", "pilot", str(path), *_problem(problem), *_options(source), *given, *workers,
             "--share", f"{LARGER * share:.3g}", "--start", str(out), "--out", f"{out}-2"],
            "features that were left out would join the model",
        )  # fmt: skip
    else:
        start = ["--start", str(out)] if linear else []
        _say_next([
            "strads", "fit", problem, str(path), *_options(source), "--like", str(out), *start,
            "--out", "whole",
        ])  # fmt: skip


def _problem(problem: str) -> list[str]:
    return [] if problem == "lasso" else ["--problem", problem]


def _options(source: Mapping[str, Any]) -> list[str]:
    """Return options as they are typed; lists are given repeatedly."""
    words = []
    for name, value in source.items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                words += [f"--{name}", str(each)]
    return words


def _say_next(words: list[str], why: str = "") -> None:
    say(f"next{f' ({why})' if why else ''}: {shlex.join(words)}")
