"""The estimator of topics that tell the labels of documents apart."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.topics.arguments import CONSTRAINTS, number_of_workers
from strads.algorithms.topics.beginning import demand_fitted, priors, sample_nothing
from strads.algorithms.topics.counts.token_counts import counted, demand_few, token_counts
from strads.algorithms.topics.progress import sample
from strads.algorithms.topics.sampler import Begin
from strads.algorithms.topics.sampler_choice import wide_enough
from strads.algorithms.topics.supervised.choice import choose
from strads.algorithms.topics.supervised.classifier import TopicClassifier
from strads.algorithms.topics.supervised.labels import Labels, labels_of
from strads.algorithms.topics.supervised.sampler import Supervision

#: Parameters that have the ranges of those of the plain topic model.
SHARED = (
    "n_components", "doc_topic_prior", "topic_word_prior", "max_iter", "evaluate_every", "sampler",
    "syncs_per_sweep", "mean_change_tol", "max_doc_update_iter", "n_workers", "n_jobs", "verbose",
    "random_state", "callbacks", "checkpoint", "resume_from", "on_interrupt", "run_dir",
    "max_seconds", "warm_start",
)  # fmt: skip


class MedLDA(TopicClassifier):
    """Topics of labelled documents, such that the shares of the topics tell the labels apart.

    Latent Dirichlet allocation, and a linear support vector machine for each label on the topic
    shares z̄_d = n_d / N_d of the documents; both are fitted together, so that the labels decide
    which topics there are (Zhu, Ahmed and Xing, JMLR 2012). With t_dy = ±1 for the labels, the
    prior η_y ~ N(0, I) and the joint density p(w, z) of words and topics, a fit looks for topics z
    and weights η with a large

        ln p(w, z) − ½ Σ_y ‖η_y‖² − C Σ_dy max(0, margin − t_dy η_yᵀz̄_d).

    Parameters
    ----------
    n_components : int, default=20
        Number of topics, from 1 to 65,535. More than there are classes is best.
    C : float, default=3.2
        Cost of a unit by which a label misses the margin; see ``margin``.
    margin : float, default=64.0
        Score that the right labels should reach. The larger `margin` and `C`, the stronger is what
        a label says about the topic of a token, in comparison with what the words say.
    method : {"dual", "gibbs"}, default="dual"
        ``"dual"``: between two sweeps over the tokens, the weights η are improved by coordinate
        descent on the dual problems, and labels act on the tokens through the dual variables. This
        is a stochastic EM algorithm: fast, but no sampler of a posterior. ``"gibbs"``: auxiliary
        variables, topics and weights are drawn in turn, each from its distribution given all else
        (Zhu, Chen, Perkins and Zhang, JMLR 2014). With one worker this samples the density above;
        with several, each worker's totals of the topics are out of date by at most a round, as in
        `LatentDirichletAllocation`. A token takes a time proportional to `n_components` times the
        number of labels, and a sweep n_components³ for every label: for small sets of labels.
    dual_iter : int, default=3
        Number of passes over all documents for each label, in every sweep of ``"dual"``.
    doc_topic_prior : float, default=None
        Prior α of each topic; None: 1 / n_components.
    topic_word_prior : float, default=None
        Prior β of each word; None: 1 / n_components.
    max_iter : int, default=50
        Number of sweeps.
    evaluate_every : int, default=10
        Number of sweeps between two evaluations of the likelihood and the hinge loss; 0 or less:
        only after the last.
    mean_change_tol : float, default=1e-3
        The inference of a new document's topics ends when a pass over its words moves at most this
        share of its tokens between topics.
    max_doc_update_iter : int, default=100
        Largest number of such passes.
    sampler : {"auto", "dense", "sparse"}, default="auto"
        How topics are drawn, as in `LatentDirichletAllocation`; ``method="gibbs"`` is dense.
    syncs_per_sweep : int, default=None
        Number of times that workers exchange totals in a sweep; None: up to twice their number.
    n_workers : int, default=None
        Number of logical workers; None: one for small corpora, else one a core. Labels are shared
        out among the workers, too.
    n_jobs : int, default=None
        Another name of `n_workers`; -1: one worker a core. Only one of both may be given.
    verbose : int, default=0
        1: show how the fit goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    random_state : int, RandomState instance or None, default=None
        Seed; None means 0. With the same seed and number of workers, results are equal bit for bit.
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
        Whether ``fit`` on the same X continues from ``assignments_`` and ``coef_``: n sweeps
        followed by m sweeps then give the same result as n + m sweeps.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; of an indicator, the numbers of its columns.
    coef_ : ndarray of shape (n_classes, n_components), or (1, n_components) for two classes
        Weights η of the topics for each label. After ``method="gibbs"``, those drawn last.
    dual_coef_ : ndarray of float32, shape (n_samples, n_classes)
        Dual variables of the documents and labels, from 0 to C; of ``method="dual"`` only. Where
        one is zero, the label is right by the margin and had no influence on the last topics.
    multilabel_ : bool
        Whether y was an indicator of several labels a document.
    components_ : ndarray of shape (n_components, n_features)
        Topic–word counts plus prior, not normalised; computed at every access.
    doc_topic_ : ndarray of shape (n_samples, n_components)
        Topic shares of the documents that were fitted, from the topics that were drawn last, which
        their labels have influenced. ``transform`` infers shares from words only.
    topic_counts_ : ndarray of int32, shape (n_features, n_components)
        Number of tokens of each word in each topic.
    assignments_ : ndarray of uint16, shape (tokens,)
        Topic of every token of X, document by document, in each by ascending column.
    doc_lengths_ : ndarray of int64, shape (n_samples,)
        Number of tokens of every document of X.
    doc_topic_prior_ : ndarray of shape (n_components,)
        Prior α.
    topic_word_prior_ : float
        Prior β.
    n_iter_ : int
        Number of sweeps that have led to ``assignments_``.
    history_ : list of dict
        Figures of every sweep: ``s_error``, as in `LatentDirichletAllocation`; and, if they were
        evaluated, ``log_likelihood_per_token``, ln p(w, z) divided by the number of tokens, and
        ``hinge_loss``, the mean of max(0, margin − t η_yᵀz̄_d) over documents and labels.
    bound_ : float
        exp(−log p(w, z) / tokens) at the last evaluation.
    exp_dirichlet_component_ : ndarray of shape (n_components, n_features)
        exp(E[ln φ]) given the topics of all tokens; computed at every access.
    dtype_ : {"float32", "float64"}
        Type of ``components_`` and of all topic shares: single precision if X was.
    seed_ : int
        Seed of the last fit.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    See Also
    --------
    LatentDirichletAllocation : Topics of documents without labels.
    LinearSVC : Without topics; on texts with a large vocabulary it usually is more accurate.

    Notes
    -----
    Of C and margin, only two combinations matter: weights that are s times as large give the same
    decisions, so (C, margin) fits the support vector machine of (C / margin, 1), and the strength
    of the labels grows with C · margin. A document of N tokens feels at most C η_yk / N a label in
    the exponent of topic k.

    References
    ----------
    Zhu, Ahmed, Xing. MedLDA: Maximum margin supervised topic models. JMLR 13, 2012.
    Zhu, Chen, Perkins, Zhang. Gibbs max-margin topic models with data augmentation. JMLR 15, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import MedLDA
    >>> X = np.kron(np.eye(3, dtype=int), np.full((20, 5), 3))
    >>> y = np.repeat(["green", "red", "white"], 20)
    >>> model = MedLDA(3, max_iter=20, random_state=0).fit(X, y)
    >>> float(model.score(X, y))
    1.0
    >>> [sorted(word for word, _ in topic) for topic in model.topic_words(5, label="red")]
    [[5, 6, 7, 8, 9]]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{name: CONSTRAINTS[name] for name in SHARED},
        "C": [Interval(Real, 0, None, closed="neither")],
        "margin": [Interval(Real, 0, None, closed="neither")],
        "method": [StrOptions({"dual", "gibbs"})],
        "dual_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self, n_components: int = 20, *, C: float = 3.2, margin: float = 64.0,
        method: str = "dual", dual_iter: int = 3, doc_topic_prior: float | None = None,
        topic_word_prior: float | None = None, max_iter: int = 50, evaluate_every: int = 10,
        mean_change_tol: float = 1e-3, max_doc_update_iter: int = 100, sampler: str = "auto",
        syncs_per_sweep: int | None = None, n_workers: int | None = None,
        n_jobs: int | None = None, verbose: int = 0, random_state: Any = None,
        callbacks: Any = None, checkpoint: Any = None, resume_from: Any = None,
        on_interrupt: str = "raise", warm_start: bool = False, run_dir: Any = None,
        max_seconds: float | None = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.C = C
        self.margin = margin
        self.method = method
        self.dual_iter = dual_iter
        self.doc_topic_prior = doc_topic_prior
        self.topic_word_prior = topic_word_prior
        self.max_iter = max_iter
        self.evaluate_every = evaluate_every
        self.mean_change_tol = mean_change_tol
        self.max_doc_update_iter = max_doc_update_iter
        self.sampler = sampler
        self.syncs_per_sweep = syncs_per_sweep
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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any) -> Self:
        """Sample topics for the tokens of X, and find weights for the labels.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Counts of words in documents: whole numbers. Documents may be empty.
        y : array-like of shape (n_samples,), or {array, sparse matrix} (n_samples, n_classes)
            The label of every document, or an indicator: 1 where a document has a label, else 0.

        Returns
        -------
        MedLDA
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range; if an entry of X is not a count, or X has too many
            tokens; if y holds no labels or only one class; or if `warm_start` is set and X, y or
            `n_components` does not match the last fit.

        Warns
        -----
        UserWarning
            If X has no token at all.
        """
        with one_fit(self, y, longer=True, told=(X, y)):
            resumes = self.warm_start and hasattr(self, "assignments_")
            X = token_counts(self, X, reset=not resumes)
            labels = labels_of(type(self).__name__, X, y)
            if resumes:
                self._demand_same(X, labels)
                begin = Begin(self.assignments_, None, self.n_iter_)
            else:
                self.history_: list[dict[str, float]] = []
                self.classes_, self.multilabel_ = labels.classes, labels.several
                begin = Begin()
            self._sample(X, labels, begin)
            return self

    def _sample(self, X: Any, labels: Labels, begin: Begin) -> None:
        tokens, k = demand_few(X, None), int(self.n_components)
        lengths = np.asarray(X.sum(axis=1, dtype=np.int64)).ravel()
        seed = seed_of(self.random_state)
        workers = number_of_workers(self.n_workers, self.n_jobs, tokens)
        alpha, beta = priors(self)
        goes_on = begin.assignments is not None
        supervision = Supervision(
            labels.signs, float(self.C), float(self.margin), int(self.dual_iter),
            self.coef_ if goes_on else None, getattr(self, "dual_coef_", None) if goes_on else None,
        )  # fmt: skip
        if hasattr(self, "dual_coef_"):
            del self.dual_coef_
        self.seed_, self.doc_lengths_ = seed, lengths
        if tokens == 0:
            begin, also = Begin(), ", and all labels in every document"
            sample_nothing(self, X.shape[1], alpha, beta, begin, also)
            self.coef_ = np.zeros((labels.signs.shape[1], k))
            return
        kind, reason = choose(self.method, self.sampler, lengths, k)
        program = wide_enough(kind, int(lengths.max()))(
            X=X, topics=k, workers=workers, alpha=alpha, beta=beta, seed=seed,
            rounds=self.syncs_per_sweep, begin=begin, supervision=supervision,
            evaluate=(int(self.evaluate_every), begin.sweeps + int(self.max_iter)),
        )  # fmt: skip
        sample(self, program, seed, reason)

    def _demand_same(self, X: Any, labels: Labels) -> None:
        """Refuse to go on from topics that belong to other documents, labels or topics."""
        demand_fitted(self, X)
        fitted = self.topic_counts_
        same = labels.several == self.multilabel_ and np.array_equal(labels.classes, self.classes_)
        lengths = np.asarray(X.sum(axis=1, dtype=np.int64)).ravel()
        same = same and np.array_equal(lengths, self.doc_lengths_)
        if not same or not np.array_equal(counted(X, self.assignments_, fitted.shape), fitted):
            raise ValueError(
                "warm_start=True: X or the classes in y are not those that were fitted; give the "
                "same, or set warm_start=False"
            )
