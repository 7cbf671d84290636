"""Elastic net whose penalty is chosen by cross-validation, as scikit-learn names it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.fit_series import LASTING, one_fit
from strads.algorithms.linear.certified.certified_data import CertifiedData
from strads.algorithms.linear.cross_validation.held_out import (
    Paths,
    best_of,
    certified_paths,
    demand_folds,
    held_out_errors,
    mapped_paths,
    squared,
)
from strads.algorithms.linear.fits_at_once import fits_at_once
from strads.algorithms.linear.fitting import take_over
from strads.algorithms.linear.given import checked, weights_of_samples
from strads.algorithms.linear.grid import grid_of, largest_alpha
from strads.algorithms.linear.mapped.path import MappedPath
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.regression.elastic_net import ElasticNet
from strads.algorithms.linear.regression.linear_regressor import LinearRegressor
from strads.algorithms.linear.solving import Solving
from strads.datasets import MappedMatrix


class ElasticNetCV(LinearRegressor):
    r"""Elastic net with `alpha` (and `l1_ratio`) of the least error on held-out folds.

    The objective is that of :class:`strads.ElasticNet`. Every fold has a path over the grid of
    penalties; X is not copied for folds. The chosen model is then fitted to all data, with a
    certificate.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        ρ, from 0 (excluded, if the grid is to be chosen) to 1; of several, the best one is chosen.
    eps : float, default=1e-3
        Smallest penalty divided by the largest, if the grid is chosen.
    alphas : int or array-like, default=100
        Number of penalties, or the penalties.
    n_alphas : int, optional
        The number of penalties, as it was given in earlier versions of scikit-learn; without effect
        if `alphas` is a list of penalties.
    fit_intercept : bool, default=True
        Whether to fit the intercept b.
    precompute, copy_X, n_jobs
        Have no effect; they are there for calls written for scikit-learn.
    max_iter : int, default=100000
        Largest number of epochs for each penalty.
    tol : float, default=1e-6
        Relative duality gap to reach at every penalty.
    cv : int, cross-validation generator or iterable, optional
        Folds, as scikit-learn takes them; None: five.
    positive : bool, default=False
        Whether to constrain the weights to w ≥ 0.
    random_state : int, RandomState or None
        Seed of the schedule.
    selection : {"cyclic", "random"}, default="cyclic"
        As for :class:`strads.ElasticNet`; it concerns the final fit.
    rule : {"min", "1se"}, default="min"
        "min": the penalty of the least mean error. "1se": the largest penalty whose mean error is
        within one standard error of the least.
    early_stopping : int, optional
        The path of a fold ends after so many penalties in a row without a smaller error. Penalties
        that a fold has not reached are not chosen.
    n_workers : int, optional
        Number of folds that are fitted at the same time; None: by the size of the data. With
        `callbacks`, `checkpoint`, `resume_from` or `run_dir`, one fold is fitted after another.
        The final fit has one worker, since more of them would need another copy of X.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every full pass, of all paths and of the final fit.
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
        While penalties are compared there is no model to return.
    verbose : int, default=0
        1: show how the fit goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    run_dir : path, optional
        New folder in which the fit writes what it does, and its model; see docs/run-folder.md. If
        it is called ``runs``, each fit makes a folder of its own in it.
    max_seconds : float, optional
        The fit ends after the step in which so many seconds are used up, and keeps what it has.
    max_memory : int or str, optional
        Limit on the memory of a fit to X that stays in its file: see :class:`strads.Lasso`. A path
        ends where a support does not fit below it.

    Attributes
    ----------
    alpha_, l1_ratio_ : float
        The chosen penalty.
    coef_ : ndarray of shape (n_features,)
        Weights w.
    intercept_ : float
        Intercept b.
    mse_path_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratio, n_alphas, n_folds)
        Mean squared errors on the held-out rows; NaN where `early_stopping` ended a path.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        The grid, in descending order.
    dual_gap_, certified_, verdict_, n_iter_, history_, statistics_
        Of the final fit: see :class:`strads.Lasso`.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import ElasticNetCV
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> model = ElasticNetCV(l1_ratio=[0.5, 1.0], cv=3).fit(X, X[:, 0])
    >>> model.l1_ratio_, model.mse_path_.shape
    (1.0, (2, 100, 3))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"],
        "eps": [Interval(Real, 0, None, closed="neither")],
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "n_alphas": [Interval(Integral, 1, None, closed="left"), None],
        "fit_intercept": ["boolean"],
        "precompute": ["boolean", "array-like", StrOptions({"auto"})],
        "copy_X": ["boolean"],
        "verbose": ["verbose"],
        "n_jobs": [Integral, None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "cv": ["cv_object"],
        "positive": ["boolean"],
        "random_state": ["random_state"],
        "selection": [StrOptions({"cyclic", "random"})],
        "rule": [StrOptions({"min", "1se"})],
        "early_stopping": [Interval(Integral, 1, None, closed="left"), None],
        "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
        "max_memory": [Interval(Integral, 1, None, closed="left"), str, None],
        "callbacks": CALLBACKS,
        **LASTING,
    }

    def __init__(
        self,
        *,
        l1_ratio: float | Sequence[float] = 0.5,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 100_000,
        tol: float = 1e-6,
        cv: Any = None,
        copy_X: bool = True,
        verbose: Any = 0,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
        rule: str = "min",
        early_stopping: int | None = None,
        n_workers: int | None = None,
        callbacks: Any = None,
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        run_dir: Any = None,
        max_seconds: float | None = None,
        max_memory: Any = None,
        n_alphas: int | None = None,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.rule = rule
        self.early_stopping = early_stopping
        self.n_workers = n_workers
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.run_dir = run_dir
        self.max_seconds = max_seconds
        self.max_memory = max_memory
        self.n_alphas = n_alphas

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Choose the penalty, and fit the model to all data.

        Parameters
        ----------
        X : {ndarray, sparse matrix, MappedMatrix} of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,)
        sample_weight : float or ndarray of shape (n_samples,), optional
            Weights of the squared errors, when fitting and when judging.

        Returns
        -------
        Self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter, X, y or `sample_weight` is invalid, or if a callback stopped the fit
            before a penalty had been fitted on all folds.

        Warns
        -----
        ConvergenceWarning, NotCertifiedWarning
            If the path of a fold or the final fit misses `tol`: see :class:`strads.ElasticNet`.
        """
        self._validate_params()
        with one_fit(self, y, sample_weight, told=(X, y)):
            ratios = [float(ratio) for ratio in np.atleast_1d(self.l1_ratio)]
            for k, ratio in enumerate(ratios):
                if not 0.0 <= ratio <= 1.0:
                    raise ValueError(f"l1_ratio[{k}] == {ratio}, must be from 0 to 1")
            X, y = self._checked(X, y)
            weight = weights_of_samples(sample_weight, X)
            rows = np.empty((len(y), 1)) if isinstance(X, MappedMatrix) else X
            folds = demand_folds(list(check_cv(self.cv).split(rows, y)), len(y))
            largest = self._largest(X, y, weight)
            count = self.n_alphas if isinstance(self.alphas, Integral) else None
            wanted = self.alphas if count is None else count
            grids = [grid_of(wanted, self.eps, largest, ratio) for ratio in ratios]
            fits = fits_at_once(Solving.of(self), X, len(folds))
            errors = [
                held_out_errors(
                    X, y, weight, folds, len(grid), fits=fits, error=squared,
                    patience=self.early_stopping, solved=self._paths(
                        X, y, [Penalty.mixed(alpha, ratio) for alpha in grid], fits.solving
                    ),
                )
                for grid, ratio in zip(grids, ratios, strict=True)
            ]  # fmt: skip
            best = [best_of(each, self.rule) for each in errors]
            chosen = int(np.argmin([error for _, error in best]))
            self.l1_ratio_, self.alpha_ = ratios[chosen], float(grids[chosen][best[chosen][0]])
            several = np.ndim(self.l1_ratio) > 0
            self.mse_path_ = np.stack(errors) if several else errors[0]
            own_grids = several and isinstance(self.alphas, Integral)
            self.alphas_ = np.stack(grids) if own_grids else grids[0]
            chosen = self._chosen(fits.solving.n_workers)
            take_over(self, chosen.fit(X, y, sample_weight))
            return self

    def _checked(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        return checked(self, X, y)

    def _largest(self, X: Any, y: np.ndarray, weight: np.ndarray | None) -> float:
        """Return the least penalty of a Lasso that leaves no weight."""
        if isinstance(X, MappedMatrix):
            return MappedPath(self, X, y, weight).largest
        return largest_alpha(X, y, weight, centred=self.fit_intercept, positive=self.positive)

    def _paths(self, X: Any, y: np.ndarray, penalties: list[Penalty], solving: Solving) -> Paths:
        """Return what solves the path of a fold."""
        if isinstance(X, MappedMatrix):
            return mapped_paths(self, X, y, penalties)
        data_of = partial(CertifiedData, centred=self.fit_intercept, positive=self.positive)
        return certified_paths(data_of, X, y, penalties, solving)

    def _chosen(self, n_workers: int | None) -> Any:
        """Return the estimator of the chosen penalty, not fitted yet."""
        return ElasticNet(
            self.alpha_, l1_ratio=self.l1_ratio_, fit_intercept=self.fit_intercept,
            positive=self.positive, tol=self.tol, max_iter=self.max_iter,
            n_workers=n_workers, selection=self.selection, random_state=self.random_state,
            callbacks=self.callbacks, max_memory=self.max_memory,
        )  # fmt: skip
