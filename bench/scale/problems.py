"""The fits: generated data, the estimator, when it is done, and what judges its answer."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from bench.lasso.judge import judge as judge_lasso
from bench.mpi.__main__ import problem as generated
from bench.topics import judge as judge_topics

#: Share by which several workers may miss the error that one worker has reached.
SLACK = 1e-3


@dataclass(frozen=True)
class Problem:
    """A fit to be repeated with other numbers of workers.

    Attributes
    ----------
    name, size : str
    data, held : tuple
        What ``fit`` gets, and what the judge needs besides.
    parameters : dict
        Of the estimator.
    figure : str
        What ``history_`` says after each epoch that tells whether the fit is done; empty if the
        estimator ends by itself.
    most : int
        Epochs of one worker, whose figure the others have to reach.
    some : int
        Epochs that ranks make, to be counted and timed.
    """

    name: str
    size: str
    data: tuple[Any, ...]
    held: tuple[Any, ...]
    parameters: dict[str, Any]
    figure: str = ""
    most: int = 0
    some: int = 2

    def fit(self, workers: int, **more: Any) -> Any:
        """Fit with so many workers of a rank."""
        import strads

        kind = {
            "Lasso": strads.Lasso, "MF": strads.MatrixFactorization,
            "LDA": strads.LatentDirichletAllocation,
        }[self.name]  # fmt: skip
        watched = more.pop("watched", False)
        held = {"validation": self.held[0]} if watched and self.name == "MF" else {}
        if self.name == "LDA":
            more["evaluate_every"] = 1 if watched else 0
        return kind(**self.parameters, n_workers=workers, **more).fit(*self.data, **held)

    def reached(self, workers: int, goal: float | None) -> tuple[int | None, float]:
        """Return the epochs until a figure is reached, None if it is not; and the last figure.

        Without a goal, those of one worker are taken as they are.
        """
        longest = {"max_iter": self.most if goal is None else self.most + self.most // 2}
        model = self.fit(workers, watched=True, **longest)
        path = np.array([step[self.figure] for step in model.history_ if self.figure in step])
        if goal is None:
            return self.most, float(path[-1])
        good = path >= goal - SLACK if self.figure.startswith("log") else path <= goal + SLACK
        return (int(np.argmax(good)) + 1 if good.any() else None), float(path[-1])

    def judged(self, model: Any) -> float:
        """Return the duality gap, the held-out error, or the perplexity of held-out words."""
        if self.name == "Lasso":
            alpha = self.parameters["alpha"]
            return judge_lasso(*self.data, model.coef_, model.intercept_, alpha=alpha).gap
        if self.name == "MF":
            return _error(model, self.held[0])
        seen, hidden = self.held
        phi = model.components_ / model.components_.sum(axis=1, keepdims=True)
        return judge_topics.perplexity(judge_topics.proportions(phi, seen), phi, hidden)


def digest(model: Any) -> int:
    """Return a check sum of the bits of an answer."""
    names = ("coef_", "user_factors_", "item_factors_", "components_")
    found = [getattr(model, name) for name in names if hasattr(model, name)]
    return zlib.crc32(b"".join(np.ascontiguousarray(array).tobytes() for array in found))


def problems(scale: float, names: Sequence[str]) -> list[Problem]:
    """Return the fits of some names; `scale` multiplies samples, users, documents and features."""
    makers = {"Lasso": _lasso, "MF": _factors, "LDA": _topics}
    return [makers[name](scale) for name in names]


def _lasso(scale: float) -> Problem:
    X, y = generated("lasso", 0.2 * scale)
    alpha = float(np.abs(X.T @ (y - y.mean())).max()) / len(y) / 50
    size = f"{X.shape[0]:,} samples, {X.shape[1]:,} features, {X.nnz:,} entries"
    return Problem("Lasso", size, (X, y), (), {"alpha": alpha, "tol": 1e-6})


def _factors(scale: float) -> Problem:
    """Return stars from planted factors of rank 8; a tenth of the ratings is held out."""
    rng = np.random.default_rng(1)
    users, items, each = max(60, int(20_000 * scale)), max(30, int(4_000 * scale)), 80
    each = min(each, items // 3)
    user = np.repeat(np.arange(users), each)
    item = (items * rng.random(users * each) ** 2).astype(np.int64)
    pair = np.unique(user * items + item)
    user, item = pair // items, pair % items
    W, H = (rng.standard_normal((n, 8)) / 8**0.25 for n in (users, items))
    stars = 3.5 + np.einsum("ij,ij->i", W[user], H[item]) + 0.5 * rng.standard_normal(len(user))
    stars = np.clip(np.rint(stars), 1, 5)
    apart = rng.random(len(user)) < 0.1
    train, held = (
        sp.csr_array((stars[part], (user[part], item[part])), shape=(users, items))
        for part in (~apart, apart)
    )
    size = f"{users:,} users, {items:,} items, {train.nnz:,} ratings, rank 16"
    parameters = {"n_components": 16, "solver": "sgd", "tol": 0.0, "random_state": 0}
    return Problem("MF", size, (train,), (held,), parameters, "validation_rmse", 10)


def _topics(scale: float) -> Problem:
    """Return documents of planted topics; half of the words of a tenth of them are held out."""
    rng = np.random.default_rng(2)
    documents, words = max(100, int(6_000 * scale)), max(100, int(5_000 * scale))
    topics = 50 if scale >= 0.1 else 5
    common = 1.0 / np.arange(3, words + 3)
    phi = rng.dirichlet(0.05 * words * common / common.sum(), topics)
    theta = rng.dirichlet(np.full(topics, judge_topics.ALPHA), documents)
    parts = [rng.multinomial(120, some @ phi).astype(np.int32)
             for some in np.array_split(theta, max(1, documents // 500))]  # fmt: skip
    counts = sp.vstack([sp.csr_matrix(part) for part in parts], format="csr")
    train, apart = counts[: documents - documents // 10], counts[documents - documents // 10 :]
    seen = apart.copy()
    seen.data = rng.binomial(apart.data, 0.5).astype(np.int32)
    hidden = sp.csr_matrix(apart - seen)
    seen.eliminate_zeros()
    size = f"{train.shape[0]:,} documents, {words:,} words, {train.sum():,} tokens, {topics} topics"
    parameters = {
        "n_components": topics, "doc_topic_prior": judge_topics.ALPHA,
        "topic_word_prior": judge_topics.ETA, "random_state": 0,
    }  # fmt: skip
    figure = "log_likelihood_per_token"
    return Problem("LDA", size, (sp.csr_array(train),), (seen, hidden), parameters, figure, 40)


def _error(model: Any, held: Any) -> float:
    """Root mean squared error of ratings, computed from factors and biases alone."""
    known = held.tocoo()
    W, H = np.float64(model.user_factors_), np.float64(model.item_factors_)
    found = float(model.global_mean_) + np.einsum("ij,ij->i", W[known.row], H[known.col])
    found += np.float64(model.user_biases_)[known.row] + np.float64(model.item_biases_)[known.col]
    return float(np.sqrt(np.mean((found - known.data) ** 2)))
