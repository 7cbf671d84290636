"""Ours, by both methods; topics without labels and a linear SVM on them; an SVM on tf-idf."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.medlda.data import Labelled

#: Sum of the priors of the topics of a document, and the prior of a word: those of the original.
ALPHA, BETA = 6.4, 0.01
#: What the original calls c = 1.6 and ℓ = 64: its loss is 2c max(0, ℓ − …).
COST, MARGIN = 3.2, 64.0
#: Costs among which the linear SVMs choose by three folds of the training documents.
COSTS = (0.03, 0.1, 0.3, 1.0, 3.0)

Found = dict[str, Any]


def fitted(model: Any, data: Labelled) -> Found:
    """Fit, predict, and tell how that went."""
    since = time.perf_counter()
    model.fit(data.X, data.y)
    seconds = time.perf_counter() - since
    since = time.perf_counter()
    right = float(np.mean(model.predict(data.test) == data.truth))
    return {"seconds": seconds, "predicting": time.perf_counter() - since, "accuracy": right}


def medlda(data: Labelled, topics: int, sweeps: int, seed: int, workers: int, method: str) -> Found:
    """Ours."""
    from strads import MedLDA

    ends: list[float] = []
    model = MedLDA(
        topics, C=COST, margin=MARGIN, method=method, doc_topic_prior=ALPHA / topics,
        topic_word_prior=BETA, max_iter=sweeps, evaluate_every=0, n_workers=workers,
        random_state=seed, callbacks=lambda step: ends.append(step.seconds),
    )  # fmt: skip
    found = fitted(model, data)
    # The first sweep waits for processes to begin; the last one has the figures.
    sweep = float(np.median(np.diff(ends)[:-1])) if len(ends) > 3 else float("nan")
    last = model.history_[-1]
    return found | {"sweep": sweep, "s_error": last["s_error"], "hinge_loss": last["hinge_loss"],
                    "likelihood": last["log_likelihood_per_token"]}  # fmt: skip


def topics_and_svm(
    data: Labelled, topics: int, sweeps: int, seed: int, workers: int, method: str
) -> Found:
    """LDA without labels, and scikit-learn's linear SVM on the topic shares."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler

    from strads import LatentDirichletAllocation

    lda = LatentDirichletAllocation(
        topics, doc_topic_prior=ALPHA / topics, topic_word_prior=BETA, max_iter=sweeps,
        evaluate_every=0, n_workers=workers, random_state=seed,
    )  # fmt: skip
    return fitted(make_pipeline(lda, MaxAbsScaler(), chosen_svm(data)), data)


def svm(data: Labelled, topics: int, sweeps: int, seed: int, workers: int, method: str) -> Found:
    """scikit-learn's linear SVM on tf-idf of the same words."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.pipeline import make_pipeline

    return fitted(make_pipeline(TfidfTransformer(sublinear_tf=True), chosen_svm(data)), data)


def chosen_svm(data: Labelled) -> Any:
    """A linear SVM that chooses its cost by cross-validation."""
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import LinearSVC

    return GridSearchCV(LinearSVC(), {"C": COSTS}, cv=3)


#: Name → function and method.
SOLVERS: dict[str, tuple[Callable[..., Found], str]] = {
    "medlda": (medlda, "dual"),
    "gibbs": (medlda, "gibbs"),
    "topics+svm": (topics_and_svm, ""),
    "tfidf+svm": (svm, ""),
}
