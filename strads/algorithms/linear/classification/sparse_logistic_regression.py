"""Logistic regression with the penalty of an elastic net."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.linear.choices import SOLVING, named_schedule
from strads.algorithms.linear.classification.linear_classifier import class_weights, one_or_all
from strads.algorithms.linear.classification.logistic_classifier import LogisticClassifier
from strads.algorithms.linear.fitting import fit_targets
from strads.algorithms.linear.given import checked_labels, weights_of_samples
from strads.algorithms.linear.groups.fit_logistic import fit_group_logistic
from strads.algorithms.linear.groups.groups import Groups
from strads.algorithms.linear.losses.logistic import LogisticLoss
from strads.algorithms.linear.messages import warn_of_no_l1_penalty
from strads.algorithms.linear.multinomial.fit import fit_multinomial
from strads.algorithms.linear.multinomial.program import PAIRS
from strads.algorithms.linear.penalty import Penalty
from strads.datasets import MappedMatrix
from strads.engine import Schedule


class SparseLogisticRegression(LogisticClassifier):
    r"""Logistic regression with an L1 and a squared L2 penalty, with a certificate.

    .. math:: \min_{w, b} \frac{1}{n} \sum_i \log(1 + \exp(-y_i (x_i^T w + b)))
              + \alpha \rho \|w\|_1 + \frac{\alpha (1 - \rho)}{2} \|w\|_2^2

    with labels y of −1 and 1, ρ = `l1_ratio`, and an intercept b that is not penalised. With
    weights of samples the first term is their weighted mean. It is solved by proximal Newton: the
    loss is replaced by its second-order expansion, which is a Lasso with weighted rows, on a
    working set of the features; see :class:`strads.Lasso`.

    Of more than two classes, each is separated from all others by a model of its own, or all are
    fitted together with the loss of scikit-learn's LogisticRegression (`multi_class`):

    .. math:: \min_{W, b} \frac{1}{n} \sum_i \Bigl(\log \sum_k \exp(f_{ik}) - f_{i y_i}\Bigr)
              + \alpha \rho \|W\|_1 + \frac{\alpha (1 - \rho)}{2} \|W\|_2^2

    with :math:`f_{ik} = x_i^T w_k + b_k`. The expansion then has all couplings of classes, and its
    variables are pairs of a feature and a class.

    With `groups`, the norms of groups of weights stand for their absolute values, as for
    :class:`strads.GroupLasso`:

    .. math:: \alpha \rho \sum_g \text{weight}_g \|W_g\|_2

    With "multinomial" W_g has the weights of a group's features for all classes, so ``groups=1``
    chooses features for all classes alike.

    Parameters
    ----------
    alpha : float, optional
        Weight of both penalties, at least 0. None: it follows from `C`.
    C : float, default=1.0
        The other way to say it, as in scikit-learn: alpha = 1 / (n C), with the sum of the samples'
        weights for n. It is disregarded if `alpha` is given.
    l1_ratio : float, default=1.0
        ρ, the share of the L1 penalty, from 0 to 1. With 0 no gap can be certified: use
        scikit-learn's LogisticRegression then.
    fit_intercept : bool, default=True
        Whether to fit the intercept b. Sparse X is centred implicitly and stays sparse.
    multi_class : {"ovr", "multinomial"}, default="ovr"
        What is done with more than two classes. "ovr": one-vs-rest, a model for each class.
        "multinomial": one model for all, whose weights are in double precision for any X.
    groups : int or list, optional
        Groups of features, as :class:`strads.GroupLasso` takes them; None: every weight has a
        penalty of its own. Weights are then in double precision for any X.
    group_weights : "sqrt" or array-like of shape (n_groups,), optional
        Weights of the groups in the penalty, as for :class:`strads.GroupLasso`; None: 1 for all.
    class_weight : dict or "balanced", optional
        Weights of the classes, by which those of their samples are multiplied; "balanced":
        n / (number of classes · number of samples in the class).
    positive : bool, default=False
        Whether to constrain the weights to w ≥ 0.
    tol : float, default=1e-6
        Relative duality gap (P(w, b) − D(θ)) / P(0) to reach, where P(0) is the loss of the best
        model without features. The gap is certified: see `dual_gap_`.
    max_iter : int, default=100000
        Largest number of epochs of coordinate rounds, sweeps and linear systems.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core, as for
        :class:`strads.Lasso`. The result depends on this number only within `tol`.
    schedule : {"auto", "priority", "random", "round-robin"} or Schedule, optional
        Schedule of the coordinate rounds, over axis ``"chosen"`` (the members of the working set);
        with `groups` over axis ``"blocks"``. None: priority with a dependency filter; sweeps and
        Newton's method where they pay.
        "auto": :class:`strads.Auto`, where there are coordinate rounds.
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
        first; None: 1 for all. The optimum is the same; only the way there differs. With `groups`
        there is one for each group.
    max_memory : int or str, optional
        Limit on the memory of a fit to X that stays in its file; see :class:`strads.Lasso`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights: with two classes, of the second one.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts; zeros without `fit_intercept`.
    dual_gap_ : float or ndarray of shape (n_classes,)
        Upper bound on the relative duality gap of the model as it is returned, rounding errors
        included; of more than two classes, one for each.
    certified_ : bool
        Whether every gap is within `tol`.
    verdict_ : {"certified", "max_iter", "max_seconds", "callback", "interrupted", "precision"}
        Why the fit ended, as for :class:`strads.Lasso`; of more than two classes, the first that is
        not "certified".
    n_iter_ : int or list of int
        Number of epochs, at least 1.
    history_ : list of dict, or list of such lists
        Figures of every full pass: gap (``"certificate"``), objective and others.
    statistics_ : dict or list of dict
        Counts and times of the last run; see :meth:`strads.engine.Run.statistics`.

    References
    ----------
    Lee, Sun, Saunders. Proximal Newton-type methods for minimizing composite functions. SIAM J.
    Optim. 24(3), 2014.
    Massias, Vaiter, Gramfort, Salmon. Dual extrapolation for sparse generalized linear models.
    JMLR 21, 2020.

    Examples
    --------
    >>> from strads import SparseLogisticRegression
    >>> X = [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]
    >>> model = SparseLogisticRegression(alpha=0.1).fit(X, ["no", "no", "yes", "yes"])
    >>> model.predict([[0.0, 0.0], [3.0, 1.0]])
    array(['no', 'yes'], dtype='<U3')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SOLVING,
        "priorities": ["array-like", None],
        "alpha": [Interval(Real, 0, None, closed="left"), None],
        "C": [Interval(Real, 0, None, closed="neither")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "multi_class": [StrOptions({"ovr", "multinomial"})],
        "groups": [Interval(Integral, 1, None, closed="left"), list, tuple, "array-like", None],
        "group_weights": [StrOptions({"sqrt"}), "array-like", None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "max_memory": [Interval(Integral, 1, None, closed="left"), str, None],
    }

    def __init__(
        self,
        alpha: float | None = None,
        *,
        C: float = 1.0,
        l1_ratio: float = 1.0,
        fit_intercept: bool = True,
        multi_class: str = "ovr",
        groups: Any = None,
        group_weights: Any = None,
        class_weight: Any = None,
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
        max_memory: Any = None,
    ) -> None:
        self.alpha = alpha
        self.C = C
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.multi_class = multi_class
        self.groups = groups
        self.group_weights = group_weights
        self.class_weight = class_weight
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
        self.max_memory = max_memory

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {ndarray, sparse matrix, MappedMatrix} of shape (n_samples, n_features)
            A CSC matrix or an array in Fortran order is used without a copy; anything else is
            converted once.
        y : array-like of shape (n_samples,)
            Labels: numbers, strings or anything else that can be sorted.
        sample_weight : float or ndarray of shape (n_samples,), optional
            Weights of the samples. A number stands for equal weights.

        Returns
        -------
        Self
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter, X, y or `sample_weight` is invalid, if there are not two classes with
            weight, or if `warm_start` is set and X has another number of features than in the last
            fit.

        Warns
        -----
        ConvergenceWarning
            If `tol` was not reached within `max_iter` epochs, or before a callback stopped the fit.
        NotCertifiedWarning
            If rounding keeps `tol` from being reached or certified.
        """
        self._validate_params()
        with one_fit(self, y, sample_weight, told=(X, y)):
            X, labels, y = checked_labels(self, X, y)
            weights = class_weights(
                weights_of_samples(sample_weight, X), self.class_weight, labels, y
            )
            penalty = self._penalty(len(y), weights)
            self.classes_ = labels
            together = self.multi_class == "multinomial" and len(labels) > 2
            if isinstance(X, MappedMatrix) and (together or self.groups is not None):
                raise ValueError(
                    "X that stays in its file is fitted without groups, and each class against the "
                    "others: leave groups and multi_class out"
                )
            if self.groups is not None:
                groups = Groups(self.groups, self.group_weights, X.shape[1])
                targets = [y] if together else one_or_all(labels, y)
                fit_group_logistic(self, X, targets, weights, penalty, groups)
                return self
            if self.group_weights is not None:
                raise ValueError("group_weights are for groups: give groups, too, or neither")
            if together:
                schedule = named_schedule(self.schedule, priority=PAIRS)
                fit_multinomial(self, X, y, weights, penalty, schedule)
                return self
            targets = one_or_all(labels, y)
            fit_targets(self, LogisticLoss(), X, targets, weights, [penalty] * len(targets))
            return self

    def _penalty(self, n: int, weights: np.ndarray | None) -> Penalty:
        alpha = self.alpha
        if alpha is None:
            alpha = 1.0 / (self.C * (n if weights is None else float(weights.sum())))
        if alpha * self.l1_ratio == 0:
            warn_of_no_l1_penalty(alpha)
        return Penalty.mixed(alpha, self.l1_ratio)
