"""Fits of factors to ratings or clicks: judged on a held-out share, then made on all data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strads.cli.reports import Interrupts, show
from strads.cli.runs.fits.in_files import RatingsInFiles, demand_whole, map_ratings
from strads.cli.runs.fitting import Figures, Fitted, Fitting, lines_of, withheld
from strads.datasets import Ratings, read_ratings, split_ratings
from strads.datasets.mapped.folder import is_folder


@dataclass(frozen=True)
class RatingFile:
    """A file of ratings or clicks, and the columns that the command names."""

    path: Path
    user: str | None
    item: str | None
    rating: str | None
    clicks: bool = False

    @property
    def columns(self) -> dict[str, str | None]:
        """The named columns, by their role."""
        return {"user": self.user, "item": self.item, "rating": self.rating}

    def read(self) -> Ratings | RatingsInFiles:
        """Read the file; what ``strads convert`` has made is mapped."""
        if is_folder(self.path):
            return map_ratings(self.path, self.columns)
        return read_ratings(self.path, **self.columns, clicks=self.clicks)


@dataclass(frozen=True)
class Judgement:
    """How steps of a fit are printed and compared.

    Attributes
    ----------
    title : str
        Name of the model.
    unit : str
        What the data are called: "ratings" or "observations".
    figures : Figures
        Figures of a step.
    held_out : str
        The figure of the held-out share.
    best : callable
        ``min`` or ``max``: which held-out figure is the best.
    """

    title: str
    unit: str
    figures: Figures
    held_out: str
    best: Callable[..., Any]


def fit_factors(
    kind: Any, settings: dict[str, Any], file: RatingFile, by: Judgement, *, test: float,
    out: Path | None, quiet: bool,
) -> None:  # fmt: skip
    """Judge a factorisation on a held-out share, then fit it to all data, save it and tell.

    The second fit has as many epochs as the first one needed. With the same settings and seed it is
    the fit that the estimator itself makes on all data.
    """
    if is_folder(file.path):
        demand_whole(file.path, test)
    fitting = Fitting(kind, settings, by.figures, out, quiet)
    known = fitting.read(file.read, lambda known: _told(known, by.unit))
    judged, held_out, changes = None, 0, {}
    if test:
        train, apart = withheld(split_ratings, known, test, settings["random_state"])
        held_out = len(apart)
        fitting.say(f"judged on {held_out:,} {by.unit}, by a fit to the other {len(train):,}:")
        validation = apart.matrix()
        judged = fitting.fit(lambda model: model.fit(train.matrix(), validation=validation))
        changes = _as_judged(judged, settings, by)
    if judged is not None and Interrupts.seen:  # there will be no other model
        final = judged
        final.model.user_ids_, final.model.item_ids_ = train.user_ids, train.item_ids
    else:
        if judged is not None:
            fitting.say(f"fit to all {len(known):,}:")
        final = fitting.fit(lambda model: _fit_to_all(model, known), **changes)
    record = {
        "shape": known.shape,
        by.unit: len(known),
        **{name: final.steps[-1][name] for name in by.figures if name in final.steps[-1]},
        "held_out": _record(judged, held_out, by),
    }
    more = {"data": file.path, **file.columns, "test": test}
    fitting.write(final, record, more)
    show(by.title, [*_rows(final, known, judged, held_out, by), *fitting.running()])


def _fit_to_all(model: Any, known: Ratings | RatingsInFiles) -> Any:
    return known.fit(model) if isinstance(known, RatingsInFiles) else model.fit_ratings(known)


def _told(known: Ratings | RatingsInFiles, unit: str) -> str:
    users, items = known.shape
    again = f" (duplicates dropped: {known.duplicates:,})" if known.duplicates else ""
    return f"{len(known):,} {unit} of {items:,} items by {users:,} users{again}"


def _as_judged(judged: Fitted, settings: dict[str, Any], by: Judgement) -> dict[str, Any]:
    """Return changes of the settings so that the fit to all data has as many epochs."""
    epochs = len(judged.steps)
    if settings["early_stopping"]:
        epochs = _best_epoch(judged, by)
    elif epochs == settings["max_iter"]:
        return {}
    return {"max_iter": epochs, "tol": 0.0, "early_stopping": False}


def _best_epoch(judged: Fitted, by: Judgement) -> int:
    figures = [step[by.held_out] for step in judged.steps]
    return figures.index(by.best(figures)) + 1


def _record(judged: Fitted | None, held_out: int, by: Judgement) -> dict[str, Any] | None:
    if judged is None:
        return None
    step = judged.steps[_judged_epoch(judged, by) - 1]
    return {
        by.unit: held_out,
        "n_iter": judged.model.n_iter_,
        by.held_out: step[by.held_out],
        "seconds": judged.seconds,
        "history": judged.steps,
    }


def _judged_epoch(judged: Fitted, by: Judgement) -> int:
    return _best_epoch(judged, by) if judged.model.early_stopping else len(judged.steps)


def _rows(
    final: Fitted,
    known: Ratings | RatingsInFiles,
    judged: Fitted | None,
    held_out: int,
    by: Judgement,
) -> list[tuple[str, str]]:
    rows = [
        ("data", f"{known.shape[0]:,} users × {known.shape[1]:,} items"),
        (by.unit, f"{len(known):,}"),
        ("rank", f"{final.model.n_components}"),
    ]
    if judged is not None:
        step = judged.steps[_judged_epoch(judged, by) - 1]
        name, form = by.figures[by.held_out]
        told = f"{step[by.held_out]:{form}} ({held_out:,} {by.unit}, by a fit to the others)"
        rows.append((name, told))
    rows += lines_of(final.steps[-1], by.figures)
    return [*rows, ("epochs", f"{final.model.n_iter_:,}")]
