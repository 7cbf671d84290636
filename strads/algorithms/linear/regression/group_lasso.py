"""The group Lasso."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.linear.choices import SOLVING
from strads.algorithms.linear.given import checked, weights_of_samples
from strads.algorithms.linear.groups.groups import Groups
from strads.algorithms.linear.groups.program import GroupLassoProgram, named_group_schedule
from strads.algorithms.linear.messages import warn_of_no_l1_penalty, warn_unless_certified
from strads.algorithms.linear.multi_task.fit import fit_multi_task
from strads.algorithms.linear.penalty import Penalty
from strads.algorithms.linear.regression.linear_regressor import LinearRegressor
from strads.engine import Schedule


class GroupLasso(LinearRegressor):
    r"""Linear model of which groups of features have weights or none, with a certificate.

    .. math:: \min_{w, b} \frac{1}{2n} \|y - Xw - b\|_2^2 + \alpha \sum_g \omega_g \|w_g\|_2

    with the weights :math:`w_g` of the features of group g, and :math:`\omega_g` = ``weights[g]``.
    Full passes score all features in parallel and certify the duality gap. Between the full passes
    the problem is solved on a working set of groups, with the Gram matrix of their features: the
    scheduler dispatches groups by priority, and strongly dependent groups never move at the same
    time.

    Parameters
    ----------
    groups : int, list of int, or list of lists of int, default=1
        The size of all groups, which are contiguous; the sizes of contiguous groups; or the
        features of each group. Every feature is in one group.
    alpha : float, default=1.0
        Weight of the penalty, at least 0.
    weights : None, "sqrt" or array-like of shape (n_groups,), default=None
        Weights of the groups in the penalty. None: 1. "sqrt": the root of the group's size. A group
        of infinite weight is left out of the model.
    fit_intercept : bool, default=True
        Whether to fit the intercept b. Sparse X is centred implicitly and stays sparse.
    positive : bool, default=False
        Whether to constrain the weights to w ≥ 0.
    tol : float, default=1e-6
        Relative duality gap (P(w) − D(θ)) / P(0) to reach, with P(0) = ‖y − ȳ‖² / 2n. The gap is
        certified for the weights that are returned: see `dual_gap_`.
    max_iter : int, default=100000
        Largest number of epochs of coordinate rounds.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core. The result depends on
        this number only within `tol`.
    schedule : {"auto", "priority", "random", "round-robin"} or Schedule, optional
        Schedule of the coordinate rounds, over axis ``"blocks"`` (the groups in the working set).
        None: priority with a dependency filter.
        "auto": :class:`strads.Auto`, where there are coordinate rounds.
    partition : {"contiguous", "balanced"} or array of shape (n_features,), optional
        Partition of the features over the workers for the full passes.
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
    priorities : array-like of shape (n_groups,), optional
        Positive factors by which the scores are multiplied that decide which groups are fitted
        first; None: 1 for all. The optimum is the same; only the way there differs.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Weights, in double precision. With several targets the norm of a group is that of its
        weights for all of them.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept b; zero without `fit_intercept`.
    dual_gap_, certified_, verdict_, n_iter_, history_, statistics_
        See :class:`strads.MultiTaskLasso`.

    References
    ----------
    Yuan, Lin. Model selection and estimation in regression with grouped variables. J. R. Stat. Soc.
    B 68, 2006.
    Ndiaye, Fercoq, Gramfort, Salmon. Gap safe screening rules for sparsity enforcing penalties.
    JMLR 18, 2017.

    Examples
    --------
    >>> from strads import GroupLasso
    >>> X = [[0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [2.0, 1.0, 1.0]]
    >>> GroupLasso(groups=[[0, 1], [2]], alpha=0.1).fit(X, [0.0, 1.0, 2.0]).coef_.round(2)
    array([0.65, 0.25, 0.  ])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SOLVING,
        "priorities": ["array-like", None],
        "groups": [Interval(Integral, 1, None, closed="left"), list, tuple, "array-like"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "weights": [StrOptions({"sqrt"}), "array-like", None],
    }

    def __init__(
        self,
        groups: Any = 1,
        alpha: float = 1.0,
        *,
        weights: Any = None,
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
        self.groups = groups
        self.alpha = alpha
        self.weights = weights
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
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
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
            If a parameter, X, y or `sample_weight` is invalid, if the groups are no partition of
            the features, or if `warm_start` is set and X has another number of features than in the
            last fit.

        Warns
        -----
        ConvergenceWarning
            If `tol` was not reached within `max_iter` epochs, or before a callback stopped the fit.
        NotCertifiedWarning
            If rounding keeps `tol` from being reached or certified.
        """
        self._validate_params()
        with one_fit(self, y, sample_weight, told=(X, y)):
            X, y = checked(self, X, y, several=True)
            schedule = named_group_schedule(self.schedule)
            groups = Groups(self.groups, self.weights, X.shape[1])
            if self.alpha == 0:
                warn_of_no_l1_penalty(self.alpha)
            fitted = fit_multi_task(
                self, X, y.reshape(len(y), -1), weights_of_samples(sample_weight, X),
                Penalty(float(self.alpha)), schedule, program=GroupLassoProgram, groups=groups,
                positive=int(self.positive), importance=groups.importance(self.priorities),
            )  # fmt: skip
            if y.ndim == 1:
                self.coef_, self.intercept_ = self.coef_[0], float(self.intercept_[0])
            warn_unless_certified(fitted, self.n_iter_)
            return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
