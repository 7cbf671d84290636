"""What a fitted model does with new data: predictions, factors and topics, recommendations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from strads.cli.runs.folder import LINEAR, open_run
from strads.cli.runs.new_data import (
    as_ids,
    design_matrix,
    known_positions,
    new_documents,
    new_users,
)
from strads.cli.runs.results import Results, demand_format
from strads.datasets import read_pairs
from strads.engine import DataError

Columns = dict[str, str | None]


def predict(
    folder: Path, data: Path, *, user: str | None, item: str | None, unknown: str,
    out: Path | None,
) -> None:  # fmt: skip
    """Predict targets of rows, labels of documents, or ratings of pairs; see ``strads predict``."""
    demand_format(out)
    run = open_run(folder, "predict")
    if run.command in LINEAR:
        values = run.model.predict(design_matrix(run, data))
        Results({}, ["prediction"], values[:, None]).write(out)
        return
    model = run.model
    if run.command == "fit medlda":
        _labels(model, model.predict(new_documents(run, data))).write(out)
        return
    text = {role for role in ("user", "item") if _ids(model, role).dtype.kind == "U"}
    users, items = read_pairs(data, user=user, item=item, text=text)
    if unknown != "mean":
        _demand_choice(unknown, "mean")
        known_positions(users, _ids(model, "user"), "user", "--unknown mean")
        known_positions(items, _ids(model, "item"), "item", "--unknown mean")
    values = predicted(model, users, items)
    Results({"user": users, "item": items}, ["prediction"], values[:, None]).write(out)


def _labels(model: Any, found: np.ndarray) -> Results:
    """Return the predicted label of every row or, of several labels, a column for each."""
    if found.ndim == 1:
        return Results({}, ["prediction"], found[:, None])
    return Results({}, [f"label{name}" for name in model.classes_], found)


def predicted(model: Any, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return the predicted ratings of pairs; users and items of no fit have the mean."""
    ratings: np.ndarray = model.predict_ratings(users, items, unknown="mean")
    return ratings


def transform(
    folder: Path, data: Path, columns: Columns, *, unknown: str, out: Path | None
) -> None:
    """Compute factors, W, codes or topics of new data; see ``strads transform``."""
    demand_format(out)
    run = open_run(folder, "transform")
    labels: dict[str, np.ndarray] = {}
    if run.command in ("fit lda", "fit medlda"):
        X, name = new_documents(run, data), "topic"
    elif run.command == "fit nmf":
        X, name = design_matrix(run, data), "component"
    elif run.command == "fit dictionary":
        X, name = design_matrix(run, data), "atom"
        X = X.toarray() if hasattr(X, "toarray") else X
    else:
        _demand_choice(unknown, "drop")
        ids, X = new_users(run, data, columns, drop=unknown == "drop")
        labels, name = {"user": ids}, "factor"
    values = run.model.transform(X)
    Results(labels, [f"{name}{k}" for k in range(values.shape[1])], values).write(out)


def recommend(
    folder: Path, users: list[str], new: Path | None, *, everybody: bool, n: int,
    filter_seen: bool, columns: Columns, unknown: str, out: Path | None,
) -> None:  # fmt: skip
    """Recommend items to users of the fit, or to new ones; see ``strads recommend``."""
    if bool(users) + everybody + (new is not None) != 1:
        raise DataError("give ids of users, or --all, or --new FILE: one of them")
    demand_format(out, labelled=True)
    run = open_run(folder, "recommend")
    if new is None:
        known = _ids(run.model, "user")
        ids = known if everybody else as_ids(users, known)
        known_positions(ids, known, "user", "--new FILE with the ratings of a new user")
        found = run.model.recommend(ids, n, filter_seen=filter_seen)
    else:
        _demand_choice(unknown, "drop")
        ids, X = new_users(run, new, columns, drop=unknown == "drop")
        found = run.model.recommend_for(X, n, filter_seen=filter_seen)
    _ranked(ids, *found).write(out)


def _ranked(users: np.ndarray, items: np.ndarray, scores: np.ndarray) -> Results:
    """Return a row for each recommendation; a user may have fewer than others."""
    there = scores > -np.inf
    ranks = np.broadcast_to(np.arange(1, items.shape[1] + 1), items.shape)
    labels = {
        "user": np.repeat(users, there.sum(axis=1)), "rank": ranks[there], "item": items[there],
    }  # fmt: skip
    return Results(labels, ["score"], scores[there][:, None])


def _ids(model: Any, role: str) -> np.ndarray:
    ids: np.ndarray = getattr(model, f"{role}_ids_")
    return ids


def _demand_choice(unknown: str, other: str) -> None:
    if unknown not in ("raise", other):
        raise DataError(f"--unknown {unknown} must be raise or {other}")
