"""The time and the memory of the whole fit, from those of a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strads.diagnosis.trials.parts import Parts
from strads.diagnosis.trials.problems import Problem, bytes_of, entries_of

#: Phases of sparse linear models that read all features; all others read the working set only.
PASSES = ("columns", "score", "nearest", "renew")


@dataclass(frozen=True)
class Forecast:
    """What the whole fit will take.

    Attributes
    ----------
    seconds : float
        Time of the whole fit, with as many workers, without a warm start.
    data_bytes : int
        Bytes of its data.
    run_bytes : int
        Bytes that the fit holds besides.
    growth : float
        Entries of all the data divided by those of the part.
    """

    seconds: float
    data_bytes: int
    run_bytes: int
    growth: float


def forecast(
    problem: Problem, whole: Any, part: Any, found: Parts, runs: Sequence[Mapping[str, Any]],
    sweeps: int | None,
) -> Forecast:  # fmt: skip
    """Predict the whole fit.

    What reads all entries grows with their number: full passes of sparse linear models, all
    launches of the others, the checks and the layout of the data. The inner problems of sparse
    linear models, and what the leader does for them, stay as they are.

    Parameters
    ----------
    problem : Problem
    whole, part
        X of the whole and of the part.
    found : Parts
        Parts of the fit of the part.
    runs : sequence of mapping
        Statistics of its runs.
    sweeps : int, optional
        Number of sweeps of the whole fit; None: as many steps as the part had.
    """
    growth = entries_of(whole) / max(entries_of(part), 1)
    inside = sum(max(run.get("seconds", 0.0) - _launched(run), 0.0) for run in runs)
    outside = max(found.alone - inside, 0.0)
    reading = (
        _launched_in(runs, PASSES) if problem.name in ("lasso", "logistic") else found.launched
    )
    factor = 1.0 if sweeps is None else sweeps / max(found.steps, 1.0)
    launched = factor * (growth * reading + max(found.launched - reading, 0.0))
    return Forecast(
        growth * outside + inside + launched, bytes_of(whole), int(growth * found.held), growth
    )


def _launched(run: Mapping[str, Any]) -> float:
    phases = run.get("phases", {}).values()
    return sum(row["seconds"] for row in phases) + run.get("measure_seconds", 0.0)


def _launched_in(runs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> float:
    return sum(
        run["phases"][name]["seconds"] for run in runs for name in names if name in run["phases"]
    )
