"""The function ``strads.pilot``: fit a part of a model within a budget, and predict the whole."""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from strads.diagnosis.diagnosis import Section, plain
from strads.diagnosis.pilot.forecast import Forecast, forecast
from strads.diagnosis.pilot.handed_on import loaded, start_of, whole_model
from strads.diagnosis.pilot.part import Part, choose_part
from strads.diagnosis.pilot.telling import sections_of
from strads.diagnosis.trials.parts import Parts, parts_of
from strads.diagnosis.trials.problems import (
    Problem,
    bytes_of,
    checked_data,
    defaults,
    entries_of,
    problem_of,
    product,
    scores,
)
from strads.diagnosis.trials.trial import Watch
from strads.engine import DataError, available_cores

#: Bytes of the data of a part, and of a fit of it, for one byte of its data: before a fit it is
#: not known better.
BYTES = 4.0
#: Features, users or documents of the fit that starts the processes.
TINY = 50


@dataclass(frozen=True)
class Pilot:
    """A fit of a part of a model; see :func:`strads.pilot`.

    Attributes
    ----------
    problem : str
    model : estimator
        The fitted model. Of linear models it has all features, with zeros where the pilot did not
        look, and ``model.fit(X, y)`` starts from it. Others take more users or documents by
        ``partial_fit``.
    chosen : ndarray of int
        The features of linear models that were fitted; else the users or documents.
    shape : tuple of int
        Shape of all the data.
    entries : int
        Entries of the part.
    stopped : bool
        Whether the budget of seconds ended the fit.
    seconds : float
        Time of the fit, with compilation.
    parts : Parts
        Where the time went, without compilation.
    figures : dict of str to float
        Key figures of the stage: ``starting`` (seconds of a tiny fit before it, which starts the
        processes), ``seconds``, ``steps``, ``updates``, ``gap``, ``support``,
        ``bytes``, ``waiting`` (share of the time for which a worker waited), and ``outside``, the
        number of features left out that would join the model of a Lasso. Those that the problem
        does not have are left out.
    forecast : Forecast
        What the whole fit will take.
    settings : dict
        Parameters of the estimator.
    statistics, history : list
        Those of the runs, and the figures of their steps.
    """

    problem: str
    model: Any
    chosen: np.ndarray
    shape: tuple[int, int]
    entries: int
    stopped: bool
    seconds: float
    parts: Parts
    figures: dict[str, float]
    forecast: Forecast
    settings: dict[str, Any]
    statistics: list[Any]
    history: list[dict[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """Return figures, forecast and settings as nested dicts of numbers and text, for JSON."""
        return plain({
            "problem": self.problem, "shape": self.shape, "chosen": len(self.chosen),
            "entries": self.entries, "stopped": self.stopped, "figures": self.figures,
            "forecast": dataclasses.asdict(self.forecast),
        })  # fmt: skip

    def sections(self) -> list[Section]:
        """Return title and rows of each table."""
        return sections_of(self)

    def __str__(self) -> str:
        return "\n".join(
            line
            for title, rows in self.sections()
            for line in (title, *(f"  {name:<42}{value}" for name, value in rows))
        )


def pilot(
    X: Any, y: Any = None, *, problem: str = "lasso", share: float = 0.1, seconds: float = 60.0,
    cores: int | None = None, memory: float | None = None, start: Any = None,
    random_state: int = 0, run_dir: Any = None, **settings: Any,
) -> Pilot:  # fmt: skip
    """Fit a part of a model within a budget, and predict the time and memory of the whole fit.

    Of linear models the part has the features with the highest scores; of ratings and documents it
    has random users or documents. :mod:`strads.diagnosis.pilot.part` says why.

    Parameters
    ----------
    X, y, problem
        As for :func:`strads.diagnose`.
    share : float, default=0.1
        Share of the features, users or documents, in (0, 1]; 1 is the whole.
    seconds : float, default=60.0
        The fit ends after the step in which it has used up these seconds.
    cores : int, optional
        Number of workers; None: what the estimator chooses.
    memory : float, optional
        Bytes that the fit may take; the part is made smaller until it needs about so many.
    start : estimator or path, optional
        An earlier pilot's model, or the folder of its run, whose weights the fit starts from: for
        linear models, to go on with a larger share.
    random_state : int, default=0
        Seed of the users or documents, and of the fit.
    run_dir : path, optional
        New folder in which the fit writes what it does.
    **settings
        Parameters of the estimator.

    Returns
    -------
    Pilot
        ``print(pilot)`` tells the figures of the stage and of the whole; ``pilot.model`` is what
        the whole can start from.

    Raises
    ------
    ValueError
        If an argument or a parameter is wrong.
    DataError
        If the data do not suit the problem, or `memory` does not suffice for the smallest part.
    """
    kind = problem_of(problem)
    demand_budget(share, seconds, cores, memory)
    X, y = checked_data(kind, X, y)
    given = defaults(kind, X, y, {"random_state": random_state, **settings})
    part = choose_part(kind, X, y, share, random_state)
    while memory is not None and BYTES * bytes_of(part.X) > memory:
        before, share = len(part.chosen), 0.9 * share * memory / (BYTES * bytes_of(part.X))
        part = choose_part(kind, X, y, share, random_state)
        if len(part.chosen) == before:
            raise DataError(
                f"memory={memory:.3g} bytes do not suffice for the smallest part, whose data have "
                f"{bytes_of(part.X):,} bytes; give more"
            )
    starting = _start(kind, part, given, cores)
    watch = Watch(float(seconds), None)
    model = kind.model({**given, "n_workers": cores, "callbacks": watch, "run_dir": run_dir})
    if start is not None:
        start_of(kind, model, loaded(kind, start), part, X.shape[1])
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that is stopped has not converged
        kind.fit(model, part.X, part.y)
    runs = watch.runs or [model.statistics_]
    wall = time.perf_counter() - begin
    parts = parts_of(runs, wall, watch.figures)
    ahead = forecast(kind, X, part.X, parts, runs, model)
    figures = {"starting": starting, **_figures(model, parts, watch, runs)}
    model = whole_model(kind, model, part, X.shape[1])
    model.set_params(callbacks=None, run_dir=None)
    if problem == "lasso":
        figures["outside"] = float(_outside(model, X, y, part.chosen))
    return Pilot(
        problem, model, part.chosen, (int(X.shape[0]), int(X.shape[1])), entries_of(part.X),
        watch.stopped, wall, parts, figures, ahead, {**given, "n_workers": cores}, runs,
        watch.figures,
    )  # fmt: skip


def demand_budget(share: float, seconds: float, cores: int | None, memory: float | None) -> None:
    """Refuse a budget that makes no sense."""
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share={share!r} must be above 0 and at most 1")
    if not seconds > 0.0:
        raise ValueError(f"seconds={seconds!r} must be above 0")
    if cores is not None and cores < 1:
        raise ValueError(f"cores={cores!r} must be at least 1")
    if memory is not None and not memory > 0.0:
        raise ValueError(f"memory={memory!r} must be above 0")


def _start(problem: Problem, part: Part, given: dict[str, Any], cores: int | None) -> float:
    """Return the seconds of a tiny fit, which starts processes and loads compiled code.

    A process pays that once. It does not grow with the data, so the timed fit is without it.
    """
    begin = time.perf_counter()
    few = slice(0, min(TINY, len(part.chosen)))
    X = part.X[:, few] if part.columns else part.X[few]
    asked = {**given, "n_workers": cores or available_cores(), "max_iter": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not converge
        problem.fit(problem.model(asked), X, part.y)
    return time.perf_counter() - begin


def _figures(model: Any, parts: Parts, watch: Watch, runs: list[Any]) -> dict[str, float]:
    """Return the key figures of the stage."""
    found = {"seconds": parts.wall, "steps": parts.steps}
    found["updates"] = float(
        sum(row.get("updates", 0) for run in runs for row in run.get("phases", {}).values())
    )
    gap = getattr(model, "dual_gap_", None)
    if gap is not None:
        found["gap"] = float(np.max(gap))
        found["support"] = float(np.count_nonzero(model.coef_))
    last = watch.figures[-1] if watch.figures else {}
    for name in ("train_rmse", "log_likelihood_per_token", "s_error"):
        if name in last:
            found[name] = last[name]
    found["bytes"] = parts.held
    found["waiting"] = (parts.waiting + parts.starved) / parts.wall if parts.wall else 0.0
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _outside(model: Any, X: Any, y: np.ndarray, chosen: np.ndarray) -> int:
    """Return how many features that were left out have a score above the penalty."""
    rest = y - product(X, model.coef_) - model.intercept_
    above = np.abs(scores(X, rest)) > X.shape[0] * model.alpha * (1.0 + 1e-9)
    above[chosen] = False
    return int(above.sum())
