"""Film reviews: TF-IDF of words and pairs of words, with stars as target.

The matrix takes minutes to build and is kept in the user's cache folder.
"""

from pathlib import Path

import numpy as np
import scipy.sparse as sp

from bench.harness.files import cache_folder, reviews, written_whole
from bench.lasso.data import Dataset

#: Shape and entries that the matrix must have; anything else is not the published benchmark.
IMDB = (25_000, 436_597, 7_605_878)


def load() -> Dataset:
    """Load what is kept, or build it."""
    kept = cache_folder() / "imdb-train-tfidf-1-2gram.npz"
    if not kept.exists():
        X, y = vectorised()
        with written_whole(kept) as part:
            np.savez(part, data=X.data, indices=X.indices.astype(np.int32),
                     indptr=X.indptr.astype(np.int32), shape=X.shape, y=y)  # fmt: skip
    with np.load(kept) as stored:
        parts = (stored["data"], stored["indices"], stored["indptr"])
        X, y = sp.csc_matrix(parts, shape=tuple(stored["shape"])), stored["y"]
    if (*X.shape, X.nnz) != IMDB:
        raise ValueError(f"IMDB matrix has shape and entries {(*X.shape, X.nnz)}, not {IMDB}")
    return Dataset(X, y)


def vectorised() -> tuple[sp.csc_matrix, np.ndarray]:
    """Matrix and stars of the labelled reviews for training."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    labelled = reviews("aclImdb-labelled.tar.xz", {"pos", "neg"})
    names, texts = zip(
        *sorted(each for each in labelled if "train" in Path(each[0]).parts), strict=True
    )
    stars = np.array([int(Path(name).stem.split("_")[1]) for name in names], dtype=np.float64)
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    X = sp.csc_matrix(words.fit_transform(texts))
    X.sort_indices()
    return X, stars
