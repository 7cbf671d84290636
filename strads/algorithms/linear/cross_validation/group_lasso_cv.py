"""The group Lasso whose penalty is chosen by cross-validation."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

from sklearn.model_selection import check_cv
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.fit_series import LASTING, one_fit
from strads.algorithms.linear.cross_validation.held_out import (
    best_of,
    demand_folds,
    held_out_errors,
    squared,
    task_paths,
)
from strads.algorithms.linear.fits_at_once import fits_at_once
from strads.algorithms.linear.fitting import take_over
from strads.algorithms.linear.given import checked, weights_of_samples
from strads.algorithms.linear.grid import grid_of, scores_at_zero
from strads.algorithms.linear.groups.groups import Groups
from strads.algorithms.linear.groups.program import GroupLassoProgram
from strads.algorithms.linear.multi_task.fit import MultiTaskFit
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.regression.group_lasso import GroupLasso
from strads.algorithms.linear.regression.linear_regressor import LinearRegressor
from strads.algorithms.linear.solving import Solving


class GroupLassoCV(LinearRegressor):
    """Group Lasso with `alpha` of the least error on held-out folds.

    The objective is that of :class:`strads.GroupLasso`. Every fold has a path over the grid of
    penalties, each fit of which starts from the weights of the one before; X is not copied for
    folds. The chosen model is then fitted to all data, with a certificate.

    Parameters
    ----------
    groups : int, list of int, or list of lists of int, default=1
        See :class:`strads.GroupLasso`.
    weights : None, "sqrt" or array-like of shape (n_groups,), default=None
        Weights of the groups in the penalty: see there.
    eps : float, default=1e-3
        Smallest penalty divided by the largest, if the grid is chosen.
    alphas : int or array-like, default=100
        Number of penalties, or the penalties.
    fit_intercept : bool, default=True
        Whether to fit the intercept b.
    positive : bool, default=False
        Whether to constrain the weights to w ≥ 0.
    tol : float, default=1e-6
        Relative duality gap to reach at every penalty.
    max_iter : int, default=100000
        Largest number of epochs for each penalty.
    cv : int, cross-validation generator or iterable, optional
        Folds, as scikit-learn takes them; None: five.
    rule : {"min", "1se"}, default="min"
        "min": the penalty of the least mean error. "1se": the largest penalty whose mean error is
        within one standard error of the least.
    early_stopping : int, optional
        The path of a fold ends after so many penalties in a row without a smaller error. Penalties
        that a fold has not reached are not chosen.
    n_workers : int, optional
        Number of folds that are fitted at the same time; None: by the size of the data. See
        :class:`strads.ElasticNetCV`.
    random_state : int, RandomState or None
        Seed of the schedule.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every full pass, of all paths and of the final fit.
    checkpoint, resume_from, on_interrupt, verbose, run_dir, max_seconds
        See :class:`strads.ElasticNetCV`.

    Attributes
    ----------
    alpha_ : float
        The chosen penalty.
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Weights.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept b.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared errors on the held-out rows; NaN where `early_stopping` ended a path.
    alphas_ : ndarray of shape (n_alphas,)
        The grid, in descending order.
    dual_gap_, certified_, verdict_, n_iter_, history_, statistics_
        Of the final fit: see :class:`strads.GroupLasso`.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import GroupLassoCV
    >>> X = np.random.default_rng(0).normal(size=(60, 6))
    >>> GroupLassoCV(groups=2, alphas=10, cv=3).fit(X, X[:, 2] - X[:, 3]).coef_.round(1) + 0.0
    array([ 0.,  0.,  1., -1.,  0.,  0.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "groups": [Interval(Integral, 1, None, closed="left"), list, tuple, "array-like"],
        "weights": [StrOptions({"sqrt"}), "array-like", None],
        "eps": [Interval(Real, 0, None, closed="neither")],
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "fit_intercept": ["boolean"],
        "positive": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "rule": [StrOptions({"min", "1se"})],
        "early_stopping": [Interval(Integral, 1, None, closed="left"), None],
        "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
        "random_state": ["random_state"],
        "callbacks": CALLBACKS,
        **LASTING,
    }

    def __init__(
        self,
        groups: Any = 1,
        *,
        weights: Any = None,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        positive: bool = False,
        tol: float = 1e-6,
        max_iter: int = 100_000,
        cv: Any = None,
        rule: str = "min",
        early_stopping: int | None = None,
        n_workers: int | None = None,
        random_state: Any = None,
        callbacks: Any = None,
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        verbose: int = 0,
        run_dir: Any = None,
        max_seconds: float | None = None,
    ) -> None:
        self.groups = groups
        self.weights = weights
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.positive = positive
        self.tol = tol
        self.max_iter = max_iter
        self.cv = cv
        self.rule = rule
        self.early_stopping = early_stopping
        self.n_workers = n_workers
        self.random_state = random_state
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.verbose = verbose
        self.run_dir = run_dir
        self.max_seconds = max_seconds

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Choose the penalty, and fit the model to all data.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : float or ndarray of shape (n_samples,), optional
            Weights of the squared errors, when fitting and when judging.

        Returns
        -------
        Self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter, X, y or `sample_weight` is invalid, if the groups are no partition of
            the features, or if a callback stopped the fit before a penalty had been fitted on all
            folds.

        Warns
        -----
        ConvergenceWarning, NotCertifiedWarning
            If the path of a fold or the final fit misses `tol`: see :class:`strads.GroupLasso`.
        """
        self._validate_params()
        with one_fit(self, y, sample_weight, told=(X, y)):
            X, y = checked(self, X, y, several=True)
            groups = Groups(self.groups, self.weights, X.shape[1])
            weight = weights_of_samples(sample_weight, X)
            folds = demand_folds(list(check_cv(self.cv).split(X, y)), len(y))
            targets = y.reshape(len(y), -1)
            scores = scores_at_zero(X, targets, weight, centred=self.fit_intercept)
            largest = groups.largest_alpha(scores, positive=self.positive)
            self.alphas_ = grid_of(self.alphas, self.eps, largest, 1.0)
            fits = fits_at_once(Solving.of(self), X, len(folds))
            self.mse_path_ = held_out_errors(
                X, targets, weight, folds, len(self.alphas_), fits=fits, error=squared,
                patience=self.early_stopping,
                solved=task_paths(
                    fits.solving,
                    lambda weights: MultiTaskFit(
                        X, targets, weights, self.fit_intercept, GroupLassoProgram,
                        groups=groups, positive=int(self.positive),
                    ),
                    [Penalty(float(alpha)) for alpha in self.alphas_],
                ),
            )  # fmt: skip
            self.alpha_ = float(self.alphas_[best_of(self.mse_path_, self.rule)[0]])
            chosen = self._chosen(fits.solving.n_workers)
            take_over(self, chosen.fit(X, y, sample_weight))
            return self

    def _chosen(self, n_workers: int | None) -> GroupLasso:
        """Return the estimator of the chosen penalty, not fitted yet."""
        return GroupLasso(
            self.groups, self.alpha_, weights=self.weights, fit_intercept=self.fit_intercept,
            positive=self.positive, tol=self.tol, max_iter=self.max_iter,
            n_workers=n_workers, random_state=self.random_state, callbacks=self.callbacks,
        )  # fmt: skip

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
