"""Factorisation of implicit feedback, scikit-learn conventions."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.factorization.estimator import REGULARIZED, STOPPING, FactorEstimator
from strads.algorithms.factorization.fitted.ranking import best_products, entries, ndcg_at, positive
from strads.algorithms.factorization.programs.als import AlternatingLeastSquares
from strads.algorithms.factorization.programs.ccd import CoordinateFactorization
from strads.algorithms.factorization.programs.factors import NONE, Entries, Ranking
from strads.algorithms.factorization.programs.fold import ConstrainedFoldIn, FoldIn
from strads.algorithms.factorization.programs.held_out import held_out
from strads.algorithms.factorization.programs.rows import Model

#: Recommendations that early stopping judges.
TOP = 10


class ImplicitFactorization(FactorEstimator):
    r"""Confidence-weighted factorisation of all pairs of users and items.

    .. math:: \min \sum_{u,i} c_{ui} (p_{ui} - w_u^T h_i)^2
        + \lambda \left(\sum_u \|w_u\|^2 + \sum_i \|h_i\|^2\right)

    The preference p is 1 for stored entries and 0 for all others, whose confidence c is 1.

    Parameters
    ----------
    n_components : int, default=64
    regularization : float, default=0.01
        λ, not scaled by counts.
    alpha : float, default=1.0
        What an observation is worth; see `confidence`.
    confidence : {"stored", "linear"}, default="stored"
        c of a stored entry x. "stored": alpha · x, as the package `implicit` takes it.
        "linear": 1 + alpha · x, as Hu, Koren and Volinsky, and cmfrec.
    solver : {"als", "ccd"}, default="als"
        "als": one preconditioned, over-relaxed conjugate-gradient step a row and half-sweep.
        "ccd": coordinate descent in blocks.
    nonnegative : bool, default=False
        Demand w, h ≥ 0; ``solver="ccd"``.
    schedule : {"round-robin", "priority"}, default="round-robin"
        Of ``solver="ccd"``; "priority" skips rows that hardly move.
    max_iter : int, default=15
        Sweeps over both sides.
    tol : float, default=1e-4
        Stop once the objective changes by less than this share of itself.
    early_stopping : bool, default=False
        Hold out entries, stop when the NDCG@10 of recommendations has not risen for
        `n_iter_no_change` sweeps, and keep the factors for which it was largest.
    validation_fraction : float, default=0.1
        Share of the entries to hold out, where ``fit`` is given no `validation`.
    n_iter_no_change : int, default=3
    n_workers : int, optional
        None: one for small data, else one a core. The bits are the same for any number.
    dtype : {"float32", "float64"}, default="float32"
    random_state : int, RandomState or None
        None means 0.
    callbacks : callable or list of Instrument, optional
        Called with every step; a true value stops the fit.

    Attributes
    ----------
    user_factors_, item_factors_ : ndarray of shape (n, n_components)
    n_iter_ : int
    history_ : list of dict
        ``objective`` of the new users with the items before they are updated;
        ``validation_ndcg`` after the sweep, where entries are held out.
    statistics_ : dict
        See :meth:`strads.engine.run.run.Run.statistics`.

    Notes
    -----
    Memory of a fit: see :class:`~strads.algorithms.factorization.matrix_factorization.MatrixFactorization`,
    ``solver="als"``, plus 8 · 64 · k² bytes of Gram matrices.

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
        "schedule": [StrOptions({"round-robin", "priority"})],
        **STOPPING,
    }

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

    def fit(self, X: Any, y: Any = None, *, validation: Any = None) -> ImplicitFactorization:
        """Fit to a users × items matrix of observations.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_users, n_items)
            Counts, minutes, or confidences; not negative.
        y : None
            Not used.
        validation : sparse matrix of the same shape, optional
            Held-out entries, by which every sweep is judged (NDCG@10).

        Returns
        -------
        ImplicitFactorization
            Itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, X has no entry, a negative one, or one that is not
            finite.
        """
        self._validate_params()
        self.user_ids_ = self.item_ids_ = None
        return self._fit(self._entries(X), {}, None, validation)

    def fit_ratings(
        self, users: Any, items: Any = None, ratings: Any = None, *,
        shape: tuple[int, int] | None = None,
    ) -> ImplicitFactorization:  # fmt: skip
        """Fit to observations of users and items with ids of their own.

        Parameters
        ----------
        users, items : array-like of ids of shape (n,)
            Or `users` alone: the path of a file (:func:`strads.datasets.ratings.read_ratings`), or a
            :class:`strads.datasets.ratings.Ratings`.
        ratings : array-like of shape (n,)
            Counts, minutes, or confidences.
        shape : (int, int), optional
            Numbers of users and items: ids then are rows and columns of a matrix of that shape.

        Returns
        -------
        ImplicitFactorization
            Itself.
        """
        self._validate_params()
        return self._fit(self._numbered(users, items, ratings, shape), {}, None)

    def partial_fit(self, X: Any, y: Any = None) -> ImplicitFactorization:
        """Take in new observations: one sweep over those so far and these, from the factors so far.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_users or more, n_items)
            An entry replaces an earlier one of the same user and item. Rows beyond those known are
            new users.
        y : None
            Not used.

        Returns
        -------
        ImplicitFactorization
            Itself.
        """
        self._validate_params()
        if not hasattr(self, "item_factors_"):
            return self.fit(X)
        whole = self._more(X)
        return self._fit(whole, self._begun(whole.shape[0]), 1)

    def _fit(
        self, whole: Any, start: dict[str, Any], epochs: int | None, validation: Any = None
    ) -> ImplicitFactorization:
        self._demand_confidences(whole)
        X, held = (whole, NONE) if start else held_out(self, whole, validation)
        constrained = self.nonnegative or self.schedule == "priority"
        if constrained and self.solver != "ccd":
            raise ValueError("nonnegative and schedule='priority' need solver='ccd'")
        program: Any = AlternatingLeastSquares
        given: dict[str, Any] = dict(start)
        if self.solver == "ccd":
            program = CoordinateFactorization
            given |= {"nonnegative": bool(self.nonnegative), "schedule": self.schedule}
        made = self._of_type(program)(
            X=X, model=self._model(), penalty=(float(self.regularization),) * 2,
            components=int(self.n_components), tol=float(self.tol),
            ranking=self._ranking(X, held) if len(held.value) else None,
            patience=int(self.n_iter_no_change) if self.early_stopping and not start else None,
            **given,
        )  # fmt: skip
        self._take(self._run(made, self._workers(X), epochs=epochs), whole)
        return self

    def _ranking(self, X: Any, held: Entries) -> Ranking:
        """NDCG@10 of what is held out, among what is not fitted."""
        relevant = positive(sp.csr_array((held.value, (held.user, held.item)), shape=X.shape))
        users, k = np.flatnonzero(np.diff(relevant.indptr)), int(self.n_components)

        def judge(W: np.ndarray, H: np.ndarray) -> float:
            left, right = W[users, :k], np.ascontiguousarray(H[:, :k])
            found, _ = best_products(left, right, TOP, excluded=lambda part: X[users[part]])
            return ndcg_at(TOP, found, relevant[users])

        return judge

    def _demand_confidences(self, X: Any) -> None:
        if X.data.min(initial=0.0) < 0.0:
            at = int(np.argmin(X.data))
            row = int(np.searchsorted(X.indptr, at, side="right")) - 1
            raise ValueError(
                f"Negative values in data: X[{row}, {X.indices[at]}] is {X.data[at]:g}, which is "
                "no confidence; leave out what a user dislikes, or fit it with MatrixFactorization"
            )

    def _model(self) -> Model:
        a = float(self.alpha)
        terms = (-1.0, a, 0.0, a, 0.0, 1.0)
        if self.confidence == "linear":
            terms = (0.0, a, 1.0, a, 0.0, 1.0)
        return Model(terms, everything=True)

    def objective(self, X: Any) -> float:
        """The objective at the fitted factors, in float64.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_users, n_items)

        Returns
        -------
        float
        """
        X = self._ratings_of_users(X)
        W, H = self.user_factors_.astype(np.float64), self.item_factors_.astype(np.float64)
        c = self.alpha * X.data.astype(np.float64) + (self.confidence == "linear")
        s = self._predicted(*entries(X)).astype(np.float64)
        stored = float(np.sum(c * (1.0 - s) ** 2 - s**2))
        size = float(np.sum(W * W) + np.sum(H * H))
        return float(np.sum((W.T @ W) * (H.T @ H))) + stored + self.regularization * size

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the objective, divided by the number of pairs; larger is better."""
        return -self.objective(X) / (len(self.user_factors_) * len(self.item_factors_))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def _fold_in(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        self._demand_confidences(X)
        given: dict[str, Any] = {"penalty": (float(self.regularization),) * 2}
        if self.nonnegative:
            given["nonnegative"] = True
        program = ConstrainedFoldIn if self.nonnegative else FoldIn
        result = self._solve_rows(program, X, self._model(), **given)
        return result.state["W"][:, : self.n_components].copy(), result.state["b"]
