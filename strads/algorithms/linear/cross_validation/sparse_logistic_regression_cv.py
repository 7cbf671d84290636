"""Logistic regression whose penalty is chosen by cross-validation."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.fit_series import LASTING, one_fit
from strads.algorithms.linear.certified.loss_data import LossData
from strads.algorithms.linear.classification.linear_classifier import class_weights, one_or_all
from strads.algorithms.linear.classification.logistic_classifier import LogisticClassifier
from strads.algorithms.linear.cross_validation.held_out import (
    Fold,
    best_of,
    certified_paths,
    demand_folds,
    held_out_errors,
)
from strads.algorithms.linear.cross_validation.together import grid_together, losses_together
from strads.algorithms.linear.fits_at_once import fits_at_once
from strads.algorithms.linear.fitting import fit_targets
from strads.algorithms.linear.given import checked_labels, weights_of_samples
from strads.algorithms.linear.grid import grid_of, largest_alpha
from strads.algorithms.linear.losses.logistic import LogisticLoss
from strads.algorithms.linear.multinomial.fit import fit_multinomial
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.solving import Solving


class SparseLogisticRegressionCV(LogisticClassifier):
    """Sparse logistic regression with `alpha` of the least loss on held-out folds.

    The objective is that of :class:`strads.SparseLogisticRegression`. Every fold has a path over
    the grid of penalties; X is not copied for folds. Models are judged by their mean logistic loss,
    the log-loss, on the held-out rows. The chosen model is then fitted to all data, with a
    certificate. Of more than two classes, each is separated from all others with a penalty of its
    own, or all are fitted together with one penalty (`multi_class`).

    Parameters
    ----------
    alphas : int or array-like, default=100
        Number of penalties, or the penalties.
    eps : float, default=1e-2
        Smallest penalty divided by the largest, if the grid is chosen.
    l1_ratio : float, default=1.0
        Share of the L1 penalty, above 0 and at most 1.
    fit_intercept : bool, default=True
        Whether to fit the intercept b.
    multi_class : {"ovr", "multinomial"}, default="ovr"
        What is done with more than two classes: see :class:`strads.SparseLogisticRegression`. With
        "multinomial" each model of a path is a run that starts from the weights of the one before.
    class_weight : dict or "balanced", optional
        Weights of the classes, when fitting and when judging.
    cv : int, cross-validation generator or iterable, optional
        Folds, as scikit-learn takes them; None: five, with equal shares of the classes.
    rule : {"min", "1se"}, default="min"
        "min": the penalty of the least mean loss. "1se": the largest penalty whose mean loss is
        within one standard error of the least.
    early_stopping : int, optional
        The path of a fold ends after so many penalties in a row without a smaller loss. Penalties
        that a fold has not reached are not chosen.
    positive : bool, default=False
        Whether to constrain the weights to w ≥ 0.
    tol : float, default=1e-6
        Relative duality gap to reach at every penalty.
    max_iter : int, default=100000
        Largest number of epochs for each penalty.
    n_workers : int, optional
        Number of folds that are fitted at the same time, and of logical workers of the final fit;
        None: by the size of the data. See :class:`strads.ElasticNetCV`.
    random_state : int, RandomState or None
        Seed of the schedule.
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

    Attributes
    ----------
    alpha_, C_ : float or ndarray of shape (n_classes,)
        The chosen penalty, one for each model of more than two separated from all others; C =
        1 / (n alpha), with the sum of the samples' weights for n.
    classes_, coef_, intercept_
        See :class:`strads.SparseLogisticRegression`.
    loss_path_ : ndarray of shape (n_alphas, n_folds) or (n_classes, n_alphas, n_folds)
        Mean losses on the held-out rows; NaN where `early_stopping` ended a path.
    alphas_ : ndarray of shape (n_alphas,) or (n_classes, n_alphas)
        The grid, in descending order.
    dual_gap_, certified_, verdict_, n_iter_, history_, statistics_
        Of the final fit: see :class:`strads.SparseLogisticRegression`.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import SparseLogisticRegressionCV
    >>> X = np.random.default_rng(0).normal(size=(80, 5))
    >>> model = SparseLogisticRegressionCV(alphas=10, cv=3).fit(X, X[:, 0] > 0.0)
    >>> model.loss_path_.shape
    (10, 3)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "eps": [Interval(Real, 0, None, closed="neither")],
        "l1_ratio": [Interval(Real, 0, 1, closed="right")],
        "fit_intercept": ["boolean"],
        "multi_class": [StrOptions({"ovr", "multinomial"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "cv": ["cv_object"],
        "rule": [StrOptions({"min", "1se"})],
        "early_stopping": [Interval(Integral, 1, None, closed="left"), None],
        "positive": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
        "random_state": ["random_state"],
        "callbacks": CALLBACKS,
        **LASTING,
    }

    def __init__(
        self,
        alphas: Any = 100,
        *,
        eps: float = 1e-2,
        l1_ratio: float = 1.0,
        fit_intercept: bool = True,
        multi_class: str = "ovr",
        class_weight: Any = None,
        cv: Any = None,
        rule: str = "min",
        early_stopping: int | None = None,
        positive: bool = False,
        tol: float = 1e-6,
        max_iter: int = 100_000,
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
        self.alphas = alphas
        self.eps = eps
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.multi_class = multi_class
        self.class_weight = class_weight
        self.cv = cv
        self.rule = rule
        self.early_stopping = early_stopping
        self.positive = positive
        self.tol = tol
        self.max_iter = max_iter
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
        y : array-like of shape (n_samples,)
            Labels: numbers, strings or anything else that can be sorted.
        sample_weight : float or ndarray of shape (n_samples,), optional
            Weights of the samples, when fitting and when judging.

        Returns
        -------
        Self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter, X, y or `sample_weight` is invalid, if a class has no weight, in all or
            in what a fold is fitted to, or if a callback stopped the fit before a penalty had been
            fitted on all folds.

        Warns
        -----
        ConvergenceWarning, NotCertifiedWarning
            If the path of a fold or the final fit misses `tol`: see
            :class:`strads.SparseLogisticRegression`.
        """
        self._validate_params()
        with one_fit(self, y, sample_weight, told=(X, y)):
            X, labels, y = checked_labels(self, X, y)
            weights = weights_of_samples(sample_weight, X)
            weights = class_weights(weights, self.class_weight, labels, y)
            folds = demand_folds(list(check_cv(self.cv, y, classifier=True).split(X, y)), len(y))
            for train, _ in folds:
                demand_classes(y[train], None if weights is None else weights[train], labels)
            together = self.multi_class == "multinomial" and len(labels) > 2
            targets = [y] if together else one_or_all(labels, y)
            grid_for = partial(grid_together, self) if together else self._grid
            losses_for = partial(losses_together, self) if together else self._losses
            grids = [grid_for(X, target, weights) for target in targets]
            losses = [
                losses_for(X, target, weights, folds, grid)
                for target, grid in zip(targets, grids, strict=True)
            ]
            best = [best_of(loss, self.rule)[0] for loss in losses]
            alphas = np.array([grid[k] for grid, k in zip(grids, best, strict=True)])
            total = len(y) if weights is None else float(weights.sum())
            for name, values in {
                "alpha_": alphas, "C_": 1.0 / (total * alphas), "loss_path_": np.stack(losses),
                "alphas_": np.stack(grids),
            }.items():  # fmt: skip
                setattr(self, name, values[0] if len(targets) == 1 else values)
            self.classes_ = labels
            penalties = [Penalty.mixed(alpha, self.l1_ratio) for alpha in alphas]
            if together:
                fit_multinomial(self, X, y, weights, penalties[0])
            else:
                fit_targets(self, LogisticLoss(), X, targets, weights, penalties)
            return self

    def _grid(self, X: Any, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        # Without an intercept, the best model without features has the probability ½.
        from_middle = y if self.fit_intercept else y - 0.5
        largest = largest_alpha(
            X, from_middle, weights, centred=self.fit_intercept, positive=self.positive
        )
        return grid_of(self.alphas, self.eps, largest, self.l1_ratio)

    def _losses(
        self, X: Any, y: np.ndarray, weights: np.ndarray | None, folds: list[Fold],
        grid: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        """Return the held-out losses of one model's path, for every penalty and fold."""
        loss = LogisticLoss()
        data_of = partial(LossData, loss, centred=self.fit_intercept, positive=self.positive)
        fits = fits_at_once(Solving.of(self), X, len(folds))
        penalties = [Penalty.mixed(alpha, self.l1_ratio) for alpha in grid]
        return held_out_errors(
            X, y, weights, folds, len(grid), fits=fits,
            solved=certified_paths(data_of, X, y, penalties, fits.solving), error=loss.value,
            patience=self.early_stopping,
        )  # fmt: skip


def demand_classes(y: np.ndarray, weights: np.ndarray | None, labels: np.ndarray) -> None:
    """Refuse a fold whose rows to fit to lack a class, or all weight of one."""
    counted = y if weights is None else y[weights > 0.0]
    for column, label in enumerate(labels):
        if not np.any(counted == column):
            raise ValueError(
                f"a fold has no sample of class {label!r} to fit to: give fewer folds (cv), or "
                "leave out classes with few samples"
            )
