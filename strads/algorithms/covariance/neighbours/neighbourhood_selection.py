"""The estimator of a graph by a Lasso for every variable."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.common.model_files import Saved
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.covariance.gaussian_model import RUNNING
from strads.algorithms.covariance.given import checked_covariances
from strads.algorithms.covariance.neighbours.program import STEPS, Neighbours
from strads.engine import default_engine
from strads.monitoring import USED_UP


class NeighbourhoodSelection(Saved, BaseEstimator):
    r"""Graph of variables by a Lasso of each on all others (Meinshausen and Bühlmann 2006).

    .. math:: \min_{b_j} \; \tfrac{1}{2n} \|x_j - \sum_{k \ne j} b_{jk} x_k\|^2
              + \alpha \sum_{k \ne j} |b_{jk}|

    for every variable j, with centred columns x_j. Variables j and k are neighbours if b_jk and
    b_kj are not zero (``rule="and"``), or one of them is (``rule="or"``). All Lassos read one
    matrix of covariances; workers solve them side by side, without waiting for each other.

    Parameters
    ----------
    alpha : float, default=0.1
        Penalty α. Variables of one scale are assumed: divide them by their standard deviations if
        they have different ones.
    rule : {"and", "or"}, default="and"
        When two variables are neighbours.
    covariance : {"precomputed"}, optional
        "precomputed": X is the matrix of covariances.
    tol : float, default=1e-6
        Duality gap to reach in every Lasso, relative to the objective without weights.
    max_iter : int, default=10000
        Largest number of sweeps in every Lasso.
    verbose : int, default=0
        1: show how the fit goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    assume_centered : bool, default=False
        Whether to take the means as zero.
    n_workers : int, optional
        Number of logical workers; None: one for small problems, else one a core. The result is bit
        for bit the same for any number.
    random_state : int, RandomState or None
        Has no effect: nothing is drawn.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every step, which solves a part of the Lassos; a callable stops the fit by
        returning a true value, and variables that come later then have no neighbours.
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
    run_dir : path, optional
        New folder in which the fit writes what it does, and its model; see docs/run-folder.md. If
        it is called ``runs``, each fit makes a folder of its own in it.
    max_seconds : float, optional
        The fit ends after the step in which so many seconds are used up, and keeps what it has.

    Attributes
    ----------
    location_ : ndarray of shape (n_features,)
        Means.
    coef_ : CSR array of shape (n_features, n_features)
        Weights b_jk; row j has those with which x_j is explained.
    adjacency_ : CSR array of bool, shape (n_features, n_features)
        Which variables are neighbours; symmetric.
    dual_gap_ : ndarray of shape (n_features,)
        Relative duality gap of each Lasso; NaN if it was not reached.
    certified_ : bool
        Whether all gaps are at most `tol`.
    verdict_ : str
        Why the fit ended: "certified", "max_iter", "interrupted", "max_seconds" or "callback".
    n_iter_ : int
        Largest number of sweeps of a Lasso.
    history_ : list of dict
        Of every step: the largest ``gap``, the number of Lassos still ``open``, and of ``edges``,
        weights that are not zero.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    References
    ----------
    Meinshausen, Bühlmann. High-dimensional graphs and variable selection with the Lasso. Annals of
    Statistics 34(3), 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import NeighbourhoodSelection
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> X[:, 1] += X[:, 0]
    >>> NeighbourhoodSelection(alpha=0.2).fit(X).adjacency_.toarray().astype(int)
    array([[0, 1, 0, 0],
           [1, 0, 0, 0],
           [0, 0, 0, 0],
           [0, 0, 0, 0]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RUNNING,
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "rule": [StrOptions({"and", "or"})],
        "covariance": [StrOptions({"precomputed"}), None],
    }

    def __init__(
        self,
        alpha: float = 0.1,
        *,
        rule: str = "and",
        covariance: str | None = None,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        verbose: Any = False,
        assume_centered: bool = False,
        n_workers: int | None = None,
        random_state: Any = None,
        callbacks: Any = None,
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        run_dir: Any = None,
        max_seconds: float | None = None,
    ) -> None:
        self.alpha = alpha
        self.rule = rule
        self.covariance = covariance
        self.tol = tol
        self.max_iter = max_iter
        self.verbose = verbose
        self.assume_centered = assume_centered
        self.n_workers = n_workers
        self.random_state = random_state
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.run_dir = run_dir
        self.max_seconds = max_seconds

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit a Lasso for every variable.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or (n_features, n_features)
            Data; with ``covariance="precomputed"`` their covariances. A constant variable has no
            neighbours.
        y : None
            Ignored.

        Returns
        -------
        NeighbourhoodSelection
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter or X is invalid.

        Warns
        -----
        ConvergenceWarning
            If a duality gap is above `tol`.
        """
        self._validate_params()
        with one_fit(self, told=(X, None)):
            S = checked_covariances(self, X)
            program = Neighbours(
                S=S, penalty=float(self.alpha), tolerance=float(self.tol), most=int(self.max_iter)
            )
            result = default_engine().run(
                program, workers=workers_for(self.n_workers, S.size), epochs=STEPS,
                seed=seed_of(self.random_state), instruments=self.callbacks,
            )  # fmt: skip
            done = result.state["count"] >= 0
            self.coef_ = sp.csr_array(result.state["b"])
            linked = self.coef_.astype(bool)
            both, either = linked.multiply(linked.T), linked + linked.T
            self.adjacency_ = sp.csr_array(both if self.rule == "and" else either)
            self.dual_gap_ = np.where(done, result.state["gap"], np.nan)
            self.certified_ = bool(np.all(self.dual_gap_ <= self.tol))
            self.n_iter_ = max(int(result.state["count"].max()), 1)
            self.history_, self.statistics_ = result.history, result.statistics
            self._judge(result.status)
            return self

    def _judge(self, status: str) -> None:
        """Set the verdict, and warn unless all gaps are certified."""
        if self.certified_:
            self.verdict_ = "certified"
            return
        early = status in ("interrupted", USED_UP)
        self.verdict_ = status if early else "max_iter" if status == "converged" else "callback"
        missed = int(np.count_nonzero(~(self.dual_gap_ <= self.tol)))
        if not early:
            warnings.warn(
                f"{missed} of {len(self.dual_gap_)} Lassos did not reach a relative duality gap of "
                f"tol={self.tol:.2e} ({self.verdict_}). Increase max_iter, or raise tol or alpha.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        p = self.n_features_in_
        return {"location_": (p,), "coef_": (p, p), "adjacency_": (p, p), "dual_gap_": (p,)}
