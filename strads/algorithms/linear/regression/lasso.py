"""The Lasso: the elastic net whose penalty is all L1."""

from __future__ import annotations

from typing import Any, ClassVar

from strads.algorithms.linear.regression.elastic_net import ElasticNet
from strads.engine import Schedule


class Lasso(ElasticNet):
    r"""Linear model with an L1 penalty, solved by scheduled model parallelism.

    .. math:: \min_{w, b} \frac{1}{2n} \|y - Xw - b\|_2^2 + \alpha \|w\|_1

    Full passes score all features in parallel and certify the duality gap. Between the full passes
    the problem is solved on a working set of features: for dense X of few rows by Newton's method;
    else the scheduler dispatches coordinates by priority and never gives strongly correlated
    coordinates to two workers at once. A working set of very many short columns is swept
    by a single worker; once its support has settled, all workers share the products of conjugate
    gradients on the support. Of columns that are exact multiples of each other the longest carries
    the weight there.

    Parameters
    ----------
    alpha : float, default=1.0
        Weight of the penalty, at least 0; it means the same as scikit-learn's `alpha`.
    weights : array-like of shape (n_features,), optional
        Factors by which the penalty of each feature is multiplied: ``α Σ weights_j |w_j|``; None:
        1 for all. 0: no penalty, as for covariates that are to stay in the model: their weights
        minimise the loss, given all others; their columns are copied as dense ones. inf: w_j is
        zero.
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
    Massias, Gramfort, Salmon. Celer: a fast solver for the Lasso with dual extrapolation.
    ICML 2018.
    Li, Sun, Toh. A highly efficient semismooth Newton augmented Lagrangian method for solving Lasso
    problems. SIAM J. Optim. 28, 2018.

    Examples
    --------
    >>> from strads import Lasso
    >>> Lasso(alpha=0.1).fit([[0, 0], [1, 1], [2, 2]], [0, 1, 2]).predict([[1, 1]]).round(3)
    array([1.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: allowed
        for name, allowed in ElasticNet._parameter_constraints.items()
        if name != "l1_ratio"
    }

    def __init__(
        self,
        alpha: float = 1.0,
        *,
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
        super().__init__(
            alpha, l1_ratio=1.0, weights=weights, fit_intercept=fit_intercept,
            precompute=precompute, copy_X=copy_X, positive=positive, tol=tol, max_iter=max_iter,
            n_workers=n_workers, schedule=schedule, selection=selection, partition=partition,
            warm_start=warm_start, random_state=random_state, callbacks=callbacks,
            checkpoint=checkpoint, resume_from=resume_from, on_interrupt=on_interrupt,
            verbose=verbose, run_dir=run_dir, max_seconds=max_seconds, priorities=priorities,
            max_memory=max_memory,
        )  # fmt: skip
