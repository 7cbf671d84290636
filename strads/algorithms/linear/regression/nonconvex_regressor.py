"""Linear regression with a concave penalty: MCP, SCAD, or one of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar, Self

from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.linear.choices import SOLVING
from strads.algorithms.linear.concave.concave_penalty import ConcavePenalty
from strads.algorithms.linear.concave.fit import ConcaveFit
from strads.algorithms.linear.concave.mcp import MCP
from strads.algorithms.linear.concave.scad import SCAD
from strads.algorithms.linear.fitting import starts_of
from strads.algorithms.linear.given import check_loss, checked, weights_of_samples
from strads.algorithms.linear.losses.loss import Loss
from strads.algorithms.linear.losses.named import LOSSES, link_of, named_loss
from strads.algorithms.linear.regression.linear_regressor import LinearRegressor
from strads.engine import Schedule

#: Penalties by name.
NAMED: dict[str, Callable[..., ConcavePenalty]] = {"mcp": MCP, "scad": SCAD}


class NonconvexRegressor(LinearRegressor):
    r"""Linear model with a concave penalty, which shrinks large weights less than the Lasso does.

    .. math:: \min_{w, b} \frac{1}{2n} \|y - Xw - b\|_2^2 + \sum_j \rho(|w_j|, \alpha)

    or, with `loss`, the mean of that loss in place of half the mean squared error. It is solved as
    a sequence of problems with L1 penalties, the first of which is the Lasso, with second-order
    steps on the support between them; how to write a penalty is told in docs/programs.md.

    The problem is not convex. The fit ends at a stationary point, as a rule a local minimum. There
    is no duality gap: nothing bounds how far the objective is from the least one.

    Parameters
    ----------
    penalty : {"mcp", "scad"} or ConcavePenalty, default="mcp"
        ρ. The names stand for :class:`strads.MCP` and :class:`strads.SCAD`.
    alpha : float, default=1.0
        α, the slope of ρ at zero, for these two. With MCP and SCAD, features should have a mean
        square of about 1: the sizes of weights matter.
    gamma : float, optional
        γ of a penalty that is given by name: above 0 for MCP, above 1 for SCAD. None: 3.0 and 3.7.
    loss : {"huber", "poisson"} or Loss, optional
        As :class:`strads.GeneralizedLinearRegressor` takes it; None: half the squared error.
    fit_intercept : bool, default=True
        Whether to fit the intercept b.
    positive : bool, default=False
        Whether to constrain the weights to w ≥ 0.
    tol : float, default=1e-6
        Stationarity residual to reach: the largest violation of a weight's optimality condition,
        as a share of the slope of ρ at zero.
    max_iter : int, default=100000
        Largest number of epochs of coordinate rounds, sweeps and linear systems.
    n_workers, schedule, partition, warm_start, random_state, callbacks
        See :class:`strads.Lasso`.
    checkpoint, resume_from, on_interrupt, verbose, run_dir, max_seconds
        See :class:`strads.Lasso`.
    priorities : array-like of shape (n_features,), optional
        Positive factors by which the scores are multiplied that decide which features are fitted
        first; None: 1 for all. With a concave penalty the stationary point may be another one.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Weights w, in double precision.
    intercept_ : float
        Intercept b; 0.0 without `fit_intercept`.
    stationarity_ : float
        The stationarity residual of the model as it is returned.
    link_ : {"identity", "log"}
        "log": :meth:`predict` returns exp(Xw + b).
    verdict_ : {"stationary", "max_iter", "max_seconds", "callback", "interrupted", "precision"}
        Why the fit ended. "stationary": `stationarity_` is within `tol`. "precision": rounding
        keeps it from that.
    n_iter_, history_, statistics_
        See :class:`strads.Lasso`; of every full pass, ``"certificate"`` is the stationarity
        residual.

    References
    ----------
    Zhang. Nearly unbiased variable selection under minimax concave penalty. Ann. Stat. 38, 2010.
    Zou, Li. One-step sparse estimates in nonconcave penalized likelihood models. Ann. Stat. 36,
    2008.

    Examples
    --------
    >>> from strads import NonconvexRegressor
    >>> X = [[-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [1.0, 1.0]]
    >>> NonconvexRegressor("mcp", alpha=0.5).fit(X, [-3.1, 3.1, -2.9, 2.9]).coef_
    array([3., 0.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SOLVING,
        "priorities": ["array-like", None],
        "penalty": [StrOptions(set(NAMED)), HasMethods(["value", "slope"])],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "loss": [*LOSSES, None],
    }

    def __init__(
        self,
        penalty: str | ConcavePenalty = "mcp",
        alpha: float = 1.0,
        *,
        gamma: float | None = None,
        loss: str | Loss | None = None,
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
        priorities: Any = None,
    ) -> None:
        self.penalty = penalty
        self.alpha = alpha
        self.gamma = gamma
        self.loss = loss
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
        self.priorities = priorities

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
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
            If a parameter, X, y or `sample_weight` is invalid, if squares of X or y leave the range
            of numbers, or if `warm_start` is set and X has another number of features than in the
            last fit.

        Warns
        -----
        ConvergenceWarning
            If `tol` was not reached within `max_iter` epochs, or before a callback stopped the fit.
        NotCertifiedWarning
            If rounding keeps `tol` from being reached.
        """
        self._validate_params()
        with one_fit(self, y, sample_weight, told=(X, y)):
            X, y = checked(self, X, y)
            loss, rho = named_loss(self.loss), self._rho()
            weights = weights_of_samples(sample_weight, X)
            check_loss(loss, y, weights, centred=self.fit_intercept)
            self.link_ = link_of(loss)
            (start,) = starts_of(self, X.shape[1], 1)
            ConcaveFit(X, y, weights, loss, rho, centred=self.fit_intercept).run(self, start)
            return self

    def _rho(self) -> ConcavePenalty:
        if not isinstance(self.penalty, str):
            if self.gamma is not None:
                raise ValueError("gamma is for penalties given by name: leave one of the two out")
            return self.penalty
        return NAMED[self.penalty](*(() if self.gamma is None else (self.gamma,)))
