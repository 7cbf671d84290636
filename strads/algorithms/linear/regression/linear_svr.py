"""Linear support vector regression."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.linear.dual.estimator import COMMON, fit_and_keep
from strads.algorithms.linear.dual.fit import Machine
from strads.algorithms.linear.given import checked, weights_of_samples
from strads.algorithms.linear.regression.linear_regressor import LinearRegressor


class LinearSVR(LinearRegressor):
    r"""Linear support vector regression with a certificate.

    .. math:: \min_{w, b} \frac12 (\|w\|^2 + (b/s)^2)
              + C \sum_i \max(0, |y_i - x_i^T w - b| - \epsilon)^q

    with q = 1 or 2, and s = `intercept_scaling`: as in LIBLINEAR, the intercept b is the weight of
    one more feature, which is s for every sample, and is penalised; a large s makes the penalty
    small. The algorithms are those of :class:`strads.LinearSVC`.

    Parameters
    ----------
    epsilon : float, default=0.0
        ε: errors up to this size cost nothing. At least 0, in the units of y.
    C : float, default=1.0
        Weight of the loss, above 0.
    loss : {"epsilon_insensitive", "squared_epsilon_insensitive"}, default="epsilon_insensitive"
        Loss of a sample, q = 1 or 2.
    fit_intercept : bool, default=True
        Whether to fit the intercept b.
    intercept_scaling : float, default=1.0
        s, above 0.
    dual : bool or "auto", default="auto"
        Has no effect: primal and dual problem are solved together.
    tol : float, default=1e-4
        Relative duality gap (P(w, b) − D(β)) / P(w, b) to reach. The gap is certified: see
        `dual_gap_`.
    max_iter : int, default=10000
        Largest number of epochs of coordinate descent and steps of Newton's method.
    n_workers : int, optional
        Number of logical workers. There is a single model, which one worker fits.
    warm_start : bool, default=False
        Whether to start from the dual variables of the last fit, times the growth of `C`, if there
        were as many samples.
    random_state : int, RandomState or None
        Seed of the order of the samples; None means 0.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every step, which is several epochs; a callable stops the fit by returning a
        true value.
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
    max_memory : int or str, optional
        Limit on the memory of a fit to X that stays in its file; see :class:`strads.Lasso`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Weights.
    intercept_ : float
        Intercept; 0.0 without `fit_intercept`.
    dual_coef_ : ndarray of shape (n_samples,)
        Dual variables β; 0 for samples that are no support vectors.
    dual_gap_ : float
        Upper bound on the relative duality gap of `coef_`, `intercept_` and `dual_coef_`, rounding
        errors included.
    certified_, verdict_, n_iter_, history_, statistics_
        See :class:`strads.LinearSVC`.

    References
    ----------
    Ho, Lin. Large-scale linear support vector regression. JMLR 13, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import LinearSVR
    >>> X = np.arange(6.0)[:, None]
    >>> LinearSVR(C=100.0).fit(X, 2.0 * X[:, 0] + 1.0).coef_.round(2)
    array([2.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **COMMON,
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "loss": [StrOptions({"epsilon_insensitive", "squared_epsilon_insensitive"})],
        "max_memory": [Interval(Integral, 1, None, closed="left"), str, None],
    }

    def __init__(
        self,
        *,
        epsilon: float = 0.0,
        C: float = 1.0,
        loss: str = "epsilon_insensitive",
        fit_intercept: bool = True,
        intercept_scaling: float = 1.0,
        dual: bool | str = "auto",
        tol: float = 1e-4,
        max_iter: int = 10_000,
        n_workers: int | None = None,
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
    ) -> None:
        self.epsilon = epsilon
        self.C = C
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.dual = dual
        self.tol = tol
        self.max_iter = max_iter
        self.n_workers = n_workers
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {ndarray, sparse matrix, MappedMatrix} of shape (n_samples, n_features)
            A CSR matrix or an array in C order is used without a copy; anything else is converted
            once.
        y : ndarray of shape (n_samples,)
            Targets.
        sample_weight : float or ndarray of shape (n_samples,), optional
            Weights of the samples, by which `C` is multiplied. A number stands for equal weights
            of 1.

        Returns
        -------
        Self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter, X, y or `sample_weight` is invalid.

        Warns
        -----
        ConvergenceWarning, NotCertifiedWarning
            If `tol` was not reached or certified: see :class:`strads.LinearSVC`.
        """
        self._validate_params()
        with one_fit(self, y, sample_weight, told=(X, y)):
            X, y = checked(self, X, y, rows=True)
            weights = weights_of_samples(sample_weight, X)
            cost = np.full(len(y), self.C) if weights is None else self.C * weights
            squared = self.loss == "squared_epsilon_insensitive"
            machine = Machine(X, y, cost, None, squared, float(self.epsilon))
            fitted = fit_and_keep(self, machine, (len(y),))
            self.coef_, self.intercept_ = fitted.coef[0], float(fitted.intercept[0])
            return self

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {**super()._shapes(), "dual_coef_": np.shape(getattr(self, "dual_coef_", ()))}
