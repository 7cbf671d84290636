"""The estimator of latent Dirichlet allocation, for documents as counts of words."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import _fit_context

from strads.algorithms.common.fit_series import one_fit, one_update
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.topics.arguments import (
    CONSTRAINTS,
    accepts_unneeded,
    number_of_workers,
    refuse_unneeded,
)
from strads.algorithms.topics.beginning import going_on, priors, sample_nothing
from strads.algorithms.topics.counts.token_counts import demand_few, token_counts
from strads.algorithms.topics.model import TopicModel
from strads.algorithms.topics.progress import sample
from strads.algorithms.topics.sampler import Begin
from strads.algorithms.topics.sampler_choice import choose_sampler, sampler
from strads.datasets import MappedMatrix


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
        Number of topics, from 1 to 65,535.
    doc_topic_prior : float, default=None
        Prior α of each topic; None: 1 / n_components.
    topic_word_prior : float, default=None
        Prior β of each word; None: 1 / n_components.
    max_iter : int, default=200
        Number of sweeps. Gibbs sampling needs more of them than variational Bayes needs passes. On
        3,000 texts of uci-kos with 20 topics, the perplexity of other texts was 17 % above that of
        200 sweeps after 10, and 3 % after 50.
    init : {"random", "grouped"}, default="random"
        How the first topics are chosen. ``"random"``: uniformly at random. ``"grouped"``: in the
        first sweep the topic of a token is drawn given only the tokens before it, and depends more
        on the document than on the word. With long documents, the likelihood is then far ahead from
        the fifth sweep on. With short or very unequal documents, the first topics are too pure; the
        perplexity of other documents is up to some percent worse for a hundred sweeps.
    evaluate_every : int, default=10
        Number of sweeps between two evaluations of the joint likelihood; 0 or less: only after the
        last.
    perp_tol : float, default=None
        The fit stops early if ``exp(-log_likelihood_per_token)``, an upper bound of the perplexity
        of X, changes by less than this between two evaluations; None: never.
    mean_change_tol : float, default=1e-3
        The inference of a document's topics in ``transform``, ``perplexity`` and ``score`` ends
        when a pass over its words moves at most this share of its tokens between topics.
    max_doc_update_iter : int, default=100
        Largest number of such passes.
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
    n_jobs : int, default=None
        Another name of `n_workers`; -1: one worker a core. Only one of both may be given.
    verbose : int, default=0
        1: show how the fit goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    random_state : int, RandomState instance or None, default=None
        Seed; None means 0. With the same seed and number of workers, topics are equal bit for bit.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every sweep; a callable stops the fit by returning a true value.
    checkpoint : path or Checkpoint, optional
        Folder in which the fit saves itself after every step; a :class:`strads.Checkpoint` also
        says how often.
    resume_from : path, optional
        Folder of an earlier fit of the same, which goes on with the same bits. It may be that of
        `checkpoint`, and missing at first.
    on_interrupt : {"raise", "return"}, default="raise"
        At Ctrl-C the fit ends after the present step, keeps its model, and raises
        ``KeyboardInterrupt``, or returns with an :class:`strads.InterruptedWarning`. At the second
        Ctrl-C it ends at once.
    run_dir : path, optional
        New folder in which the fit writes what it does, and its model; see docs/run-folder.md. If
        it is called ``runs``, each fit makes a folder of its own in it.
    max_seconds : float, optional
        The fit ends after the step in which so many seconds are used up, and keeps what it has.
    warm_start : bool, default=False
        Whether ``fit`` on the same X continues from ``assignments_``: n sweeps followed by m sweeps
        then give the same result as n + m sweeps.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Topic–word counts plus prior, not normalised; computed at every access.
    doc_topic_ : ndarray of shape (n_samples, n_components)
        Topic shares of the documents that were fitted, (n_dk + α_k) / (N_d + Σα), from the topics
        that were sampled last. Computed at every access, in one pass over ``assignments_``: to have
        the topics of training documents, this needs no inference. After ``partial_fit`` they are
        those of its documents. ``transform(X)`` infers the topics of the same documents anew, so
        that its shares have not the noise of one sample; it costs as much as about six sweeps.
    topic_counts_ : ndarray of int32, shape (n_features, n_components)
        Number of tokens of each word in each topic.
    assignments_ : ndarray of uint16, shape (tokens,)
        Topic of every token of X, document by document, in each by ascending column; a count of c
        is c tokens.
    doc_lengths_ : ndarray of int64, shape (n_samples,)
        Number of tokens of every document of X.
    doc_topic_prior_ : ndarray of shape (n_components,)
        Prior α, after optimisation if there was any.
    topic_word_prior_ : float
        Prior β, after optimisation if there was any.
    n_iter_ : int
        Number of sweeps that have led to ``assignments_``.
    history_ : list of dict
        Figures of every sweep: ``s_error``, the mean over workers and rounds of
        ``Σ_k |copy − truth| / tokens`` for the topic totals; and, if it was evaluated,
        ``log_likelihood_per_token``, log p(w, z) divided by the number of tokens of X.
    bound_ : float
        Upper bound of the perplexity of X, exp(−log p(w, z) / tokens) at the last evaluation: p(w)
        is at least p(w, z). NaN if nothing was evaluated.
    exp_dirichlet_component_ : ndarray of shape (n_components, n_features)
        exp(E[ln φ]) given the topics of all tokens; computed at every access.
    dtype_ : {"float32", "float64"}
        Type of ``components_`` and of all topic shares: single precision if X was.
    seed_ : int
        Seed of the last fit; ``perplexity`` and ``score`` split tokens by it.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    See Also
    --------
    sklearn.decomposition.LatentDirichletAllocation : The same model by variational Bayes.

    Notes
    -----
    The arguments `learning_method`, `learning_decay`, `learning_offset`, `batch_size` and
    `total_samples` of scikit-learn's class are accepted, and ignored with a warning: topics are
    updated after every token, so there are neither mini-batches nor a step size. They are no
    parameters, so ``set_params`` and searches over them refuse them.

    Entries of X are counts of tokens, so they must be whole numbers, of whatever type. The tag
    ``categorical`` says so to scikit-learn's checks.

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
    array([20., 20.])
    >>> lda.doc_topic_.shape
    (40, 2)
    """

    _in_files: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    @accepts_unneeded
    def __init__(
        self, n_components: int = 10, *, doc_topic_prior: float | None = None,
        topic_word_prior: float | None = None, max_iter: int = 200, init: str = "random",
        evaluate_every: int = 10, perp_tol: float | None = None, mean_change_tol: float = 1e-3,
        max_doc_update_iter: int = 100, sampler: str = "auto", syncs_per_sweep: int | None = None,
        optimize_priors: bool = False, n_workers: int | None = None, n_jobs: int | None = None,
        verbose: int = 0, random_state: Any = None, callbacks: Any = None,
        checkpoint: Any = None, resume_from: Any = None, on_interrupt: str = "raise",
        warm_start: bool = False, run_dir: Any = None, max_seconds: float | None = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.doc_topic_prior = doc_topic_prior
        self.topic_word_prior = topic_word_prior
        self.max_iter = max_iter
        self.init = init
        self.evaluate_every = evaluate_every
        self.perp_tol = perp_tol
        self.mean_change_tol = mean_change_tol
        self.max_doc_update_iter = max_doc_update_iter
        self.sampler = sampler
        self.syncs_per_sweep = syncs_per_sweep
        self.optimize_priors = optimize_priors
        self.n_workers = n_workers
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.run_dir = run_dir
        self.max_seconds = max_seconds
        self.warm_start = warm_start

    def set_params(self, **params: Any) -> Self:
        """Set parameters; see scikit-learn's ``BaseEstimator.set_params``."""
        refuse_unneeded(type(self).__name__, params)
        return super().set_params(**params)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Sample topics for the tokens of X.

        Parameters
        ----------
        X : {sparse matrix, array, MappedMatrix} of shape (n_samples, n_features)
            Counts of words in documents: whole numbers. Documents may be empty. Counts that stay in
            their files have to be there by rows; see docs/larger-than-memory.md.
        y : None
            Ignored.

        Returns
        -------
        LatentDirichletAllocation
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range; if an entry of X is not a count, or X has too many
            tokens; or if `warm_start` is set and X or `n_components` does not match the last fit.

        Warns
        -----
        UserWarning
            If X has no token at all.
        """
        with one_fit(self, longer=True, told=(X, y)):
            resumes = self.warm_start and hasattr(self, "assignments_")
            if resumes and isinstance(X, MappedMatrix):
                raise ValueError(
                    "warm_start=True: counts that stay in a file cannot be compared with those of "
                    "the last fit; give checkpoint=… and resume_from=…, or warm_start=False"
                )
            X = token_counts(self, X, reset=not resumes)
            if not resumes:
                self.history_: list[dict[str, float]] = []
                self._sample(X, *priors(self), Begin(grouped=self.init == "grouped"))
                return self
            begin = going_on(self, X)
            self._sample(X, self.doc_topic_prior_, self.topic_word_prior_, begin)
            return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Sample topics for further documents by `max_iter` sweeps.

        The counts of earlier documents remain in the topics, and their tokens are not sampled
        again. ``assignments_`` then holds the topics of the tokens of X.

        Parameters
        ----------
        X : {sparse matrix, array, MappedMatrix} of shape (n_samples, n_features)
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
            If an entry of X is not a count, X has too many tokens, or `n_components` differs from
            the fitted number of topics.
        """
        if not hasattr(self, "topic_counts_"):
            return self.fit(X)
        X = token_counts(self, X)
        if self._n_features_out != self.n_components:
            raise ValueError(
                f"n_components={self.n_components}, but {self._n_features_out} topics were fitted; "
                f"set n_components={self._n_features_out}, or start again with fit()"
            )
        with one_update(self, steps=int(self.max_iter), told=(X, y)):
            begin = Begin(base=self.topic_counts_)
            self._sample(X, self.doc_topic_prior_, self.topic_word_prior_, begin)
            return self

    def _sample(self, X: Any, alpha: np.ndarray, beta: float, begin: Begin) -> None:
        tokens = demand_few(X, begin.base)
        lengths, k = np.asarray(X.sum(axis=1, dtype=np.int64)).ravel(), int(self.n_components)
        workers = number_of_workers(self.n_workers, self.n_jobs, tokens)
        seed = seed_of(self.random_state)
        if tokens == 0:
            sample_nothing(self, X.shape[1], alpha, beta, begin)
            self.seed_, self.doc_lengths_ = seed, lengths
            return
        name, reason = self.sampler, "given by the user"
        if name == "auto":
            name, reason = choose_sampler(lengths, k)
        program = sampler(name, int(lengths.max()))(
            X=X, topics=k, workers=workers, alpha=alpha, beta=beta, seed=seed,
            rounds=self.syncs_per_sweep, optimize=bool(self.optimize_priors), begin=begin,
            evaluate=(int(self.evaluate_every), begin.sweeps + int(self.max_iter)),
        )  # fmt: skip
        sample(self, program, seed, f"{name}: {reason}", self.perp_tol)
        self.seed_, self.doc_lengths_ = seed, lengths
