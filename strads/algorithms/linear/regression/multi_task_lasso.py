"""The multi-task Lasso: the multi-task elastic net without a squared penalty."""

from __future__ import annotations

from typing import Any, ClassVar

from strads.algorithms.linear.regression.multi_task_elastic_net import MultiTaskElasticNet
from strads.engine import Schedule


class MultiTaskLasso(MultiTaskElasticNet):
    r"""Linear models of several targets that use the same features, with a certificate.

    .. math:: \min_{W, b} \frac{1}{2n} \|Y - XW - 1b^T\|_F^2 + \alpha \sum_j \|W_j\|_2

    with the row W_j of the weights of feature j for all targets (``coef_[:, j]``): a feature has
    weights for all of them, or for none.

    Full passes score all features in parallel and certify the duality gap. Between the full passes
    the problem is solved on a working set of features, with the Gram matrix that all targets share:
    the scheduler dispatches features by priority, a feature moves its weights for all targets, and
    strongly correlated features never move at the same time.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the penalty, at least 0; it means the same as scikit-learn's `alpha`.
    fit_intercept : bool, default=True
        Whether to fit the intercepts b. Sparse X is centred implicitly and stays sparse.
    copy_X : bool, default=True
        Has no effect: X is never overwritten.
    tol : float, default=1e-6
        Relative duality gap (P(W) − D(Θ)) / P(0) to reach, with P(0) = ‖Y − Ȳ‖² / 2n. The gap is
        certified for the weights that are returned: see `dual_gap_`.
    max_iter : int, default=100000
        Largest number of epochs of coordinate rounds.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core. The result depends on
        this number only within `tol`.
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

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_features)
        Weights, in double precision.
    intercept_ : ndarray of shape (n_targets,)
        Intercepts b; zeros without `fit_intercept`.
    dual_gap_ : float
        Upper bound on the relative duality gap of `coef_` and `intercept_` as they are returned,
        rounding errors included; infinite if rounding leaves no bound.
    certified_ : bool
        Whether `dual_gap_` is within `tol`.
    verdict_ : {"certified", "max_iter", "max_seconds", "callback", "interrupted", "precision"}
        Why the fit ended, as for :class:`strads.Lasso`.
    n_iter_ : int
        Number of epochs of coordinate rounds, at least 1.
    history_ : list of dict
        Figures of every full pass: gap (``"certificate"``), objective and others.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    References
    ----------
    Obozinski, Taskar, Jordan. Joint covariate selection and joint subspace selection for multiple
    classification problems. Stat. Comput. 20, 2010.
    Ndiaye, Fercoq, Gramfort, Salmon. Gap safe screening rules for sparsity enforcing penalties.
    JMLR 18, 2017.

    Examples
    --------
    >>> from strads import MultiTaskLasso
    >>> model = MultiTaskLasso(alpha=0.1).fit([[0.0], [1.0], [2.0]], [[0, 0], [1, -1], [2, -2]])
    >>> model.predict([[1.0]]).round(3)
    array([[ 1., -1.]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: allowed
        for name, allowed in MultiTaskElasticNet._parameter_constraints.items()
        if name != "l1_ratio"
    }

    def __init__(
        self,
        alpha: float = 1.0,
        *,
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
        super().__init__(
            alpha, l1_ratio=1.0, fit_intercept=fit_intercept, copy_X=copy_X, tol=tol,
            max_iter=max_iter, n_workers=n_workers, schedule=schedule, selection=selection,
            partition=partition, warm_start=warm_start, random_state=random_state,
            callbacks=callbacks,
            checkpoint=checkpoint, resume_from=resume_from, on_interrupt=on_interrupt,
            verbose=verbose, run_dir=run_dir, max_seconds=max_seconds, priorities=priorities,
        )  # fmt: skip
