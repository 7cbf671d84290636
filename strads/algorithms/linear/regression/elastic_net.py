"""The elastic net, which follows scikit-learn's conventions; the Lasso is a case of it."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.linear.certified.certified_data import CertifiedData
from strads.algorithms.linear.certified.certified_fit import CertifiedFit
from strads.algorithms.linear.choices import SOLVING, asked_schedule
from strads.algorithms.linear.fitted import Fitted
from strads.algorithms.linear.fitting import fit_certified, keep, starts_of
from strads.algorithms.linear.for_features import weights_of_features
from strads.algorithms.linear.given import checked, unchecked, weights_of_samples
from strads.algorithms.linear.mapped.fit import MappedFit
from strads.algorithms.linear.mapped.judging import squared_errors
from strads.algorithms.linear.messages import warn_of_no_l1_penalty, warn_unless_certified
from strads.algorithms.linear.paths.enet_path import enet_path
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.regression.linear_regressor import LinearRegressor
from strads.datasets import MappedMatrix
from strads.engine import Schedule


class ElasticNet(LinearRegressor):
    r"""Linear model with an L1 and a squared L2 penalty, solved by scheduled model parallelism.

    .. math:: \min_{w, b} \frac{1}{2n} \|y - Xw - b\|_2^2 + \alpha \rho \|w\|_1
              + \frac{\alpha (1 - \rho)}{2} \|w\|_2^2

    with ρ = `l1_ratio`. It is solved as a Lasso whose data have one more row for each feature,
    √(nα(1 − ρ)) times the unit vector; these rows are never stored.

    How it is solved, and what the other parameters do, is the same as for :class:`strads.Lasso`.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of both penalties, at least 0; it means the same as scikit-learn's `alpha`.
    l1_ratio : float, default=0.5
        ρ, the share of the L1 penalty, from 0 to 1. With 1 this is the Lasso. With 0 no weight is
        zero and no gap can be certified: use scikit-learn's Ridge then.
    weights : array-like of shape (n_features,), optional
        Factors by which the L1 penalty of each feature is multiplied: ``α ρ Σ weights_j |w_j|``;
        None: 1 for all. 0: no L1 penalty, as for covariates that are to stay in the model: their
        weights minimise the loss, given all others; their columns are copied as dense ones. inf:
        w_j is zero.
    fit_intercept : bool, default=True
        Whether to fit the intercept b. Sparse X is centred implicitly and stays sparse.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        Has no effect, as the result is the same: products of the columns of the working set are
        always computed, and never those of all columns. A Gram matrix that is given is not read.
    copy_X : bool, default=True
        Has no effect: X is never overwritten.
    positive : bool, default=False
        Whether to constrain the weights to w ≥ 0.
    tol : float, default=1e-6
        Relative duality gap (P(w) − D(θ)) / P(0) to reach, with P(0) = ‖y − ȳ‖² / 2n. The gap is
        certified for the weights that are returned: see `dual_gap_`.
    max_iter : int, default=100000
        Largest number of epochs of coordinate rounds; an epoch dispatches as many ids as the
        working set has. A linear system of Newton's method counts as an epoch.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core. A fit of sparse X
        begins with one and goes on with one a core if it takes long, which is decided by counting
        its work. The result depends on this number only within `tol`; with the same number (of
        workers, or of cores if None), fits are equal bit for bit.
    schedule : {"auto", "priority", "random", "round-robin"} or Schedule, optional
        Schedule of the coordinate rounds, over axis ``"chosen"`` (the members of the working set).
        None: what `selection` says, and Newton's method for dense X of at most 4,096 rows.
        "auto": :class:`strads.Auto`, where there are coordinate rounds.
    selection : {"cyclic", "random"}, default="cyclic"
        "cyclic": priority with a dependency filter, and, for sparse X, sweeps in cyclic order
        without a schedule once the Gram matrix that coordinate rounds need would cost more than
        the sweeps. "random": the same as ``schedule="random"``.
    partition : {"contiguous", "balanced"} or array of shape (n_features,), optional
        Partition of the features over the workers for the full passes; None: balanced by
        non-zeros.
    warm_start : bool, default=False
        Whether to start from the `coef_` of the last fit.
    random_state : int, RandomState or None
        Seed of the schedule; None means 0.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every step, which is a full pass; a callable stops the fit by returning a true
        value.
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
    priorities : array-like of shape (n_features,), optional
        Positive factors by which the scores are multiplied that decide which features are fitted
        first; None: 1 for all. The optimum is the same; only the way there differs.
    max_memory : int or str, optional
        Limit on the memory of a fit to X that stays in its file, beyond what Python and its
        libraries take: bytes, or text such as ``"256 MB"``; None: half of what is left. See
        :func:`strads.datasets.map_matrix` and docs/larger-than-memory.md.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Weights w.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept b; 0.0 without `fit_intercept`.
    dual_gap_ : float
        Upper bound on the relative duality gap of `coef_` as it is returned, rounding errors
        included; infinite if rounding leaves no bound.
    certified_ : bool
        Whether `dual_gap_` is within `tol`.
    verdict_ : {"certified", "max_iter", "max_seconds", "callback", "interrupted", "precision"}
        Why the fit ended. "certified": `tol` is certified. "max_iter": the epochs were used up.
        "callback": a callback stopped the fit. "max_seconds": the time was used up. "interrupted":
        Ctrl-C came. "precision": rounding, of the arithmetic or of `coef_`, keeps `tol` from being
        reached or certified, and more iterations do not help.
    n_iter_ : int
        Number of epochs of coordinate rounds or systems of Newton's method, at least 1.
    history_ : list of dict
        Figures of every full pass: gap (``"certificate"``), objective and others.
    statistics_ : dict
        Counts and times of the last run; see :meth:`strads.engine.Run.statistics`. Of several
        targets, `dual_gap_`, `n_iter_`, `history_` and `statistics_` have one entry each, and
        `verdict_` is the first that is not "certified".

    References
    ----------
    Kim, Ho, Lee, Zheng, Dai, Gibson, Xing. STRADS: a distributed framework for scheduled model
    parallel machine learning. EuroSys 2016.
    Zou, Hastie. Regularization and variable selection via the elastic net. J. R. Stat. Soc. B 67,
    2005; lemma 1.

    Examples
    --------
    >>> from strads import ElasticNet
    >>> ElasticNet(alpha=0.1).fit([[0, 0], [1, 1], [2, 2]], [0, 1, 2]).coef_.round(3)
    array([0.448, 0.448])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SOLVING,
        "priorities": ["array-like", None],
        "max_memory": [Interval(Integral, 1, None, closed="left"), str, None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "weights": ["array-like", None],
        "precompute": ["boolean", "array-like"],
        "copy_X": ["boolean"],
        "selection": [StrOptions({"cyclic", "random"})],
    }

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        weights: Any = None,
        fit_intercept: bool = True,
        precompute: Any = False,
        copy_X: bool = True,
        positive: bool = False,
        tol: float = 1e-6,
        max_iter: int = 100_000,
        n_workers: int | None = None,
        schedule: str | Schedule | None = None,
        selection: str = "cyclic",
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
        max_memory: Any = None,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.weights = weights
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.copy_X = copy_X
        self.positive = positive
        self.tol = tol
        self.max_iter = max_iter
        self.n_workers = n_workers
        self.schedule = schedule
        self.selection = selection
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
        self.max_memory = max_memory

    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {ndarray, sparse matrix, MappedMatrix} of shape (n_samples, n_features)
            A CSC matrix or an array in Fortran order is used without a copy; anything else is
            converted once. A matrix of :func:`strads.datasets.map_matrix` stays in its file.
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Targets. Several targets are fitted one after another, each by itself.
        sample_weight : float or ndarray of shape (n_samples,), optional
            Weights of the squared errors; they are rescaled so that their sum is n_samples. A
            number stands for equal weights.
        check_input : bool, default=True
            False: X and y are float64 or float32 arrays (X may be a CSC matrix) without NaN and
            infinity, and are not checked for that. Indices of sparse matrices always are.

        Returns
        -------
        Self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter, X, y or `sample_weight` is invalid, or if `warm_start` is set and X has
            another number of features than in the last fit.

        Warns
        -----
        ConvergenceWarning
            If `tol` was not reached within `max_iter` epochs, or before a callback stopped the fit.
        NotCertifiedWarning
            If rounding keeps `tol` from being reached or certified.
        """
        self._validate_params()
        with one_fit(self, y, sample_weight, told=(X, y)):
            schedule = asked_schedule(self.schedule, self.selection)
            X, y = checked(self, X, y, several=True) if check_input else unchecked(self, X, y)
            if self.alpha * self.l1_ratio == 0:
                warn_of_no_l1_penalty(self.alpha)
            weights = weights_of_samples(sample_weight, X)
            targets = np.atleast_2d(y.T)
            factors = weights_of_features(self.weights, X.shape[1], positive=self.positive)
            starts = starts_of(self, X.shape[1], len(targets))
            fits = [
                self._solve(X, np.ascontiguousarray(target), weights, factors, start, schedule)
                for target, start in zip(targets, starts, strict=True)
            ]
            keep(self, fits)
            for fit in fits:
                warn_unless_certified(fit, max(1, fit.epochs))
            return self

    path = staticmethod(enet_path)

    def _solve(
        self, X: Any, y: np.ndarray, sample_weight: Any, factors: np.ndarray | None, start: Any,
        schedule: Schedule | None,
    ) -> CertifiedFit | Fitted:  # fmt: skip
        """Fit validated data, with as many runs of the solver as `CertifiedFit` asks for."""
        if isinstance(X, MappedMatrix):
            penalty = Penalty.mixed(self.alpha, self.l1_ratio)
            judging = squared_errors(
                y, sample_weight, penalty, centred=self.fit_intercept, positive=self.positive,
                factors=factors,
            )  # fmt: skip
            fit = MappedFit(self, X, sample_weight, factors, penalty, judging, start)
            return fit.run(schedule)
        with CertifiedData(
            X, y, sample_weight, centred=self.fit_intercept, positive=self.positive,
            factors=factors,
        ) as data:  # fmt: skip
            penalty = Penalty.mixed(self.alpha, self.l1_ratio)
            return fit_certified(self, data, penalty, start, schedule)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
