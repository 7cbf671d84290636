"""The Lasso estimator, which follows scikit-learn's conventions."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.warnings import NotCertifiedWarning
from strads.algorithms.common.workers import workers_for
from strads.algorithms.lasso.certified.certified_fit import CertifiedFit
from strads.algorithms.lasso.solver.program import DEFAULT
from strads.engine import Random, RoundRobin, Schedule, default_engine, sound

#: Below this many stored entries of X, one worker inside the leader is faster than several
#: processes.
ENTRIES = 2_000_000
BUILT_IN = ("priority", "random", "round-robin")


class Lasso(RegressorMixin, BaseEstimator):
    r"""Linear model with an L1 penalty, solved by scheduled model parallelism.

    .. math:: \min_{w, b} \frac{1}{2n} \|y - Xw - b\|_2^2 + \alpha \|w\|_1

    Full passes score all features in parallel and certify the duality gap. Between the full passes,
    the scheduler dispatches coordinates of a working set by priority and never gives strongly
    correlated coordinates to two workers at once. A working set of very many short columns is
    updated by a single worker.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the penalty, at least 0; it means the same as scikit-learn's `alpha`.
    fit_intercept : bool, default=True
        Whether to fit the intercept b. Sparse X is centred implicitly and stays sparse.
    positive : bool, default=False
        Whether to constrain the weights to w ≥ 0.
    tol : float, default=1e-6
        Relative duality gap (P(w) − D(θ)) / P(0) to reach, with P(0) = ‖y − ȳ‖² / 2n. The gap is
        certified for the weights that are returned: see `dual_gap_`.
    max_iter : int, default=100000
        Largest number of epochs of coordinate rounds; an epoch dispatches as many ids as the
        working set has.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core. The result depends on
        this number only within `tol`; with the same number, fits are equal bit for bit.
    schedule : {"priority", "random", "round-robin"} or Schedule, optional
        Schedule of the coordinate rounds, over axis ``"chosen"`` (the members of the working set).
        None: priority with a dependency filter, and, for sparse X, plain sweeps without a schedule
        once the Gram matrix that coordinate rounds need would cost more than the sweeps.
    partition : {"contiguous", "balanced"} or array of shape (n_features,), optional
        Partition of the features over the workers for the full passes; None: balanced by
        non-zeros.
    warm_start : bool, default=False
        Whether to start from the `coef_` of the last fit.
    random_state : int, RandomState or None
        Seed of the schedule; None means 0.
    callbacks : callable or list of Instrument, optional
        Called after every step; a callable stops the fit by returning a true value.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Weights w.
    intercept_ : float
        Intercept b; 0.0 without `fit_intercept`.
    dual_gap_ : float
        Upper bound on the relative duality gap of `coef_` as it is returned, rounding errors
        included; infinite if rounding leaves no bound.
    certified_ : bool
        Whether `dual_gap_` is within `tol`.
    verdict_ : {"certified", "max_iter", "callback", "precision"}
        Why the fit ended. "certified": `tol` is certified. "max_iter": the epochs were used up.
        "callback": a callback stopped the fit. "precision": rounding, of the arithmetic or of
        `coef_`, keeps `tol` from being reached or certified, and more iterations do not help.
    n_iter_ : int
        Number of epochs of coordinate rounds, at least 1.
    history_ : list of dict
        Figures of every full pass: gap (``"certificate"``), objective and others.
    statistics_ : dict
        Counts and times of the last run; see :meth:`strads.engine.Run.statistics`.

    References
    ----------
    Kim, Ho, Lee, Zheng, Dai, Gibson, Xing. STRADS: a distributed framework for scheduled model
    parallel machine learning. EuroSys 2016.
    Massias, Gramfort, Salmon. Celer: a fast solver for the Lasso with dual extrapolation.
    ICML 2018.

    Examples
    --------
    >>> from strads import Lasso
    >>> Lasso(alpha=0.1).fit([[0, 0], [1, 1], [2, 2]], [0, 1, 2]).predict([[1, 1]]).round(3)
    array([1.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "positive": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
        "schedule": [StrOptions(set(BUILT_IN)), Schedule, None],
        "partition": [StrOptions({"contiguous", "balanced"}), "array-like", None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "callbacks": [callable, list, None],
    }

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        positive: bool = False,
        tol: float = 1e-6,
        max_iter: int = 100_000,
        n_workers: int | None = None,
        schedule: str | Schedule | None = None,
        partition: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        callbacks: Any = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.positive = positive
        self.tol = tol
        self.max_iter = max_iter
        self.n_workers = n_workers
        self.schedule = schedule
        self.partition = partition
        self.warm_start = warm_start
        self.random_state = random_state
        self.callbacks = callbacks

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Lasso:
        """Fit the model.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            A CSC matrix or an array in Fortran order is used without a copy; anything else is
            converted once.
        y : ndarray of shape (n_samples,)
            Targets.
        sample_weight : ndarray of shape (n_samples,), optional
            Weights of the squared errors; they are rescaled so that their sum is n_samples.

        Returns
        -------
        Lasso
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter, X, y or `sample_weight` is invalid, or if `warm_start` is set and X has
            another number of features than in the last fit.

        Warns
        -----
        ConvergenceWarning
            If `tol` was not reached within `max_iter` epochs.
        NotCertifiedWarning
            If rounding keeps `tol` from being reached or certified.
        """
        self._validate_params()
        X, y = validate_data(
            self, sound(X), sound(y, "y"), accept_sparse=("csc", "csr"), order="F",
            dtype=(np.float64, np.float32), y_numeric=True, accept_large_sparse=True,
        )  # fmt: skip
        if self.alpha == 0:
            warnings.warn(
                "alpha=0 is least squares without a penalty: the duality gap certifies nothing "
                "then and convergence may be slow; use LinearRegression instead",
                stacklevel=2,
            )
        start = self.coef_ if self.warm_start and hasattr(self, "coef_") else None
        if start is not None and len(start) != X.shape[1]:
            raise ValueError(
                f"warm_start: the last fit had {len(start)} features, X has {X.shape[1]}"
            )
        self._solve(X, np.asarray(y, dtype=np.float64), _weights(sample_weight, X), start)
        return self

    def _solve(self, X: Any, y: np.ndarray, sample_weight: Any, start: Any) -> None:
        """Fit validated data, with as many runs of the solver as `CertifiedFit` asks for."""
        X = sp.csc_array(X) if sp.issparse(X) else np.asfortranarray(X)
        fit = CertifiedFit(
            X, y, sample_weight, start, alpha=float(self.alpha), tol=float(self.tol),
            centred=self.fit_intercept, positive=self.positive, max_iter=int(self.max_iter),
        )  # fmt: skip
        entries = X.nnz if sp.issparse(X) else X.size
        workers = workers_for(self.n_workers, entries, ENTRIES)
        partition = None if self.partition is None else {"features": self.partition}
        for program in fit.programs(self._schedule()):
            fit.take(
                default_engine().run(
                    program, workers=workers, epochs=int(self.max_iter) + 1,
                    seed=seed_of(self.random_state), partition=partition,
                    instruments=self.callbacks,
                )
            )  # fmt: skip
        self.coef_, self.intercept_ = fit.coef, fit.intercept
        self.dual_gap_, self.verdict_ = fit.certificate.gap, fit.verdict
        self.certified_ = self.verdict_ == "certified"
        self.n_iter_ = max(1, fit.epochs)
        self.history_, self.statistics_ = fit.history, fit.statistics
        self._warn(fit)

    def _warn(self, fit: CertifiedFit) -> None:
        if self.certified_:
            return
        reached = f"a relative duality gap of {self.dual_gap_:.2e}, above tol={self.tol:.2e}"
        if self.verdict_ == "precision":
            warnings.warn(
                f"the result is not certified: {reached}, of which {fit.certificate.rounding:.2e} "
                "is the bound on rounding errors; more iterations do not help. Scale the features "
                "and y to ordinary sizes, remove features that are nearly copies of others, give X "
                "in double precision, or raise tol or alpha",
                NotCertifiedWarning,
                stacklevel=4,
            )
        else:
            warnings.warn(
                f"Lasso stopped ({fit.status}) after {self.n_iter_} epochs at {reached}; raise "
                "max_iter, tol or alpha, or scale the features",
                ConvergenceWarning,
                stacklevel=4,
            )

    def predict(self, X: Any) -> np.ndarray:
        """Predict Xw + b.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            Samples to predict.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predicted targets.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ValueError
            If X is invalid or has another number of features than in the fit.
        """
        check_is_fitted(self)
        X = validate_data(
            self, sound(X), accept_sparse=("csc", "csr"), dtype=(np.float64, np.float32),
            reset=False,
        )  # fmt: skip
        return np.asarray(X @ self.coef_).ravel() + self.intercept_

    @property
    def sparse_coef_(self) -> Any:
        """The weights `coef_` as a sparse row of shape (1, n_features)."""
        return sp.csr_array(self.coef_[None, :])

    def _schedule(self) -> Schedule | None:
        built_in = {
            "random": Random("chosen", lease=512, micro=8),
            "round-robin": RoundRobin("chosen", lease=512, micro=8),
            "priority": DEFAULT,
        }
        return built_in[self.schedule] if isinstance(self.schedule, str) else self.schedule

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _weights(sample_weight: Any, X: Any) -> np.ndarray | None:
    """Validate the weights of the samples; None stays None."""
    if sample_weight is None:
        return None
    weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weights.max() > 0:
        raise ValueError("sample_weight sums to zero: no sample counts")
    return weights
