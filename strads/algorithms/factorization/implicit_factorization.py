"""The estimator for implicit feedback, which follows scikit-learn's conventions."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit, one_update
from strads.algorithms.factorization.estimator import REGULARIZED, STOPPING
from strads.algorithms.factorization.fitted.ranking import entries, ndcg_at, positive
from strads.algorithms.factorization.fitted.withhold import withhold
from strads.algorithms.factorization.implicit_solvers import TOP, ImplicitSolvers


class ImplicitFactorization(ImplicitSolvers):
    r"""Confidence-weighted factorisation of all pairs of users and items.

    .. math:: \min \sum_{u,i} c_{ui} (p_{ui} - w_u^T h_i)^2
        + \lambda \left(\sum_u \|w_u\|^2 + \sum_i \|h_i\|^2\right)

    The preference p is 1 for stored entries and 0 for all others, whose confidence c is 1.

    Parameters
    ----------
    n_components : int, default=64
        Number of factors k of a user and of an item (the rank).
    regularization : float, default=0.01
        The penalty λ, not scaled by counts.
    alpha : float, default=1.0
        Weight of an observation; see `confidence`.
    confidence : {"stored", "linear"}, default="stored"
        Confidence c of a stored entry x. "stored": alpha · x, as in the package `implicit`.
        "linear": 1 + alpha · x, as in Hu, Koren and Volinsky, and in cmfrec.
    solver : {"als", "ccd"}, default="als"
        "als": alternating least squares; every row takes one preconditioned, over-relaxed
        conjugate-gradient step in each epoch. "ccd": coordinate descent in blocks.
    nonnegative : bool, default=False
        Whether to constrain w and h to be ≥ 0; ``solver="ccd"`` only.
    schedule : {"auto", "round-robin", "priority"}, default="round-robin"
        Schedule of ``solver="ccd"``; "priority" skips rows that hardly move; "auto"
        skips them while that pays, which is decided from objectives and counts.
    max_iter : int, default=15
        Largest number of epochs; an epoch updates all users and then all items.
    tol : float, default=1e-4
        The fit stops once the objective changes by less than this share of itself in an epoch.
    early_stopping : bool, default=False
        Whether to hold out entries, to stop once the NDCG@10 of the recommendations has not risen
        for `n_iter_no_change` epochs, and to keep the factors for which it was largest.
    validation_fraction : float, default=0.1
        Share of the entries to hold out if ``fit`` is given no `validation`.
    n_iter_no_change : int, default=3
        Number of epochs without a larger NDCG@10 after which early stopping ends the fit.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core. The result is bit for
        bit the same for any number.
    dtype : {"float32", "float64"}, default="float32"
        Type of the factors, and of the computation.
    random_state : int, RandomState or None
        Seed of the start values and of the held-out entries; None means 0.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every step; a callable stops the fit by returning a true value.
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
    verbose : int, default=0
        1: show how the fit goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    run_dir : path, optional
        New folder in which the fit writes what it does, and its model; see docs/run-folder.md. If
        it is called ``runs``, each fit makes a folder of its own in it.
    max_seconds : float, optional
        The fit ends after the step in which so many seconds are used up, and keeps what it has.
    priorities : (array of shape (n_users,) or None, array of shape (n_items,) or None), optional
        Positive numbers by which the last moves of users and of items are multiplied before it is
        decided which rows are skipped: a row with a large number stays in for longer. For the
        schedules "priority" and "auto". The optimum is the same.

    Attributes
    ----------
    user_factors_, item_factors_ : ndarray of shape (n_users, n_components), (n_items, n_components)
        Factors w and h.
    user_ids_, item_ids_ : ndarray or None
        Ids of the rows and columns after :meth:`fit_ratings`; else None.
    n_iter_ : int
        Number of epochs of the last call of ``fit`` or ``partial_fit``.
    history_ : list of dict
        Figures of every epoch: ``objective``, computed between its two halves (with updated users
        and old items), and ``validation_ndcg``, computed after it, if entries are held out.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    Notes
    -----
    Memory of a fit: as of :class:`strads.MatrixFactorization` with ``solver="als"``, plus
    8 · 64 · k² bytes for Gram matrices.

    References
    ----------
    Hu, Koren, Volinsky. Collaborative filtering for implicit feedback datasets. ICDM 2008.
    Takács, Pilászy, Tikk. Applications of the conjugate gradient method for implicit feedback
    collaborative filtering. RecSys 2011.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from strads import ImplicitFactorization
    >>> X = sp.csr_array([[2.0, 1.0, 0.0], [3.0, 0.0, 1.0], [0.0, 1.0, 4.0]])
    >>> model = ImplicitFactorization(n_components=2).fit(X)
    >>> items, scores = model.recommend(0, n=1)
    >>> items.shape
    (1,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **REGULARIZED,
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "confidence": [StrOptions({"stored", "linear"})],
        "solver": [StrOptions({"als", "ccd"})],
        "nonnegative": ["boolean"],
        "schedule": [StrOptions({"auto", "round-robin", "priority"})],
        "priorities": [list, tuple, None],
        **STOPPING,
    }

    _clicks: ClassVar[bool] = True

    def __init__(
        self,
        n_components: int = 64,
        *,
        regularization: float = 0.01,
        alpha: float = 1.0,
        confidence: str = "stored",
        solver: str = "als",
        nonnegative: bool = False,
        schedule: str = "round-robin",
        max_iter: int = 15,
        tol: float = 1e-4,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 3,
        n_workers: int | None = None,
        dtype: Any = "float32",
        random_state: Any = None,
        callbacks: Any = None,
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        verbose: int = 0,
        run_dir: Any = None,
        max_seconds: float | None = None,
        priorities: Any = None,
    ) -> None:
        self.n_components = n_components
        self.regularization = regularization
        self.alpha = alpha
        self.confidence = confidence
        self.solver = solver
        self.nonnegative = nonnegative
        self.schedule = schedule
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_workers = n_workers
        self.dtype = dtype
        self.random_state = random_state
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.verbose = verbose
        self.run_dir = run_dir
        self.max_seconds = max_seconds
        self.priorities = priorities

    def fit(self, X: Any, y: Any = None, *, validation: Any = None) -> ImplicitFactorization:
        """Fit to a users × items matrix of observations.

        Parameters
        ----------
        X : {sparse matrix, array, MappedMatrix} of shape (n_users, n_items)
            Observations such as counts or minutes, or confidences; not negative. Those that stay in
            their files have to be there by rows and by columns, and are fitted by "als"; see
            docs/larger-than-memory.md.
        y : None
            Ignored.
        validation : sparse matrix of the same shape, optional
            Held-out entries, for which NDCG@10 is computed after every epoch.

        Returns
        -------
        ImplicitFactorization
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If parameters are out of range or contradict each other, or if X or `validation` is
            invalid: no entry, an entry that is negative or not finite, or shapes that differ. If X
            is dense and looks like a table of (user, item, rating), which is for
            :meth:`fit_ratings`.
        """
        self._validate_params()
        with one_fit(self, validation, longer=True, told=(X, y)):
            self.user_ids_ = self.item_ids_ = None
            return self._fit(self._entries(X), {}, None, validation)

    def fit_ratings(
        self, users: Any, items: Any = None, ratings: Any = None, *,
        shape: tuple[int, int] | None = None,
    ) -> ImplicitFactorization:  # fmt: skip
        """Fit to observations whose users and items are given by ids.

        Parameters
        ----------
        users, items : array-like of shape (n_observations,)
            Ids of users and items. Alternatively, only `users` is given, and is the path of a file
            (:func:`strads.datasets.read_ratings`), a DataFrame or another table
            (:func:`strads.datasets.encode_ratings`), or a :class:`strads.datasets.Ratings`.
        ratings : array-like of shape (n_observations,), optional
            Observations such as counts or minutes, or confidences; not negative. If neither they
            nor a column of them are given, a pair of a user and an item counts as often as it
            occurs.
        shape : (int, int), optional
            Numbers of users and items. If it is given, ids must be integers and are the row and
            column numbers of a matrix of this shape.

        Returns
        -------
        ImplicitFactorization
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, an id or an observation is missing, an id is a negative
            integer or outside of `shape`, or an observation is negative or not finite. For a text
            file, the message names the line.
        """
        self._validate_params()
        with one_fit(self, longer=True):
            return self._fit(self._numbered(users, items, ratings, shape), {}, None)

    def partial_fit(self, X: Any, y: Any = None) -> ImplicitFactorization:
        """Add new observations, and run one epoch over all observations, from the fitted factors.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_users or more, n_items)
            New observations. An entry replaces an earlier one of the same user and item. Rows
            beyond the known users are new users.
        y : None
            Ignored.

        Returns
        -------
        ImplicitFactorization
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If X is invalid, `n_components` has changed, or X has new users and the model was
            fitted with ids.
        """
        self._validate_params()
        if not hasattr(self, "item_factors_"):
            return self.fit(X)
        with one_update(self, steps=1, told=(X, y)):
            whole = self._more(X)
            return self._fit(whole, self._begun(whole.shape[0]), 1)

    def objective(self, X: Any) -> float:
        """Compute the objective at the fitted factors, in float64.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_users, n_items)
            Observations of the users of the fit, row by row.

        Returns
        -------
        float
            The objective of the class's docstring.

        Raises
        ------
        ValueError
            If X is invalid, or has another shape than in the fit.
        """
        X = self._ratings_of_users(X)
        W, H = self.user_factors_.astype(np.float64), self.item_factors_.astype(np.float64)
        c = self.alpha * X.data.astype(np.float64) + (self.confidence == "linear")
        s = self._predicted(*entries(X)).astype(np.float64)
        stored = float(np.sum(c * (1.0 - s) ** 2 - s**2))
        size = float(np.sum(W * W) + np.sum(H * H))
        return float(np.sum((W.T @ W) * (H.T @ H))) + stored + self.regularization * size

    def score(self, X: Any, y: Any = None) -> float:
        """Return the NDCG@10 of recommendations to new users, on withheld observations.

        A fifth of the observations of each row, at least one if there are two, is withheld; the
        others give the user's factors, by :meth:`fold_in`, and the recommendations. So the users
        need not be users of the fit, and ``cross_val_score`` and ``GridSearchCV`` can split the
        rows. Which observations are withheld depends on nothing but the rows. (The objective would
        be no score: weaker penalties and confidences make it smaller, whatever they are good for.)

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_rows, n_items)
            Observations of users.
        y : None
            Ignored.

        Returns
        -------
        float
            The score, from 0 to 1; larger is better. For withheld observations of users of the fit
            see :meth:`ndcg`.

        Raises
        ------
        ValueError
            If X is invalid, or no row stores two observations.
        """
        known, withheld = withhold(self._ratings(X))
        relevant = positive(withheld)
        users = np.flatnonzero(np.diff(relevant.indptr))
        known = known[users]
        found, _ = self._recommended(*self._fold_in(known), TOP, None, lambda part: known[part])
        return ndcg_at(TOP, found, relevant[users])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
