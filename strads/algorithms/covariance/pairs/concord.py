"""The estimator of a sparse symmetric matrix of partial covariances by pseudo-likelihood."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.common.model_files import Saved
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.covariance.gaussian_model import RUNNING
from strads.algorithms.covariance.given import checked_covariances, demand_variances
from strads.algorithms.covariance.pairs.program import PairDescent, scale_of
from strads.engine import default_engine
from strads.monitoring import USED_UP


class CONCORD(Saved, BaseEstimator):
    r"""Sparse inverse covariance Ω by pseudo-likelihood (CONCORD).

    .. math:: \min_{\Omega = \Omega^T} \; -\sum_i \log \omega_{ii}
              + \tfrac12 \mathrm{tr}(\Omega S \Omega) + \alpha \sum_{i < j} |\omega_{ij}|

    The objective is convex and needs neither determinants nor inverses. Coordinate descent updates
    one pair ω_ij after the other, and an update reads and writes rows i and j only. So the pairs
    are scheduled as a round-robin tournament: p − 1 perfect matchings of p / 2 pairs, which workers
    update at the same time with exactly the result of one after the other.

    Parameters
    ----------
    alpha : float, default=0.1
        Penalty α of each pair.
    covariance : {"precomputed"}, optional
        "precomputed": X is the matrix of covariances.
    tol : float, default=1e-6
        Largest violation of the conditions of optimality to reach; see ``stationarity_``.
    max_iter : int, default=200
        Largest number of steps. A step visits all pairs once, and ten times those that are not
        zero.
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
        Called after every step; a callable stops the fit by returning a true value.
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
    precision_ : ndarray of shape (n_features, n_features)
        Ω; symmetric, but not always positive definite.
    stationarity_ : float
        Largest violation of the conditions of optimality: of pairs, divided by the least α that
        leaves no pair; of the diagonal, \|ω_ii (ΩS)_ii − 1\|.
    objective_ : float
        The objective above.
    verdict_ : str
        Why the fit ended: "stationary", "max_iter", "interrupted", "max_seconds" or "callback".
    n_iter_ : int
        Number of steps.
    history_ : list of dict
        Of every step: ``objective``, ``certificate``, which is the violation, and ``edges``.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    References
    ----------
    Khare, Oh, Rajaratnam. A convex pseudolikelihood framework for high dimensional partial
    correlation estimation with convergence guarantees. JRSS B 77(4), 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import CONCORD
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> X[:, 1] += X[:, 0]
    >>> (CONCORD(alpha=0.5).fit(X).precision_ != 0).astype(int)
    array([[1, 1, 0, 0],
           [1, 1, 0, 0],
           [0, 0, 1, 0],
           [0, 0, 0, 1]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RUNNING,
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "covariance": [StrOptions({"precomputed"}), None],
    }

    def __init__(
        self,
        alpha: float = 0.1,
        *,
        covariance: str | None = None,
        tol: float = 1e-6,
        max_iter: int = 200,
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
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or (n_features, n_features)
            Data; with ``covariance="precomputed"`` their covariances.
        y : None
            Ignored.

        Returns
        -------
        CONCORD
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter or X is invalid, or a variable is constant.

        Warns
        -----
        ConvergenceWarning
            If ``stationarity_`` is above `tol`.
        """
        self._validate_params()
        with one_fit(self, longer=True, told=(X, None)):
            S = checked_covariances(self, X)
            demand_variances(np.diagonal(S))
            result = default_engine().run(
                PairDescent(S, float(self.alpha), scale_of(S)),
                workers=workers_for(self.n_workers, S.size), epochs=int(self.max_iter),
                tol=float(self.tol), seed=seed_of(self.random_state), instruments=self.callbacks,
            )  # fmt: skip
            self.precision_ = result.state["omega"]
            self.n_iter_, self.history_ = len(result.history), result.history
            last = self.history_[-1]
            self.objective_, self.stationarity_ = last["objective"], last["certificate"]
            self.statistics_ = result.statistics
            self._judge(result.status)
            return self

    def _judge(self, status: str) -> None:
        """Set the verdict, and warn if the violation is above the tolerance."""
        words = {"converged": "stationary", "epochs": "max_iter"}
        early = status in ("interrupted", USED_UP)
        self.verdict_ = words.get(status, status if early else "callback")
        if self.stationarity_ <= self.tol:
            self.verdict_ = "stationary"
        elif not early:
            warnings.warn(
                f"The fit ended before it converged ({status}), after {self.n_iter_} steps, at a "
                f"violation of {self.stationarity_:.2e}, above tol={self.tol:.2e}. Increase "
                "max_iter, or raise tol or alpha.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        p = self.n_features_in_
        return {"location_": (p,), "precision_": (p, p)}
