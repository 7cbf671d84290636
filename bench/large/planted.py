"""A sparse design with planted weights, of any number of columns.

    y = Xw + ε,    ‖Xw‖ = 3‖ε‖

X has 50,000 rows. A column has 25 non-zeros in distinct rows drawn at random, normal values, and a
norm of one; 1,000 columns have a weight, N(0, 1). Columns are drawn by chunks, each from a
generator of its own, seeded by (seed, chunk): neither the number of processes nor that of the
columns changes a column, so that a smaller design is the beginning of a larger one.

Kept as plain arrays in the user's cache folder and mapped into memory from there: 12 bytes a
non-zero. Values are in double precision. strads takes single precision without a copy as well, 8
bytes a non-zero, but the judge sums in double precision, and one file serves all solvers. Indices
are 32 bits wide as long as they suffice: from 2³¹ non-zeros, 86 million columns, SciPy demands that
row numbers be as wide as pointers, hence 16 bytes.
"""

import math
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from joblib import Parallel, delayed

from bench.harness.files import cache_folder, written_whole

ROWS, NONZEROS = 50_000, 25
PLANTED = 1_000
SIGNAL_TO_NOISE = 3.0  # of norms
#: Columns drawn at a time, by one process.
CHUNK = 1 << 17
#: Part of the folder's name; a new number whenever the drawing changes, so that no old design is
#: mistaken for a new one.
VERSION = 1
#: Streams of random numbers beside those of the chunks, which are counted from 0.
WEIGHTS, NOISE = (1 << 40), (1 << 40) + 1


class Design(NamedTuple):
    """A regression problem and the weights it was made with."""

    X: sp.csc_matrix  # (rows, columns), float64, mapped from files
    y: np.ndarray
    planted: np.ndarray  # columns with a weight
    weights: np.ndarray  # theirs


def load(columns: int, *, rows: int = ROWS, seed: int = 0, mode: str = "r") -> Design:
    """Design of so many columns, generated when first asked for, by one process a core.

    Files are mapped read-only (mode "r"), or so that writing changes this process's memory alone
    (mode "c"), for libraries that refuse what is read-only.
    """
    folder = folder_of(columns, rows, seed)
    if not folder.exists():
        _keep(folder, columns, rows, seed)
    part: dict[str, Any] = {
        each.stem: np.load(each, mmap_mode=mode) for each in folder.glob("*.npy")
    }
    X = sp.csc_matrix(
        (part["data"], part["indices"], part["indptr"]), shape=(rows, columns), copy=False
    )
    X.has_sorted_indices = X.has_canonical_format = True  # by construction
    return Design(X, *(np.asarray(part[name]) for name in ("y", "planted", "weights")))


def folder_of(columns: int, rows: int = ROWS, seed: int = 0) -> Path:
    """Where a design is kept."""
    return cache_folder() / f"planted-{rows}x{columns}-{seed}-v{VERSION}"


def index_type(nonzeros: int) -> np.dtype[Any]:
    """Narrowest type that SciPy allows for row numbers and pointers."""
    return np.dtype(np.int32 if nonzeros <= np.iinfo(np.int32).max else np.int64)


def draw_chunk(chunk: int, columns: int, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers and values of a chunk's first columns, a line each."""
    rng = _generator(seed, chunk)
    values = rng.standard_normal((CHUNK, NONZEROS))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    where = np.sort(rng.integers(rows, size=(CHUNK, NONZEROS), dtype=np.int32), axis=1)
    again = np.arange(CHUNK)
    while len(again):  # as long as a row stands twice in a column
        again = again[np.any(where[again, 1:] == where[again, :-1], axis=1)]
        fresh = rng.integers(rows, size=(len(again), NONZEROS), dtype=np.int32)
        where[again] = np.sort(fresh, axis=1)
    return where[:columns], values[:columns]


def _keep(folder: Path, columns: int, rows: int, seed: int) -> None:
    if rows < 2 * NONZEROS:
        raise ValueError(f"{rows} rows are too few for {NONZEROS} distinct ones a column")
    with written_whole(folder) as part:
        part.mkdir()
        entries = columns * NONZEROS
        kind = index_type(entries)
        np.save(part / "indptr.npy", np.arange(0, entries + 1, NONZEROS, dtype=kind))
        for name, dtype in (("indices", kind), ("data", np.dtype(np.float64))):
            np.lib.format.open_memmap(part / f"{name}.npy", "w+", dtype, (entries,)).flush()
        write = delayed(_write_chunk)
        chunks = range(math.ceil(columns / CHUNK))
        Parallel(min(os.cpu_count() or 1, len(chunks)), batch_size=1)(
            write(chunk, part, columns, rows, seed) for chunk in chunks
        )
        for name, array in _target(part, columns, rows, seed).items():
            np.save(part / f"{name}.npy", array)


def _write_chunk(chunk: int, part: Path, columns: int, rows: int, seed: int) -> None:
    first = chunk * CHUNK
    where, values = draw_chunk(chunk, min(CHUNK, columns - first), rows, seed)
    at = slice(first * NONZEROS, first * NONZEROS + where.size)
    for name, array in (("indices", where), ("data", values)):
        np.load(part / f"{name}.npy", mmap_mode="r+")[at] = array.ravel()


def _target(part: Path, columns: int, rows: int, seed: int) -> dict[str, np.ndarray]:
    """y, and what it is made of."""
    rng = _generator(seed, WEIGHTS)
    planted = np.sort(rng.choice(columns, min(PLANTED, columns // 10), replace=False))
    weights = rng.standard_normal(len(planted))
    signal = np.zeros(rows)
    indices, data = (np.load(part / f"{name}.npy", mmap_mode="r") for name in ("indices", "data"))
    for j, weight in zip(planted, weights, strict=True):
        at = slice(j * NONZEROS, (j + 1) * NONZEROS)
        signal[indices[at]] += weight * data[at]
    noise = _generator(seed, NOISE).standard_normal(rows)
    noise *= np.linalg.norm(signal) / (SIGNAL_TO_NOISE * np.linalg.norm(noise))
    return {"y": signal + noise, "planted": planted, "weights": weights}


def _generator(seed: int, stream: int) -> np.random.Generator:
    """Generator of one stream; it depends on the seed and the stream alone."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, stream])))
