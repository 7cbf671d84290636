"""``python -m bench.auto``: what is chosen automatically, beside the best fixed setting.

Estimators as users call them, on ten problems. A fixed setting is a name of a schedule (of topics:
a sampler) and a number of workers; automatic is "auto" with the number of workers left open. All
take turns. What counts is when a fit first comes to a level: of linear models the certified duality
gap of 1e-6; of factorisations an objective, and of topics a likelihood, within a share of the best
that any of them ends with.
"""

import itertools
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console
from typer import BadParameter, Option

import strads
from bench.diagnosis.sets import SETS, Asked, counts, labelled, lasso, ratings
from bench.harness.command import command
from bench.harness.files import MissingData
from bench.harness.tables import Table, keep

Settings = dict[str, Any]
#: Share by which a level is above the best objective, or below the best likelihood.
SHARE: Final = 0.005
#: Automatic is to be within this share of the best fixed setting.
WITHIN: Final = 0.15
#: Seconds after which a linear fit is given up.
LIMIT: Final = 60.0
AUTO: Final = "auto"


class Kind(NamedTuple):
    """The estimator of some problems: its class, what all its fits have, and what may be fixed.

    `figure` is the figure of the steps that tells how far a fit is, the smaller the better once it
    is multiplied by `sign`; None of linear models, which end when they are there.
    """

    estimator: Callable[..., Any]
    settings: Settings
    parameter: str
    fixed: tuple[str, ...]
    figure: str | None = None
    sign: float = 1.0


SCHEDULES: Final = ("priority", "random", "round-robin")
CCD: Final = {"solver": "ccd", "tol": 0.0, "random_state": 0}
KINDS: Final = {
    "lasso": Kind(strads.Lasso, {"tol": 1e-6}, "schedule", SCHEDULES),
    "logistic": Kind(strads.SparseLogisticRegression, {"tol": 1e-6}, "schedule", SCHEDULES),
    "mf": Kind(
        strads.MatrixFactorization, CCD, "schedule", ("priority", "round-robin"), "objective"
    ),
    "implicit": Kind(
        strads.ImplicitFactorization, CCD, "schedule", ("priority", "round-robin"), "objective"
    ),
    "lda": Kind(
        strads.LatentDirichletAllocation, {"evaluate_every": 2}, "sampler", ("dense", "sparse"),
        "log_likelihood_per_token", -1.0,
    ),
}  # fmt: skip
#: The problems by name; the part before the first dash is the kind.
PROBLEMS: Final[dict[str, Callable[[], Asked]]] = {
    "lasso-imdb": SETS["lasso-imdb"],
    "lasso-20news-bow": SETS["lasso-20news-bow"],
    "lasso-golub": SETS["lasso-golub"],
    "lasso-BASEHOCK": lambda: lasso("BASEHOCK", 100.0),
    "logistic-dorothea": SETS["logistic-dorothea"],
    "logistic-w8a": lambda: labelled("logistic", "w8a", 0.1),
    "mf-ml-1m": lambda: ratings("ml-1m", 16, 20),
    "implicit-ml-1m": lambda: ratings("ml-1m", 16, 20),
    "lda-uci-kos": lambda: counts("uci-kos", 100, 40),
    "lda-20news-bow": lambda: counts("20news-bow", 100, 30),
}
TINY: Final = {"lasso-tiny": SETS["tiny-lasso"], "mf-tiny": SETS["tiny-mf"]}


class Course(NamedTuple):
    """A fit: seconds since it was called, updates and the value so far, after every step."""

    seconds: np.ndarray
    updates: np.ndarray
    values: np.ndarray

    def at(self, level: float) -> tuple[float, float]:
        """Return seconds and updates when the value was first at most `level`; infinite if never.

        Linear models have infinite values until their gap is certified.
        """
        there = np.flatnonzero(self.values <= level)
        if not len(there):
            return np.inf, np.inf
        return float(self.seconds[there[0]]), float(self.updates[there[0]])


def ways(kind: Kind) -> dict[str, Settings]:
    """Return the settings that are compared, by name."""
    fixed = {
        f"{word}, {workers}": {kind.parameter: word, "n_workers": workers}
        for word, workers in itertools.product(kind.fixed, (1, 2))
    }
    return {AUTO: {kind.parameter: AUTO}, **fixed}


def followed(kind: Kind, asked: Asked, given: Settings) -> Course:
    """Fit, and note how far the fit is after every step."""
    steps: list[tuple[float, float, float]] = []

    def note(step: Any) -> None:
        value, rows = (step.figures.get(name, np.nan) for name in (kind.figure, "rows"))
        steps.append((time.perf_counter() - since, rows, kind.sign * value))

    settings = {**asked.settings, **kind.settings, **given}
    if kind.figure is None:
        settings["max_seconds"] = LIMIT
    else:
        settings["callbacks"] = note
    model = kind.estimator(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        since = time.perf_counter()
        model.fit(asked.X) if asked.y is None else model.fit(asked.X, asked.y)
        took = time.perf_counter() - since
    made = float(sum(row.get("updates", 0) for row in model.statistics_["phases"].values()))
    if kind.figure is None:
        certified = bool(np.all(np.asarray(model.dual_gap_) <= kind.settings["tol"]))
        return Course(np.array([took]), np.array([made]),
                      np.array([0.0 if certified else np.inf]))  # fmt: skip
    seconds, rows, values = (np.array(column) for column in zip(*steps, strict=True))
    evenly = made * np.arange(1, len(steps) + 1) / len(steps)
    return Course(seconds, np.where(np.isnan(rows), evenly, rows), values)


def level(kind: Kind, courses: Mapping[str, list[Course]]) -> float:
    """Return the value that fits are to reach: near the best that any of them ends with."""
    if kind.figure is None:
        return 0.0
    best = min(float(np.nanmin(one.values)) for several in courses.values() for one in several)
    return best + SHARE * abs(best)


def compared(name: str, asked: Asked, repeats: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Fit in turns; return the row of the problem, and a row for each setting."""
    kind = KINDS[name.partition("-")[0]]
    courses: dict[str, list[Course]] = {way: [] for way in ways(kind)}
    for number in range(repeats + 1):
        for way, given in ways(kind).items():
            course = followed(kind, asked, given)
            if number or not repeats:  # the first fits compile, and start processes
                courses[way].append(course)
    goal = level(kind, courses)
    found = []
    for way, several in courses.items():
        seconds, updates = np.median([one.at(goal) for one in several], axis=0).tolist()
        found.append({"name": name, "setting": way, "seconds": seconds, "updates": updates})
    return row(found), found


def row(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Set the automatic setting beside the best fixed one, in seconds."""
    auto, *fixed = found
    best = min(fixed, key=lambda one: one["seconds"])
    worst = max(one["seconds"] for one in fixed)
    beside = auto["seconds"] / best["seconds"]
    return {
        "name": auto["name"], "auto": auto["seconds"], "best": best["seconds"],
        "which": best["setting"], "worst": worst, "beside": beside,
        "auto_updates": auto["updates"], "best_updates": best["updates"],
        "within": "yes" if beside <= 1.0 + WITHIN else "no",
    }  # fmt: skip


COLUMNS: Final = [
    ("problem", "{name}"), ("auto s", "{auto:.3g}"), ("best fixed s", "{best:.3g}"),
    ("which, workers", "{which}"), ("worst fixed s", "{worst:.3g}"),
    ("auto ÷ best", "{beside:.2f}"), ("within 15 %", "{within}"),
    ("updates of auto", "{auto_updates:,.0f}"), ("of the best", "{best_updates:,.0f}"),
]  # fmt: skip


def main(
    data: Annotated[list[str] | None, Option(help=f"of {', '.join(PROBLEMS)}")] = None,
    repeats: Annotated[int, Option(help="fits of each setting; 0: one, which may compile")] = 5,
    tiny: Annotated[bool, Option(help="generated data: does it run at all")] = False,
) -> pd.DataFrame:
    """Compare "auto" with every fixed setting on ten problems; about 15 min."""
    problems = TINY if tiny else PROBLEMS
    unknown = [name for name in data or () if name not in problems]
    if unknown:
        raise BadParameter(f"--data {unknown[0]}: give some of {', '.join(problems)}")
    rows, every = [], []
    for name in data or problems:
        try:
            asked = problems[name]()
        except MissingData as missing:
            Console().print(f"{name}: {missing}")
            continue
        one, settings = compared(name, asked, repeats)
        rows.append(one)
        every += settings
        Console(stderr=True).print(", ".join(text.format(**one) for _, text in COLUMNS))
    Table(f"auto beside the best fixed setting, medians of {max(repeats, 1)}", COLUMNS, rows).show()
    within = sum(one["within"] == "yes" for one in rows)
    ahead = sum(one["beside"] < 1.0 for one in rows)
    Console().print(f"within 15 %: {within} of {len(rows)}; ahead: {ahead}")
    if rows and not tiny:
        keep("auto", every)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    command(main)
