"""Short documents: the first sentence of each of 25,000 film reviews, words of at least five."""

import re

import numpy as np
import scipy.sparse as sp

from bench.harness.files import cache_folder, reviews, written_whole

ARCHIVE = "aclImdb-labelled.tar.xz"
END = re.compile(r"[.!?]\s")


def load() -> sp.csr_matrix:
    """Load what is kept, or count words of the labelled half for training."""
    kept = cache_folder() / "imdb-sentences.npz"
    if not kept.exists():
        from sklearn.feature_extraction.text import CountVectorizer

        found = dict(reviews(ARCHIVE, {"pos", "neg"}))
        texts = (first_sentence(text) for path, text in sorted(found.items()) if "train" in path)
        words = CountVectorizer(min_df=5, stop_words="english", dtype=np.int32)
        counts = sp.csr_matrix(words.fit_transform(texts))
        with written_whole(kept) as part:
            sp.save_npz(part, counts)
    return sp.load_npz(kept)


def first_sentence(text: str) -> str:
    """Return the text up to its first full stop, question or exclamation mark."""
    return END.split(text, maxsplit=1)[0]
