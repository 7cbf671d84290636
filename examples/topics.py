"""Topics in the installed documentation of NumPy and SciPy."""

import inspect
from types import ModuleType

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.stats
from sklearn.feature_extraction.text import CountVectorizer

from strads import LatentDirichletAllocation

MODULES = (np, np.linalg, np.random, scipy.linalg, scipy.optimize, scipy.signal, scipy.sparse,
           scipy.stats)  # fmt: skip


def documents(modules: tuple[ModuleType, ...] = MODULES) -> dict[str, str]:
    """Return the docstrings of what the modules offer, by name."""
    found = {}
    for module in modules:
        for name in sorted(getattr(module, "__all__", dir(module))):
            text = inspect.getdoc(getattr(module, name, None))
            if text is not None and len(text) > 500:
                found[f"{module.__name__}.{name}"] = text
    return found


def main() -> None:
    texts = documents()
    counter = CountVectorizer(
        stop_words="english", token_pattern=r"[a-z]{3,}", min_df=5, max_df=0.3
    )
    counts = counter.fit_transform(texts.values())
    held = np.arange(len(texts)) % 10 == 0
    lda = LatentDirichletAllocation(
        12, doc_topic_prior=0.1, topic_word_prior=0.01, max_iter=300, n_workers=2, random_state=0
    ).fit(counts[~held])

    print(f"{counts.shape[0]} texts, {counts.shape[1]} words, {counts.sum()} tokens")
    for k, words in enumerate(lda.topic_words(8, counter.get_feature_names_out())):
        print(f"{k:3}  {' '.join(word for word, _ in words)}")

    shares = lda.transform(counts[held])
    for name, share in list(zip(np.array(list(texts))[held], shares, strict=True))[::20]:
        print(f"{name}: topic {share.argmax()} has {share.max():.0%}")
    last = lda.history_[-1]
    print(f"perplexity of texts held out {lda.perplexity(counts[held]):.0f}")
    print(f"log-likelihood a token {last['log_likelihood_per_token']:.3f}, "
          f"s-error {last['s_error']:.1e}")  # fmt: skip


if __name__ == "__main__":
    main()
