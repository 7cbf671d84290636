"""The time and the memory of the whole fit, from those of a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strads.diagnosis.trials.parts import Parts
from strads.diagnosis.trials.problems import Problem, bytes_of, entries_of

#: Bytes of a fit for a feature, and for a token; classes whose weights lie side by side.
FEATURE, TOKEN, LANES = 72.0, 6.0, 16
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
        Bytes that the fit holds besides; see :func:`bytes_ahead`.
    growth : float
        Entries of all the data divided by those of the part.
    """

    seconds: float
    data_bytes: int
    run_bytes: int
    growth: float


def forecast(
    problem: Problem, whole: Any, part: Any, found: Parts, runs: Sequence[Mapping[str, Any]],
    model: Any,
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
    model : estimator
        It has the number of sweeps of the whole fit, where a fit has a number of them.
    """
    sweeps = int(model.max_iter) if problem.sweeps else None
    growth = entries_of(whole) / max(entries_of(part), 1)
    inside = sum(max(run.get("seconds", 0.0) - _launched(run), 0.0) for run in runs)
    outside = max(found.alone - inside, 0.0)
    reading = (
        _launched_in(runs, PASSES) if problem.name in ("lasso", "logistic") else found.launched
    )
    factor = 1.0 if sweeps is None else sweeps / max(found.steps, 1.0)
    launched = factor * (growth * reading + max(found.launched - reading, 0.0))
    return Forecast(
        growth * outside + inside + launched, bytes_of(whole),
        int(found.held + bytes_ahead(problem, whole, part, model)), growth,
    )  # fmt: skip


def bytes_ahead(problem: Problem, whole: Any, part: Any, model: Any) -> float:
    """Return how many bytes more a fit of the whole holds than that of the part.

    The fit of a linear model holds X once more, and `FEATURE` bytes for a feature; that of a
    support vector machine twice, and a weight of `LANES` classes for a feature. A factorisation
    holds three numbers for a rating, and the factors of a user; a topic model `TOKEN` bytes for a
    token, and a number for each topic of a document at most.
    """
    more = [large - small for large, small in zip(whole.shape, part.shape, strict=True)]
    data = bytes_of(whole) - bytes_of(part)
    if problem.name == "svm":
        return 2.0 * data + 8.0 * LANES * more[1]
    if problem.target:
        return data + FEATURE * more[1]
    if problem.name == "mf":
        return 12.0 * (entries_of(whole) - entries_of(part)) + 4.0 * model.n_components * more[0]
    tokens = float(whole.sum() - part.sum())
    return TOKEN * tokens + 4.0 * model.n_components * more[0]


def _launched(run: Mapping[str, Any]) -> float:
    phases = run.get("phases", {}).values()
    return sum(row["seconds"] for row in phases) + run.get("measure_seconds", 0.0)


def _launched_in(runs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> float:
    return sum(
        run["phases"][name]["seconds"] for run in runs for name in names if name in run["phases"]
    )
