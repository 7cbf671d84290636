"""Data sets of the benchmarks, from a folder of public sets.

See `bench.harness.files` for where they lie. IMDB is raw text: its TF-IDF matrix of words and word
pairs takes minutes to build and is kept in the user's cache folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from bench.harness.files import cache_folder, data_folder, reviews, there, written_whole

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


def _stored(folder: Path) -> tuple[Any, np.ndarray]:
    target = there(folder / "y.npy")
    if (folder / "X.npy").exists():
        X = np.load(folder / "X.npy")
    elif (folder / "X.npz").exists():
        with np.load(folder / "X.npz") as stored:
            X = stored["X"] if "X" in stored.files else None
        if X is None:
            X = sp.load_npz(folder / "X.npz")
    else:
        X = sp.load_npz(there(folder / "counts.npz"))
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
        with written_whole(kept) as part:
            np.savez(part, data=X.data, indices=X.indices.astype(np.int32),
                     indptr=X.indptr.astype(np.int32), shape=X.shape, y=y)  # fmt: skip
    with np.load(kept) as stored:
        parts = (stored["data"], stored["indices"], stored["indptr"])
        X = sp.csc_matrix(parts, shape=tuple(stored["shape"]))
        y = stored["y"]
    if (*X.shape, X.nnz) != IMDB:
        raise ValueError(f"IMDB matrix has shape and entries {(*X.shape, X.nnz)}, not {IMDB}")
    return X, y


def _vectorised(archive: Path) -> tuple[sp.csc_matrix, np.ndarray]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    labelled = (each for each in reviews(archive, {"pos", "neg"}) if "train" in Path(each[0]).parts)
    names, texts = zip(*sorted(labelled), strict=True)
    stars = np.array([int(Path(name).stem.split("_")[1]) for name in names], dtype=np.float64)
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    X = sp.csc_matrix(words.fit_transform(texts))
    X.sort_indices()
    return X, stars


def _tiny() -> Dataset:
    rng = np.random.default_rng(0)
    X = sp.random(300, 900, density=0.05, random_state=0, format="csc", dtype=np.float64)
    X.sort_indices()
    truth = np.zeros(900)
    truth[rng.choice(900, 20, replace=False)] = rng.standard_normal(20)
    return Dataset("tiny", X, X @ truth + 0.1 * rng.standard_normal(300) + 3.0)
