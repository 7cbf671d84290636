"""The estimator of latent Dirichlet allocation, for documents as counts of words."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.topics.model import TopicModel
from strads.algorithms.topics.sampler import Begin
from strads.algorithms.topics.sampler_choice import choose_sampler, sampler
from strads.algorithms.topics.token_counts import token_counts
from strads.engine import default_engine
from strads.kernels.topics.words import NONE


class LatentDirichletAllocation(TopicModel):
    """Latent Dirichlet allocation by collapsed Gibbs sampling.

    A document is a mixture of topics, and a topic is a distribution over words: θ_d ~ Dirichlet(α),
    φ_k ~ Dirichlet(β). The topic of every token is drawn from θ_d, and its word from φ of that
    topic (Blei, Ng and Jordan, JMLR 2003). A sweep draws the topic of every token given the topics
    of all other tokens (Griffiths and Steyvers, PNAS 2004). With several workers, each worker has
    its own documents and, in turn, its own words. Only the totals of the topics are shared; a
    worker's copy of them is out of date by at most a round, and ``s_error`` measures the
    difference.

    Parameters
    ----------
    n_components : int, default=10
        Number of topics, from 2 to 65,535.
    doc_topic_prior : float, default=None
        Prior α of each topic; None: 1 / n_components.
    topic_word_prior : float, default=None
        Prior β of each word; None: 1 / n_components.
    max_iter : int, default=200
        Number of sweeps.
    init : {"random", "grouped"}, default="random"
        How the first topics are chosen. ``"random"``: uniformly at random. ``"grouped"``: in the
        first sweep the topic of a token is drawn given only the tokens before it, and depends more
        on the document than on the word. With long documents, the likelihood is then far ahead from
        the fifth sweep on. With short or very unequal documents, the first topics are too pure; the
        perplexity of other documents is up to some percent worse for a hundred sweeps.
    evaluate_every : int, default=10
        Number of sweeps between two evaluations of the joint likelihood; 0: only after the last.
    sampler : {"auto", "dense", "sparse"}, default="auto"
        ``"dense"`` computes the weights of all topics for a token; ``"sparse"`` those of the topics
        in its document, and a sum for the rest. Both draw from the same distribution. ``"auto"``
        chooses the faster one by the numbers of topics and tokens.
    syncs_per_sweep : int, default=None
        Number of times that workers exchange totals in a sweep, at least once for each worker; the
        vocabulary is cut into as many slices. More exchanges make the s-error smaller and cost a
        few microseconds each. None: up to twice the number of workers, fewer for small corpora.
    optimize_priors : bool, default=False
        Whether to fit α (one for each topic) and β every 10 sweeps, from the 20th sweep on.
    n_workers : int, default=None
        Number of logical workers; None: one for small corpora, else one a core.
    random_state : int, RandomState instance or None, default=None
        Seed; None means 0. With the same seed and number of workers, topics are equal bit for bit.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every sweep; a callable stops the fit by returning a true value.
    warm_start : bool, default=False
        Whether ``fit`` on the same X continues from ``assignments_``: n sweeps followed by m sweeps
        then give the same result as n + m sweeps.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Topic–word counts plus prior, not normalised.
    topic_counts_ : ndarray of int32, shape (n_features, n_components)
        Number of tokens of each word in each topic.
    assignments_ : ndarray of uint16, shape (tokens,)
        Topic of every token of X, document by document, in each by ascending column; a count of c
        is c tokens.
    doc_topic_prior_ : ndarray of shape (n_components,)
        Prior α, after optimisation if there was any.
    topic_word_prior_ : float
        Prior β, after optimisation if there was any.
    n_iter_ : int
        Number of sweeps that have led to ``assignments_``.
    history_ : list of dict
        Figures of every sweep: ``s_error``, the mean over workers and rounds of
        Σ_k |copy − truth| / tokens for the topic totals; and, if it was evaluated,
        ``log_likelihood_per_token``, log p(w, z) divided by the number of tokens of X.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    See Also
    --------
    sklearn.decomposition.LatentDirichletAllocation : The same model by variational Bayes.

    References
    ----------
    Blei, Ng, Jordan. Latent Dirichlet allocation. JMLR 3, 2003.
    Griffiths, Steyvers. Finding scientific topics. PNAS 101, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import LatentDirichletAllocation
    >>> X = np.kron(np.eye(2, dtype=int), np.full((20, 5), 3))
    >>> lda = LatentDirichletAllocation(2, max_iter=20, random_state=0).fit(X)
    >>> lda.transform(X).round().sum(axis=0)
    array([20., 20.], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 2, NONE, closed="both")],
        "doc_topic_prior": [Interval(Real, 0, None, closed="neither"), None],
        "topic_word_prior": [Interval(Real, 0, None, closed="neither"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"random", "grouped"})],
        "evaluate_every": [Interval(Integral, 0, None, closed="left")],
        "sampler": [StrOptions({"auto", "dense", "sparse"})],
        "syncs_per_sweep": [Interval(Integral, 1, None, closed="left"), None],
        "optimize_priors": ["boolean"],
        "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
        "random_state": ["random_state"],
        "callbacks": CALLBACKS,
        "warm_start": ["boolean"],
    }

    def __init__(
        self, n_components: int = 10, *, doc_topic_prior: float | None = None,
        topic_word_prior: float | None = None, max_iter: int = 200, init: str = "random",
        evaluate_every: int = 10, sampler: str = "auto", syncs_per_sweep: int | None = None,
        optimize_priors: bool = False, n_workers: int | None = None, random_state: Any = None,
        callbacks: Any = None, warm_start: bool = False,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.doc_topic_prior = doc_topic_prior
        self.topic_word_prior = topic_word_prior
        self.max_iter = max_iter
        self.init = init
        self.evaluate_every = evaluate_every
        self.sampler = sampler
        self.syncs_per_sweep = syncs_per_sweep
        self.optimize_priors = optimize_priors
        self.n_workers = n_workers
        self.random_state = random_state
        self.callbacks = callbacks
        self.warm_start = warm_start

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Sample topics for the tokens of X.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Counts of words in documents: whole numbers. Documents may be empty.
        y : None
            Ignored.

        Returns
        -------
        LatentDirichletAllocation
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range; if an entry of X is not a count, or X has no token or
            too many; or if `warm_start` is set and X or `n_components` does not match the last fit.
        """
        resumes = self.warm_start and hasattr(self, "assignments_")
        X = token_counts(self, X, reset=not resumes)
        if not resumes:
            self.history_: list[dict[str, float]] = []
            self._sample(X, *self._priors(), Begin(grouped=self.init == "grouped"))
            return self
        if X.sum() != len(self.assignments_) or self._n_features_out != self.n_components:
            raise ValueError(
                f"warm_start=True: X has {X.sum()} tokens and n_components is "
                f"{self.n_components}, but {len(self.assignments_)} tokens were fitted with "
                f"{self._n_features_out} topics; give the same, or set warm_start=False"
            )
        base = self.topic_counts_ - counted(X, self.assignments_, self.topic_counts_.shape)
        if base.min() < 0:
            word = int(np.argmax(base.min(axis=1) < 0))
            raise ValueError(
                f"warm_start=True: X has more tokens in column {word} than were fitted there with "
                "the same topics; give the X that was fitted, or set warm_start=False"
            )
        begin = Begin(self.assignments_, base if base.any() else None, self.n_iter_)
        self._sample(X, self.doc_topic_prior_, self.topic_word_prior_, begin)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Sample topics for further documents by `max_iter` sweeps.

        The counts of earlier documents remain in the topics, and their tokens are not sampled
        again. ``assignments_`` then holds the topics of the tokens of X.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Counts of words in the further documents.
        y : None
            Ignored.

        Returns
        -------
        LatentDirichletAllocation
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If an entry of X is not a count, X has no token or too many, or `n_components` differs
            from the fitted number of topics.
        """
        if not hasattr(self, "topic_counts_"):
            return self.fit(X)
        X = token_counts(self, X)
        if self._n_features_out != self.n_components:
            raise ValueError(
                f"n_components={self.n_components}, but {self._n_features_out} topics were fitted; "
                f"set n_components={self._n_features_out}, or start again with fit()"
            )
        begin = Begin(base=self.topic_counts_)
        self._sample(X, self.doc_topic_prior_, self.topic_word_prior_, begin)
        return self

    def _priors(self) -> tuple[np.ndarray, float]:
        k = int(self.n_components)
        alpha = 1.0 / k if self.doc_topic_prior is None else float(self.doc_topic_prior)
        beta = 1.0 / k if self.topic_word_prior is None else float(self.topic_word_prior)
        return np.full(k, alpha), beta

    def _sample(self, X: Any, alpha: np.ndarray, beta: float, begin: Begin) -> None:
        tokens = int(X.sum(dtype=np.int64))
        if not 0 < tokens < 2**31:
            raise ValueError(
                f"X holds {tokens} tokens: there must be at least one, and fewer than 2^31"
            )
        before = 0 if begin.base is None else int(begin.base.sum(dtype=np.int64))
        if before + tokens >= 2**31:
            raise ValueError(
                f"X holds {tokens} tokens, and {before} were fitted before: together there must be "
                "fewer than 2^31; give fewer documents, or start again with fit()"
            )
        lengths, k = np.asarray(X.sum(axis=1)).ravel(), int(self.n_components)
        name, reason = self.sampler, "given by the user"
        if name == "auto":
            name, reason = choose_sampler(lengths, k)
        workers = workers_for(self.n_workers, tokens)
        seed, sweeps = seed_of(self.random_state), int(self.max_iter)
        program = sampler(name, int(lengths.max()))(
            X=X, topics=k, workers=workers, alpha=alpha, beta=beta, seed=seed,
            rounds=self.syncs_per_sweep, optimize=bool(self.optimize_priors), begin=begin,
            evaluate=(int(self.evaluate_every), begin.sweeps + sweeps),
        )  # fmt: skip
        with default_engine().iterate(
            program, workers=workers, epochs=sweeps, partition=program.partition(), seed=seed,
            instruments=self.callbacks,
        ) as steps:  # fmt: skip
            for _ in steps:
                pass
            self.assignments_ = program.assignments()
            self.topic_counts_ = program.topic_counts()
            self.doc_topic_prior_ = program.alpha[0, :k].astype(np.float64)
            self.topic_word_prior_ = float(program.beta)
            self.history_ = self.history_ + steps.history
            self.n_iter_ = begin.sweeps + len(steps.history)
            self.statistics_ = steps.statistics()
        self.statistics_["reasons"] |= {"sampler": f"{name}: {reason}"}


def counted(X: Any, assignments: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Count the topics of tokens, given in the order of X; return an array words × topics."""
    words, topics = shape
    columns = np.repeat(X.indices, X.data).astype(np.int64)
    counts = np.bincount(columns * topics + assignments, minlength=words * topics)
    return counts.reshape(shape).astype(np.int32)
