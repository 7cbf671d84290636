"""100,000 film reviews, words of at least ten; counts are kept in the user's cache folder."""

import numpy as np
import scipy.sparse as sp

from bench.harness.files import cache_folder, reviews, written_whole

ARCHIVES = ("aclImdb-labelled.tar.xz", "aclImdb-unsup.tar.xz")


def load() -> sp.csr_matrix:
    """Load what is kept, or count words."""
    kept = cache_folder() / "imdb-counts-100k.npz"
    if not kept.exists():
        from sklearn.feature_extraction.text import CountVectorizer

        found: dict[str, str] = {}
        for archive in ARCHIVES:
            found.update(reviews(archive, {"pos", "neg", "unsup"}))
        texts = (text for _, text in sorted(found.items()))
        counts = CountVectorizer(min_df=10, dtype=np.int32).fit_transform(texts)
        with written_whole(kept) as part:
            sp.save_npz(part, sp.csr_matrix(counts))
    return sp.load_npz(kept)
