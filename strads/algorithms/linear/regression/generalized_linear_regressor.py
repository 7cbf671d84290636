"""Linear regression with a loss of the user's choice."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

from sklearn.utils._param_validation import Interval

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.linear.choices import SOLVING
from strads.algorithms.linear.fitting import fit_loss, keep, starts_of
from strads.algorithms.linear.given import check_loss, checked, weights_of_samples
from strads.algorithms.linear.losses.loss import Loss
from strads.algorithms.linear.losses.named import LOSSES, link_of, named_loss
from strads.algorithms.linear.messages import warn_of_no_l1_penalty, warn_unless_certified
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.regression.linear_regressor import LinearRegressor
from strads.engine import Schedule


class GeneralizedLinearRegressor(LinearRegressor):
    r"""Linear model with any smooth, convex loss and the penalty of an elastic net.

    .. math:: \min_{w, b} \frac{1}{n} \sum_i \varphi(x_i^T w + b, y_i)
              + \alpha \rho \|w\|_1 + \frac{\alpha (1 - \rho)}{2} \|w\|_2^2

    with ρ = `l1_ratio`, and an intercept b that is not penalised. With weights of samples the first
    term is their weighted mean. It is solved as :class:`strads.SparseLogisticRegression` is; how to
    write a loss is told in docs/programs.md.

    Parameters
    ----------
    loss : {"huber", "poisson"} or Loss, default="huber"
        φ. The names stand for ``HuberLoss()`` and ``PoissonLoss()``.
    alpha : float, default=1.0
        Weight of both penalties, at least 0.
    l1_ratio : float, default=1.0
        ρ, the share of the L1 penalty, from 0 to 1. With 0 no gap can be certified.
    fit_intercept : bool, default=True
        Whether to fit the intercept b.
    positive : bool, default=False
        Whether to constrain the weights to w ≥ 0.
    tol : float, default=1e-6
        Relative duality gap (P(w, b) − D(θ)) / P(0) to reach, where P(0) is the loss of the best
        model without features.
    max_iter : int, default=100000
        Largest number of epochs of coordinate rounds, sweeps and linear systems.
    n_workers, schedule, partition, warm_start, random_state, callbacks
        See :class:`strads.SparseLogisticRegression`.
    checkpoint, resume_from, on_interrupt, verbose, run_dir, max_seconds
        See :class:`strads.SparseLogisticRegression`.
    max_memory : int or str, optional
        Limit on the memory of a fit to X that stays in its file; see :class:`strads.Lasso`.
    priorities : array-like of shape (n_features,), optional
        Positive factors by which the scores are multiplied that decide which features are fitted
        first; None: 1 for all. The optimum is the same; only the way there differs.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Weights w.
    intercept_ : float
        Intercept b; 0.0 without `fit_intercept`.
    dual_gap_ : float
        Upper bound on the relative duality gap of the model as it is returned, rounding errors
        included, if the loss keeps what :class:`strads.Loss` demands.
    link_ : {"identity", "log"}
        "log": :meth:`predict` returns exp(Xw + b).
    certified_, verdict_, n_iter_, history_, statistics_
        See :class:`strads.SparseLogisticRegression`.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import GeneralizedLinearRegressor, HuberLoss
    >>> X = np.arange(6.0)[:, None]
    >>> y = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 500.0])
    >>> GeneralizedLinearRegressor(HuberLoss(0.1), alpha=1e-3).fit(X, y).coef_.round(2)
    array([1.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SOLVING,
        "priorities": ["array-like", None],
        "loss": LOSSES,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "max_memory": [Interval(Integral, 1, None, closed="left"), str, None],
    }

    def __init__(
        self,
        loss: str | Loss = "huber",
        *,
        alpha: float = 1.0,
        l1_ratio: float = 1.0,
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
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        verbose: int = 0,
        run_dir: Any = None,
        max_seconds: float | None = None,
        max_memory: Any = None,
        priorities: Any = None,
    ) -> None:
        self.loss = loss
        self.alpha = alpha
        self.l1_ratio = l1_ratio
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
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.verbose = verbose
        self.run_dir = run_dir
        self.max_seconds = max_seconds
        self.max_memory = max_memory
        self.priorities = priorities

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {ndarray, sparse matrix, MappedMatrix} of shape (n_samples, n_features)
            A CSC matrix or an array in Fortran order is used without a copy; anything else is
            converted once.
        y : ndarray of shape (n_samples,)
            Targets.
        sample_weight : float or ndarray of shape (n_samples,), optional
            Weights of the samples. A number stands for equal weights.

        Returns
        -------
        Self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter, X, y or `sample_weight` is invalid, if y has values that the loss does
            not take, or if `warm_start` is set and X has another number of features than in the
            last fit.

        Warns
        -----
        ConvergenceWarning, NotCertifiedWarning
            If `tol` was not reached or certified: see :class:`strads.SparseLogisticRegression`.
        """
        self._validate_params()
        with one_fit(self, y, sample_weight, told=(X, y)):
            X, y = checked(self, X, y)
            if self.alpha * self.l1_ratio == 0:
                warn_of_no_l1_penalty(self.alpha)
            loss = named_loss(self.loss)
            weights = weights_of_samples(sample_weight, X)
            check_loss(loss, y, weights, centred=self.fit_intercept)
            self.link_ = link_of(loss)
            (start,) = starts_of(self, X.shape[1], 1)
            fit = fit_loss(
                self, loss, X, y, weights, Penalty.mixed(self.alpha, self.l1_ratio), start,
            )  # fmt: skip
            keep(self, [fit])
            warn_unless_certified(fit, self.n_iter_)
            return self
