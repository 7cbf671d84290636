"""Factorisation of ratings, scikit-learn conventions."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import scipy.sparse as sp
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.factorization.estimator import REGULARIZED, STOPPING
from strads.algorithms.factorization.programs.factors import NONE
from strads.algorithms.factorization.programs.held_out import held_out
from strads.algorithms.factorization.rating_solvers import RatingSolvers


class MatrixFactorization(RatingSolvers):
    r"""Factorisation of known ratings, by scheduled model parallelism.

    .. math:: \min \sum_{(u,i) \in \Omega} (r_{ui} - \mu - b_u - c_i - w_u^T h_i)^2
        + \sum_u \lambda_u (\|w_u\|^2 + b_u^2) + \sum_i \lambda_i (\|h_i\|^2 + c_i^2)

    Ω are the stored entries of X: a stored 0 is a rating, an absent entry is unknown. μ is the mean
    of the ratings.

    Parameters
    ----------
    n_components : int, default=40
    regularization : float, default=0.06
        λ. See `regularization_scale`.
    regularization_scale : {"count", "plain"}, default="count"
        "count": λ_u = λ · (number of ratings of u), as LIBMF and ALS-WR have it, and cmfrec with
        ``scale_lam``. "plain": λ_u = λ; not for ``solver="sgd"``.
    l1 : float, default=0.0
        Adds Σ l1_u ‖w_u‖₁ + Σ l1_i ‖h_i‖₁, scaled as λ is; ``solver="ccd"`` only.
        Factors begin small; much of it sends all to zero.
    nonnegative : bool, default=False
        Demand w, h ≥ 0; ``solver="ccd"`` only. Biases stay free: for ratings that are sums of
        parts set ``biases=False`` as well.
    biases : bool, default=True
        Learn μ, b and c.
    solver : {"auto", "sgd", "als", "ccd"}, default="auto"
        "sgd": stochastic gradient descent; users stay with their worker, slices of items rotate.
        "als": alternating least squares by preconditioned conjugate gradients. "ccd": coordinate
        descent in blocks. "auto": "sgd", which reaches a held-out error soonest, unless a parameter
        asks for another.
    schedule : {"round-robin", "priority"}, default="round-robin"
        Of ``solver="ccd"``; "priority" skips rows that hardly move.
    max_iter : int, default=10
        Epochs: gradient descent stops here by default, before it fits the noise.
    learning_rate : float, default=0.07
        Of ``solver="sgd"``, in units of the ratings' standard deviation.
    tol : float, default=1e-4
        Stop once the root mean square error of the ratings changes by less than this share.
    early_stopping : bool, default=False
        Hold out ratings, stop when their error has not fallen for `n_iter_no_change` epochs, and
        keep the factors for which it was smallest.
    validation_fraction : float, default=0.1
        Share of the ratings to hold out, where ``fit`` is given no `validation`.
    n_iter_no_change : int, default=3
    n_workers : int, optional
        None: one for small data, else one a core. "als" and "ccd" give the same bits for any
        number, unless a schedule by priority is asked for; that and "sgd" repeat for a given one.
    dtype : {"float32", "float64"}, default="float32"
    random_state : int, RandomState or None
        None means 0.
    callbacks : callable or list of Instrument, optional
        Called with every step; a true value stops the fit.

    Attributes
    ----------
    user_factors_, item_factors_ : ndarray of shape (n, n_components)
    user_biases_, item_biases_ : ndarray of shape (n,)
    global_mean_ : float
    user_ids_, item_ids_ : ndarray or None
        After :meth:`fit_ratings`.
    n_iter_ : int
    history_ : list of dict
        ``train_rmse`` as the epoch met the ratings, ``validation_rmse`` after it.
    statistics_ : dict
        See :meth:`strads.engine.run.run.Run.statistics`.

    Notes
    -----
    Memory of a fit, in bytes, for m ratings, U users, I items and k components rounded up to 16,
    with s = 4 (float32) or 8: all processes together share s·k·(U + I) for the factors;
    "sgd" adds (8 + s)·m for the ratings and 4s·(U + I), "als" and "ccd" 2·(4 + s)·m, the ratings
    by rows and by columns. A worker's own are kilobytes (`statistics_["bytes"]` says all by name).

    References
    ----------
    Kim et al. STRADS: a distributed framework for scheduled model parallel machine learning.
    EuroSys 2016. Chin, Zhuang, Juan, Lin. A learning-rate schedule for stochastic gradient methods
    to matrix factorization. PAKDD 2015. Zhou, Wilkinson, Schreiber, Pan. Large-scale parallel
    collaborative filtering for the Netflix prize. AAIM 2008.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from strads import MatrixFactorization
    >>> X = sp.csr_array([[5.0, 3.0, 0.0], [4.0, 0.0, 1.0], [0.0, 1.0, 5.0]])
    >>> model = MatrixFactorization(n_components=2, max_iter=5).fit(X)
    >>> model.predict([0], [2]).shape
    (1,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **REGULARIZED,
        "regularization_scale": [StrOptions({"count", "plain"})],
        "l1": [Interval(Real, 0, None, closed="left")],
        "nonnegative": ["boolean"],
        "biases": ["boolean"],
        "solver": [StrOptions({"auto", "sgd", "als", "ccd"})],
        "schedule": [StrOptions({"round-robin", "priority"})],
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

    # -- fitting -------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, *, validation: Any = None) -> MatrixFactorization:
        """Fit to the stored entries of a users × items matrix.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_users, n_items)
            A stored 0 is a rating; of a dense X the entries that are not 0 are.
        y : None
            Not used.
        validation : sparse matrix of the same shape, optional
            Held-out ratings, whose error every epoch reports.

        Returns
        -------
        MatrixFactorization
            Itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, X has no entry, or one that is not finite.
        """
        self._validate_params()
        self.user_ids_ = self.item_ids_ = None
        return self._fit(self._entries(X), validation)

    def fit_ratings(
        self, users: Any, items: Any = None, ratings: Any = None, *,
        shape: tuple[int, int] | None = None, validation: Any = None,
    ) -> MatrixFactorization:  # fmt: skip
        """Fit to ratings of users and items with ids of their own.

        Parameters
        ----------
        users, items : array-like of ids of shape (n,)
            Or `users` alone: the path of a file of ratings
            (:func:`strads.datasets.ratings.read_ratings`), or a :class:`strads.datasets.ratings.Ratings`.
        ratings : array-like of shape (n,)
        shape : (int, int), optional
            Numbers of users and items: ids then are rows and columns of a matrix of that shape.
        validation : sparse matrix, optional
            In the order of the ids, which are sorted.

        Returns
        -------
        MatrixFactorization
            Itself.

        Raises
        ------
        ValueError
            If ids or ratings are missing, negative ids, not finite, or outside of `shape`; of a
            file, the message names the line.
        """
        self._validate_params()
        return self._fit(self._numbered(users, items, ratings, shape), validation)

    def partial_fit(self, X: Any, y: Any = None) -> MatrixFactorization:
        """Take in new ratings: one epoch over those seen so far and these, from the factors so far.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_users or more, n_items)
            A rating replaces an earlier one of the same user and item. Rows beyond those known are
            new users.
        y : None
            Not used.

        Returns
        -------
        MatrixFactorization
            Itself.
        """
        self._validate_params()
        if not hasattr(self, "item_factors_"):
            return self.fit(X)
        return self._fit(self._more(X), None, start=True)

    def _fit(self, X: Any, validation: Any = None, *, start: bool = False) -> MatrixFactorization:
        solver = self._solver()
        known, held = (X, NONE) if start else held_out(self, X, validation)
        begin = self._start(X.shape[0]) if start else {}
        if solver == "sgd":
            self._descend(known, held, begin)
        else:
            self._alternate(known, held, begin, solver)
        self.seen_ = sp.csr_array(X)
        return self

    def _solver(self) -> str:
        constrained = self.l1 > 0 or self.nonnegative or self.schedule == "priority"
        if constrained and self.solver not in ("auto", "ccd"):
            raise ValueError(
                f"solver={self.solver!r} knows neither l1, nonnegative nor schedule='priority'; "
                "use solver='ccd'"
            )
        if self.solver == "sgd" and self.regularization_scale == "plain":
            raise ValueError(
                "regularization_scale='plain' is for solver='als' and 'ccd': a gradient step "
                "shrinks a row at each of its ratings"
            )
        if self.solver != "auto":
            return self.solver
        if constrained:
            return "ccd"
        return "sgd" if self.regularization_scale == "count" else "als"
