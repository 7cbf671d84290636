"""Data sets of the benchmarks, from a folder of public sets.

The folder is ``$STRADS_DATA``, else ``../shared/data`` next to the repository. IMDB is raw text:
its TF-IDF matrix of words and word pairs takes minutes to build and is kept in the user's cache
folder.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

#: Shape and entries that the IMDB matrix must have; anything else is not the published benchmark.
IMDB = (25_000, 436_597, 7_605_878)

#: Name → scaling of the columns. Dense measurements are standardised; blogfeedback mixes counts
#: of very different size, so its columns are divided by their largest entry.
SCALING = {
    "imdb": "none",
    "golub": "standard",
    "singh": "standard",
    "alon": "standard",
    "arcene": "standard",
    "madelon": "standard",
    "gene-11tumors": "standard",
    "mice-snp": "standard",
    "blogfeedback": "largest",
    "dorothea": "none",
    "20news-bow": "none",
    "news20": "none",
    "BASEHOCK": "none",
    "w8a": "none",
}


class MissingData(Exception):
    """A data set is not on this machine; the message says where it was looked for."""


@dataclass(frozen=True)
class Dataset:
    """A regression problem: X is CSC or Fortran-ordered, float64."""

    name: str
    X: Any
    y: np.ndarray

    @property
    def entries(self) -> int:
        """Stored entries of X."""
        return int(self.X.nnz if sp.issparse(self.X) else self.X.size)


def load(name: str) -> Dataset:
    """Load a set by name, or ``"tiny"``: random sparse data for smoke tests.

    Parameters
    ----------
    name : str
        A key of `SCALING`, or ``"tiny"``.

    Returns
    -------
    Dataset

    Raises
    ------
    MissingData
        If its files are not there.
    """
    if name == "tiny":
        return _tiny()
    if name not in SCALING:
        raise ValueError(f"unknown data set {name!r}; known: tiny, {', '.join(SCALING)}")
    if name == "imdb":
        return Dataset(name, *_imdb())
    folder = data_folder() / name
    X, y = _stored(folder)
    return Dataset(name, _scaled(X, SCALING[name]), y)


def data_folder() -> Path:
    """Folder of all sets."""
    given = os.environ.get("STRADS_DATA")
    return Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"


def cache_folder() -> Path:
    """The user's cache folder for prepared matrices."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "strads-bench"


def _missing(path: Path) -> MissingData:
    return MissingData(f"skipped: {path} is missing; set STRADS_DATA to the folder of data sets")


def _stored(folder: Path) -> tuple[Any, np.ndarray]:
    target = folder / "y.npy"
    if not target.exists():
        raise _missing(target)
    if (folder / "X.npy").exists():
        X = np.load(folder / "X.npy")
    elif (folder / "X.npz").exists():
        with np.load(folder / "X.npz") as stored:
            X = stored["X"] if "X" in stored.files else None
        if X is None:
            X = sp.load_npz(folder / "X.npz")
    elif (folder / "counts.npz").exists():
        X = sp.load_npz(folder / "counts.npz")
    else:
        raise _missing(folder / "X.npz")
    return X, np.load(target).astype(np.float64)


def _scaled(X: Any, how: str) -> Any:
    if sp.issparse(X):
        X = sp.csc_matrix(X, dtype=np.float64)
        X.sort_indices()
        if how == "largest":
            largest = abs(X).max(axis=0).toarray().ravel()
            X.data /= np.repeat(np.where(largest > 0.0, largest, 1.0), np.diff(X.indptr))
        return X
    X = np.array(X, dtype=np.float64, order="F")
    if how == "standard":
        X -= X.mean(axis=0)
        deviation = X.std(axis=0)
        X /= np.where(deviation > 0.0, deviation, 1.0)
    return X


def _imdb() -> tuple[sp.csc_matrix, np.ndarray]:
    kept = cache_folder() / "imdb-train-tfidf-1-2gram.npz"
    if not kept.exists():
        X, y = _vectorised(data_folder() / "imdb" / "aclImdb-labelled.tar.xz")
        _keep(kept, X, y)
    with np.load(kept) as stored:
        parts = (stored["data"], stored["indices"], stored["indptr"])
        X = sp.csc_matrix(parts, shape=tuple(stored["shape"]))
        y = stored["y"]
    if (*X.shape, X.nnz) != IMDB:
        raise ValueError(f"IMDB matrix has shape and entries {(*X.shape, X.nnz)}, not {IMDB}")
    return X, y


def _vectorised(archive: Path) -> tuple[sp.csc_matrix, np.ndarray]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not archive.exists():
        raise _missing(archive)
    names, texts = zip(*sorted(_reviews(archive)), strict=True)
    stars = np.array([int(Path(name).stem.split("_")[1]) for name in names], dtype=np.float64)
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    X = sp.csc_matrix(words.fit_transform(texts))
    X.sort_indices()
    return X, stars


def _reviews(archive: Path) -> Iterator[tuple[str, str]]:
    """Labelled training reviews: (path, text)."""
    with tarfile.open(archive, "r:xz") as tar:
        for member in tar:
            folders = Path(member.name).parts
            if member.isfile() and "train" in folders and {"pos", "neg"} & set(folders):
                file = tar.extractfile(member)
                if file is not None:
                    yield member.name, file.read().decode("utf-8").replace("<br />", " ")


def _keep(path: Path, X: sp.csc_matrix, y: np.ndarray) -> None:
    """Write through a temporary file, so that a reader never meets half a matrix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as part:
        np.savez(part, data=X.data, indices=X.indices.astype(np.int32),
                 indptr=X.indptr.astype(np.int32), shape=X.shape, y=y)  # fmt: skip
    os.replace(part.name, path)


def _tiny() -> Dataset:
    rng = np.random.default_rng(0)
    X = sp.random(300, 900, density=0.05, random_state=0, format="csc", dtype=np.float64)
    X.sort_indices()
    truth = np.zeros(900)
    truth[rng.choice(900, 20, replace=False)] = rng.standard_normal(20)
    return Dataset("tiny", X, X @ truth + 0.1 * rng.standard_normal(300) + 3.0)
