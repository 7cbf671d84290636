"""Linear support vector classification."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.linear.classification.linear_classifier import (
    LinearClassifier,
    class_weights,
    one_or_all,
)
from strads.algorithms.linear.dual.estimator import COMMON, fit_and_keep
from strads.algorithms.linear.dual.fit import Machine
from strads.algorithms.linear.fitting import fit_targets
from strads.algorithms.linear.given import checked_labels, weights_of_samples
from strads.algorithms.linear.losses.squared_hinge import SquaredHingeLoss
from strads.algorithms.linear.penalty import Penalty


class LinearSVC(LinearClassifier):
    r"""Linear support vector classification with a certificate.

    .. math:: \min_{w, b} \frac12 (\|w\|^2 + (b/s)^2) + C \sum_i \max(0, 1 - y_i (x_i^T w + b))^q

    with labels y of −1 and 1, q = 1 for the hinge loss and 2 for the squared one, and
    s = `intercept_scaling`: as in LIBLINEAR, the intercept b is the weight of one more feature,
    which is s for every sample, and is penalised; a large s makes the penalty small. With
    ``penalty="l1"`` the first term is ‖w‖₁, q is 2, and b is not penalised. Of more than two
    classes, each is separated from all others by a model of its own (one-vs-rest).

    Dual coordinate descent updates sixteen classes at once while it reads a sample; what is left
    after that, where samples are correlated or C is large, semismooth Newton solves in the primal.
    The classes are divided among the workers. The sparse models of the L1 penalty are fitted as
    those of :class:`strads.SparseLogisticRegression`.

    Parameters
    ----------
    penalty : {"l2", "l1"}, default="l2"
        Penalty of the weights; "l1", which makes most of them zero, for the squared hinge only.
    loss : {"squared_hinge", "hinge"}, default="squared_hinge"
        Loss of a sample.
    dual : bool or "auto", default="auto"
        Has no effect: primal and dual problem are solved together.
    C : float, default=1.0
        Weight of the loss, above 0.
    fit_intercept : bool, default=True
        Whether to fit the intercept b.
    intercept_scaling : float, default=1.0
        s, above 0.
    class_weight : dict or "balanced", optional
        Weights of the classes, by which those of their samples are multiplied in every model;
        "balanced": n / (number of classes · number of samples in the class).
    tol : float, default=1e-4
        Relative duality gap (P(w, b) − D(β)) / P(w, b) to reach in every model; with the L1 penalty
        it is divided by P at w = 0 instead. The gap is certified: see `dual_gap_`.
    max_iter : int, default=10000
        Largest number of epochs of coordinate descent and steps of Newton's method.
    n_workers : int, optional
        Number of logical workers, of which each takes a share of the classes; with two classes
        there is one. None: one for small data, else one a core. The result depends on this number
        only within `tol`.
    warm_start : bool, default=False
        Whether to start from the dual variables of the last fit, times the growth of `C`, if there
        were as many samples: for one C after another.
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
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights: with two classes, of the second one.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts; zeros without `fit_intercept`.
    dual_coef_ : ndarray of shape (1, n_samples) or (n_classes, n_samples)
        β_i = y_i α_i, the dual variables times the labels; 0 for samples that are no support
        vectors. Only with the L2 penalty.
    dual_gap_ : float or ndarray of shape (n_classes,)
        Upper bound on the relative duality gap of `coef_`, `intercept_` and `dual_coef_`, rounding
        errors included; of more than two classes, one for each.
    certified_ : bool
        Whether every gap is within `tol`.
    verdict_ : {"certified", "max_iter", "max_seconds", "callback", "interrupted", "precision"}
        Why the fit ended: every gap is certified, `max_iter` was reached, a callback or Ctrl-C
        stopped it, or rounding errors keep a gap from getting smaller.
    n_iter_ : int
        Largest number of epochs and Newton's steps of a model, at least 1.
    history_ : list of dict
        Figures of every step: the largest gap (``"certificate"``), the sum of the objectives and
        others.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    References
    ----------
    Hsieh, Chang, Lin, Keerthi, Sundararajan. A dual coordinate descent method for large-scale
    linear SVM. ICML 2008.
    Yan, Li. An efficient augmented Lagrangian method for support vector machine. Optim. Methods
    Softw. 35, 2020.

    Examples
    --------
    >>> from strads import LinearSVC
    >>> X = [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]
    >>> model = LinearSVC().fit(X, ["no", "no", "yes", "yes"])
    >>> model.predict([[0.0, 0.0], [3.0, 1.0]])
    array(['no', 'yes'], dtype='<U3')
    """

    n_iter_: Any

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **COMMON,
        "penalty": [StrOptions({"l2", "l1"})],
        "loss": [StrOptions({"squared_hinge", "hinge"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "max_memory": [Interval(Integral, 1, None, closed="left"), str, None],
    }

    def __init__(
        self,
        penalty: str = "l2",
        loss: str = "squared_hinge",
        *,
        dual: bool | str = "auto",
        C: float = 1.0,
        fit_intercept: bool = True,
        intercept_scaling: float = 1.0,
        class_weight: Any = None,
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
        self.penalty = penalty
        self.loss = loss
        self.dual = dual
        self.C = C
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
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
        y : array-like of shape (n_samples,)
            Labels: numbers, strings or anything else that can be sorted.
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
            If a parameter, X, y or `sample_weight` is invalid, or if there are not two classes with
            weight.

        Warns
        -----
        ConvergenceWarning
            If `tol` was not reached within `max_iter` epochs, or before a callback stopped the fit.
        NotCertifiedWarning
            If rounding keeps `tol` from being reached or certified.
        """
        self._validate_params()
        with one_fit(self, y, sample_weight, told=(X, y)):
            if self.penalty == "l1" and self.loss == "hinge":
                raise ValueError(
                    "Unsupported set of arguments: penalty='l1' goes with loss='squared_hinge' "
                    f"only, but loss='hinge', dual={self.dual}"
                )
            X, labels, y = checked_labels(self, X, y, rows=self.penalty == "l2")
            weights = class_weights(
                weights_of_samples(sample_weight, X), self.class_weight, labels, y
            )
            self.classes_ = labels
            if self.penalty == "l1":
                self._fit_sparse(X, one_or_all(labels, y), weights)
                return self
            cost = np.full(len(y), self.C) if weights is None else self.C * weights
            models = [1] if len(labels) == 2 else list(range(len(labels)))
            machine = Machine(X, y.astype(np.float64), cost, models, self.loss == "squared_hinge")
            fitted = fit_and_keep(self, machine, (len(models), len(y)))
            self.coef_, self.intercept_ = fitted.coef, fitted.intercept
            return self

    def _fit_sparse(self, X: Any, targets: list[np.ndarray], weights: np.ndarray | None) -> None:
        """Fit the models of the L1 penalty to targets of 0 and 1."""
        if hasattr(self, "dual_coef_"):
            del self.dual_coef_
        total = X.shape[0] if weights is None else float(weights.sum())
        penalty = Penalty.mixed(1.0 / (self.C * total), 1.0)
        fit_targets(
            self, SquaredHingeLoss(), X, targets, weights, [penalty] * len(targets),
            "raise tol or lower C",
        )  # fmt: skip
        self.n_iter_ = int(np.max(self.n_iter_))

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = super()._shapes()
        if hasattr(self, "dual_coef_"):
            shapes["dual_coef_"] = np.shape(self.dual_coef_)
        return shapes
