"""The files of data that are larger than the memory of a fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.mapped.reading import BLOCK
from strads.datasets.mapped.folder import TURNED, write_description
from strads.datasets.mapped.writing import Entries, write_entries

#: Ratings of a user.
RATINGS = 400
#: Features that the target depends on.
USED = 20


def generate(folder: Path, fit: str, nbytes: int) -> tuple[Path, Path]:
    """Write X of about so many bytes, and y; return their paths."""
    rng = np.random.default_rng(0)
    if fit.startswith("als"):
        return _ratings(folder, nbytes)
    by_columns = not fit.startswith("svm")
    if "sparse" in fit:
        return _sparse(folder, rng, by_columns, nbytes)
    count = 1024 if not by_columns else max(nbytes // 8 // (1 << 14), 64)
    shape = (nbytes // 8 // count, count)
    path = folder / "X.npy"
    X = np.lib.format.open_memmap(path, "w+", np.float64, shape, fortran_order=by_columns)
    y = rng.normal(size=shape[0])
    stripes = X.T if by_columns else X
    step = max(1, BLOCK // (8 * stripes.shape[1]))
    weights = np.zeros(shape[1])
    weights[rng.choice(shape[1], USED, replace=False)] = 1.0
    for first in range(0, len(stripes), step):
        part = rng.normal(size=(min(step, len(stripes) - first), stripes.shape[1]))
        stripes[first : first + step] = part
        if by_columns:
            y += weights[first : first + step] @ part
        else:
            y[first : first + step] += part @ weights
    X.flush()
    np.save(folder / "y.npy", y if fit.startswith("lasso") else np.sign(y))
    return path, folder / "y.npy"


def _sparse(
    folder: Path, rng: np.random.Generator, by_columns: bool, nbytes: int
) -> tuple[Path, Path]:
    entries, each = nbytes // 12, 100
    count = entries // each
    other = max(count // 2, each) if by_columns else max(count // 4, each)
    total = count * each
    data = np.lib.format.open_memmap(folder / "data.npy", "w+", np.float64, (total,))
    indices = np.lib.format.open_memmap(folder / "indices.npy", "w+", np.int32, (total,))
    values = rng.normal(size=other if by_columns else count)
    weights = np.zeros(count if by_columns else other)
    weights[rng.choice(len(weights), min(USED * 50, len(weights) // 2), replace=False)] = 1.0
    step = max(1, BLOCK // (12 * each))
    for first in range(0, count, step):
        rows = min(step, count - first)
        gaps = rng.integers(1, max(2, other // each), size=(rows, each))
        places = np.minimum(np.cumsum(gaps, axis=1) - 1, other - 1)
        places = np.minimum(places, other - each + np.arange(each))  # they rise to the last one
        part = rng.normal(size=(rows, each)) / 10.0
        at = slice(first * each, (first + rows) * each)
        data[at], indices[at] = part.ravel(), places.ravel()
        if by_columns:
            used = np.flatnonzero(weights[first : first + rows])
            np.add.at(values, places[used].ravel(), 10.0 * part[used].ravel())
        else:
            values[first : first + rows] += 10.0 * (part * weights[places]).sum(axis=1)
    data.flush(), indices.flush()
    np.save(folder / "indptr.npy", each * np.arange(count + 1))
    layout, shape = ("csc", (other, count)) if by_columns else ("csr", (count, other))
    write_description(folder, layout, shape)
    np.save(folder / "target.npy", values if by_columns else np.sign(values))
    return folder, folder / "target.npy"


def _ratings(folder: Path, nbytes: int) -> tuple[Path, Path]:
    """Write ratings by rows and by columns, of so many bytes together."""
    entries = nbytes // (2 * 8)
    users, items = max(entries // RATINGS, 1), max(entries // RATINGS // 4, 2 * RATINGS)
    step = max(1, BLOCK // (8 * RATINGS))

    def parts() -> Iterator[Entries]:
        rng = np.random.default_rng(1)
        taste = rng.normal(size=items)
        for first in range(0, users, step):
            rows = np.arange(first, min(first + step, users))
            gaps = rng.integers(1, items // RATINGS + 1, size=(len(rows), RATINGS))
            places = np.cumsum(gaps, axis=1) - 1
            values = taste[places] * rng.normal(size=(len(rows), 1)) + rng.normal(size=places.shape)
            yield Entries(np.repeat(rows, RATINGS), places.ravel(), values.ravel())

    counts = np.zeros(items, np.int64)
    for part in parts():
        counts += np.bincount(part.columns, minlength=items)
    (folder / TURNED).mkdir()
    write_entries(folder / TURNED, "csc", (users, items), counts, parts(), np.float32)
    of_users = np.full(users, RATINGS)
    write_entries(folder, "csr", (users, items), of_users, parts(), np.float32)
    np.save(folder / "target.npy", np.zeros(1))
    return folder, folder / "target.npy"
