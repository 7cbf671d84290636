"""The estimator for ratings, which follows scikit-learn's conventions."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit, one_update
from strads.algorithms.factorization.estimator import REGULARIZED, STOPPING, seen
from strads.algorithms.factorization.in_files import demand_served
from strads.algorithms.factorization.programs.factors import NONE
from strads.algorithms.factorization.programs.held_out import held_out
from strads.algorithms.factorization.rating_solvers import RatingSolvers
from strads.datasets import MappedMatrix


class MatrixFactorization(RatingSolvers):
    r"""Matrix factorisation of known ratings, by scheduled model parallelism.

    .. math:: \min \sum_{(u,i) \in \Omega} (r_{ui} - \mu - b_u - c_i - w_u^T h_i)^2
        + \sum_u \lambda_u (\|w_u\|^2 + b_u^2) + \sum_i \lambda_i (\|h_i\|^2 + c_i^2)

    Ω are the stored entries of X: a stored 0 is a rating; an entry that is not stored is unknown.
    μ is the mean of the ratings.

    Parameters
    ----------
    n_components : int, default=40
        Number of factors k of a user and of an item (the rank).
    regularization : float, default=0.06
        The penalty λ; see `regularization_scale`.
    regularization_scale : {"count", "plain"}, default="count"
        "count": λ_u = λ · (number of ratings of u), and λ_i likewise, as in LIBMF, ALS-WR, and
        cmfrec with ``scale_lam``. "plain": λ_u = λ_i = λ; not for ``solver="sgd"``.
    l1 : float, default=0.0
        Weight of a further penalty Σ l1_u ‖w_u‖₁ + Σ l1_i ‖h_i‖₁, where `l1` is scaled like λ;
        ``solver="ccd"`` only. Since factors start small, a large value sets all of them to zero.
    nonnegative : bool, default=False
        Whether to constrain w and h to be ≥ 0; ``solver="ccd"`` only. Biases are not constrained:
        for a purely additive model set ``biases=False`` as well.
    biases : bool, default=True
        Whether to learn μ, b and c.
    solver : {"auto", "sgd", "als", "ccd"}, default="auto"
        "sgd": stochastic gradient descent; users stay with their worker, slices of items rotate.
        "als": alternating least squares by preconditioned conjugate gradients. "ccd": coordinate
        descent in blocks. "auto": "sgd", which reaches a given held-out error soonest, unless
        another parameter needs "als" or "ccd".
    schedule : {"auto", "round-robin", "priority"}, default="round-robin"
        Schedule of ``solver="ccd"``; "priority" skips rows that hardly move; "auto"
        skips them while that pays, which is decided from objectives and counts.
    max_iter : int, default=10
        Largest number of epochs. With "sgd", the default ends the fit before it overfits.
    learning_rate : float, default=0.07
        Step size of ``solver="sgd"``, for ratings divided by their standard deviation.
    tol : float, default=1e-4
        The fit stops once the root mean square error of the ratings changes by less than this share
        of itself in an epoch.
    early_stopping : bool, default=False
        Whether to hold out ratings, to stop once their error has not fallen for `n_iter_no_change`
        epochs, and to keep the factors for which it was smallest.
    validation_fraction : float, default=0.1
        Share of the ratings to hold out if ``fit`` is given no `validation`.
    n_iter_no_change : int, default=3
        Number of epochs without a smaller held-out error after which early stopping ends the fit.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core. With "als" and with
        "ccd" under "round-robin", the result is bit for bit the same for any number. With "sgd" and
        under "priority" it depends on the number, and is reproducible for a given one.
    dtype : {"float32", "float64"}, default="float32"
        Type of the factors and biases, and of the computation.
    random_state : int, RandomState or None
        Seed of the start values, of the held-out ratings, and of the order of the ratings; None
        means 0.
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
    user_biases_, item_biases_ : ndarray of shape (n_users,), (n_items,)
        Biases b and c; zeros without `biases`.
    global_mean_ : float
        Mean μ; 0 without `biases`.
    user_ids_, item_ids_ : ndarray or None
        Ids of the rows and columns after :meth:`fit_ratings`; else None.
    n_iter_ : int
        Number of epochs of the last call of ``fit`` or ``partial_fit``.
    history_ : list of dict
        Figures of every epoch: ``train_rmse``, from the errors at which the epoch found the
        ratings, and ``validation_rmse``, computed after the epoch, if ratings are held out.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    Notes
    -----
    Memory of a fit in bytes, for m ratings, U users, I items, k components rounded up to a multiple
    of 16, and s = 4 (float32) or 8 (float64): the factors, which all processes share, take
    s·k·(U + I). "sgd" adds (8 + s)·m for the ratings and 4s·(U + I); "als" and "ccd" add
    2·(4 + s)·m for the ratings by rows and by columns. A worker's own arrays take some kilobytes.
    `statistics_["bytes"]` has the bytes of all arrays by name.

    References
    ----------
    Kim et al. STRADS: a distributed framework for scheduled model parallel machine learning.
    EuroSys 2016.
    Chin, Zhuang, Juan, Lin. A learning-rate schedule for stochastic gradient methods to matrix
    factorization. PAKDD 2015.
    Zhou, Wilkinson, Schreiber, Pan. Large-scale parallel collaborative filtering for the Netflix
    prize. AAIM 2008.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from strads import MatrixFactorization
    >>> X = sp.csr_array([[5.0, 3.0, 0.0], [4.0, 0.0, 1.0], [0.0, 1.0, 5.0]])
    >>> model = MatrixFactorization(n_components=2, max_iter=5).fit(X)
    >>> model.predict_ratings([0], [2]).shape
    (1,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **REGULARIZED,
        "regularization_scale": [StrOptions({"count", "plain"})],
        "l1": [Interval(Real, 0, None, closed="left")],
        "nonnegative": ["boolean"],
        "biases": ["boolean"],
        "solver": [StrOptions({"auto", "sgd", "als", "ccd"})],
        "schedule": [StrOptions({"auto", "round-robin", "priority"})],
        "priorities": [list, tuple, None],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        **STOPPING,
    }

    def __init__(
        self,
        n_components: int = 40,
        *,
        regularization: float = 0.06,
        regularization_scale: str = "count",
        l1: float = 0.0,
        nonnegative: bool = False,
        biases: bool = True,
        solver: str = "auto",
        schedule: str = "round-robin",
        max_iter: int = 10,
        learning_rate: float = 0.07,
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
        self.regularization_scale = regularization_scale
        self.l1 = l1
        self.nonnegative = nonnegative
        self.biases = biases
        self.solver = solver
        self.schedule = schedule
        self.max_iter = max_iter
        self.learning_rate = learning_rate
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

    # -- fitting -------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, *, validation: Any = None) -> MatrixFactorization:
        """Fit to the stored entries of a users × items matrix.

        Parameters
        ----------
        X : {sparse matrix, array, MappedMatrix} of shape (n_users, n_items)
            Ratings. In a sparse X a stored 0 is a rating; in a dense X, entries of 0 are unknown.
            Ratings that stay in their files have to be there by rows and by columns, and are fitted
            by "als"; see docs/larger-than-memory.md.
        y : None
            Ignored.
        validation : sparse matrix of the same shape, optional
            Held-out ratings, whose error is computed after every epoch.

        Returns
        -------
        MatrixFactorization
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If parameters are out of range or contradict each other, or if X or `validation` is
            invalid: no entry, an entry that is not finite, or shapes that differ. If X is dense and
            looks like a table of (user, item, rating), which is for :meth:`fit_ratings`.
        """
        self._validate_params()
        with one_fit(self, validation, longer=True, told=(X, y)):
            self.user_ids_ = self.item_ids_ = None
            return self._fit(self._entries(X), validation)

    def fit_ratings(
        self, users: Any, items: Any = None, ratings: Any = None, *,
        shape: tuple[int, int] | None = None, validation: Any = None,
    ) -> MatrixFactorization:  # fmt: skip
        """Fit to ratings whose users and items are given by ids.

        Parameters
        ----------
        users, items : array-like of shape (n_ratings,)
            Ids of users and items. Alternatively, only `users` is given, and is the path of a file
            (:func:`strads.datasets.read_ratings`), a DataFrame or another table
            (:func:`strads.datasets.encode_ratings`), or a :class:`strads.datasets.Ratings`.
        ratings : array-like of shape (n_ratings,)
            The ratings.
        shape : (int, int), optional
            Numbers of users and items. If it is given, ids must be integers and are the row and
            column numbers of a matrix of this shape.
        validation : sparse matrix, optional
            Held-out ratings; its rows and columns are in the order of the sorted ids.

        Returns
        -------
        MatrixFactorization
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, an id or a rating is missing, an id is a negative
            integer or outside of `shape`, a rating is not finite, or it is not clear which columns
            of a table are meant. For a text file, the message names the line.
        """
        self._validate_params()
        with one_fit(self, validation, longer=True):
            return self._fit(self._numbered(users, items, ratings, shape), validation)

    def partial_fit(self, X: Any, y: Any = None) -> MatrixFactorization:
        """Add new ratings, and run one epoch over all ratings, from the fitted factors.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_users or more, n_items)
            New ratings. A rating replaces an earlier one of the same user and item. Rows beyond the
            known users are new users.
        y : None
            Ignored.

        Returns
        -------
        MatrixFactorization
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
            return self._fit(self._more(X), None, start=True)

    def _fit(self, X: Any, validation: Any = None, *, start: bool = False) -> MatrixFactorization:
        solver = self._solver()
        self._demand_skipping()
        if isinstance(X, MappedMatrix):
            solver = "als" if (self.solver, solver) == ("auto", "sgd") else solver
            demand_served(self, solver, held=validation is not None)
        known, held = (X, NONE) if start else held_out(self, X, validation)
        begin = self._start(X.shape[0]) if start else {}
        if solver == "sgd":
            self._descend(known, held, begin)
        else:
            self._alternate(known, held, begin, solver)
        self.seen_ = seen(X)
        return self

    def _solver(self) -> str:
        constrained = self.l1 > 0 or self.nonnegative or self.schedule != "round-robin"
        if constrained and self.solver not in ("auto", "ccd"):
            raise ValueError(
                f"solver={self.solver!r} supports neither l1, nonnegative nor "
                f"schedule={self.schedule!r}; use solver='ccd'"
            )
        if self.solver == "sgd" and self.regularization_scale == "plain":
            raise ValueError(
                "regularization_scale='plain' needs solver='als' or 'ccd': with 'sgd' the penalty "
                "acts at each rating of a row, and so in proportion to their number"
            )
        if self.solver != "auto":
            return self.solver
        if constrained:
            return "ccd"
        return "sgd" if self.regularization_scale == "count" else "als"
