"""The elastic net of several tasks; the multi-task Lasso is a case of it."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Self

from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.common.priorities import priorities_of
from strads.algorithms.linear.choices import SOLVING, asked_schedule
from strads.algorithms.linear.given import checked_tasks, weights_of_samples
from strads.algorithms.linear.messages import warn_of_no_l1_penalty, warn_unless_certified
from strads.algorithms.linear.multi_task.fit import fit_multi_task
from strads.algorithms.linear.multi_task.program import TASKS
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.regression.linear_regressor import LinearRegressor
from strads.engine import Schedule


class MultiTaskElasticNet(LinearRegressor):
    r"""Linear models of several targets that use the same features, with a squared L2 penalty.

    .. math:: \min_{W, b} \frac{1}{2n} \|Y - XW - 1b^T\|_F^2 + \alpha \rho \sum_j \|W_j\|_2
              + \frac{\alpha (1 - \rho)}{2} \|W\|_F^2

    with ρ = `l1_ratio` and the row W_j of the weights of feature j for all targets, which is
    ``coef_[:, j]``.

    How it is solved, and what the other parameters do, is the same as for
    :class:`strads.MultiTaskLasso`.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of both penalties, at least 0; it means the same as scikit-learn's `alpha`.
    l1_ratio : float, default=0.5
        ρ, from 0 to 1. With 1 this is the multi-task Lasso. With 0 no row of weights is zero and
        no gap can be certified.
    fit_intercept : bool, default=True
        Whether to fit the intercepts b. Sparse X is centred implicitly and stays sparse.
    copy_X : bool, default=True
        Has no effect: X is never overwritten.
    tol : float, default=1e-6
        Relative duality gap (P(W) − D(Θ)) / P(0) to reach, with P(0) = ‖Y − Ȳ‖² / 2n.
    max_iter : int, default=100000
        Largest number of epochs of coordinate rounds.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core.
    schedule : {"auto", "priority", "random", "round-robin"} or Schedule, optional
        Schedule of the coordinate rounds, over axis ``"chosen"`` (the members of the working set).
        None: what `selection` says.
        "auto": :class:`strads.Auto`, where there are coordinate rounds.
    selection : {"cyclic", "random"}, default="cyclic"
        "cyclic": priority with a dependency filter. "random": the same as ``schedule="random"``.
    partition : {"contiguous", "balanced"} or array of shape (n_features,), optional
        Partition of the features over the workers for the full passes.
    warm_start : bool, default=False
        Whether to start from the `coef_` of the last fit.
    random_state : int, RandomState or None
        Seed of the schedule; None means 0.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every step, which is a full pass.
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

    Attributes
    ----------
    coef_, intercept_, dual_gap_, certified_, verdict_, n_iter_, history_, statistics_
        See :class:`strads.MultiTaskLasso`.

    Examples
    --------
    >>> from strads import MultiTaskElasticNet
    >>> X = Y = [[0, 0], [1, 1], [2, 2]]
    >>> MultiTaskElasticNet(alpha=0.1).fit(X, Y).coef_.round(3)
    array([[0.456, 0.456],
           [0.456, 0.456]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{name: allowed for name, allowed in SOLVING.items() if name != "positive"},
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "copy_X": ["boolean"],
        "priorities": ["array-like", None],
        "selection": [StrOptions({"cyclic", "random"})],
    }

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        copy_X: bool = True,
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
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the models of all targets together.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            A CSC matrix or an array in Fortran order is used without a copy; anything else is
            converted once.
        y : ndarray of shape (n_samples, n_targets)
            Targets.
        sample_weight : float or ndarray of shape (n_samples,), optional
            Weights of the squared errors; they are rescaled so that their sum is n_samples.

        Returns
        -------
        Self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter, X, y or `sample_weight` is invalid, if y has one dimension, or if
            `warm_start` is set and X has another number of features than in the last fit.

        Warns
        -----
        ConvergenceWarning
            If `tol` was not reached within `max_iter` epochs, or before a callback stopped the fit.
        NotCertifiedWarning
            If rounding keeps `tol` from being reached or certified.
        """
        self._validate_params()
        with one_fit(self, y, sample_weight, told=(X, y)):
            X, y = checked_tasks(self, X, y)
            if self.alpha * self.l1_ratio == 0:
                warn_of_no_l1_penalty(self.alpha)
            schedule = asked_schedule(self.schedule, self.selection, priority=TASKS)
            fitted = fit_multi_task(
                self, X, y, weights_of_samples(sample_weight, X),
                Penalty.mixed(self.alpha, self.l1_ratio), schedule,
                importance=priorities_of(self.priorities, X.shape[1]),
            )  # fmt: skip
            warn_unless_certified(fitted, self.n_iter_)
            return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags
