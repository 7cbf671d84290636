"""The estimator of a sparse inverse covariance, with scikit-learn's parameters."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.covariance.covariances import Covariances, GivenCovariances
from strads.algorithms.covariance.gaussian_model import GRAPHICAL, GaussianModel, from_data
from strads.algorithms.covariance.given import checked_data, demand_variances
from strads.algorithms.covariance.solve import solve, warn_unless_solved


class GraphicalLasso(GaussianModel):
    r"""Sparse inverse covariance Θ of a Gaussian: the graphical Lasso.

    .. math:: \min_{\Theta \succ 0} \; -\log\det\Theta + \mathrm{tr}(S\Theta)
              + \alpha \sum_{i \ne j} |\Theta_{ij}|

    S is the matrix of empirical covariances. The diagonal of Θ is not penalised: the objective is
    that of ``sklearn.covariance.GraphicalLasso``. Variables whose precision Θ_ij is zero are
    independent given all others, so the entries that are not zero are the edges of a graph.

    Variables that no chain of covariances \|S_ij\| > α connects are independent in the solution
    (Witten, Friedman and Simon 2011; Mazumder and Hastie 2012). So each component is a problem of
    its own. Workers solve them side by side by Newton's method: directions by coordinate descent
    over the entries that can be other than zero, and steps that keep Θ positive definite (QUIC,
    Hsieh et al. 2014). A duality gap certifies the result.

    Parameters
    ----------
    alpha : float, default=0.01
        Penalty α. At 0, S must be positive definite.
    mode, enet_tol, eps
        Have no effect; they are there for calls written for scikit-learn.
    covariance : {"precomputed"}, optional
        "precomputed": X is the matrix S.
    tol : float, default=1e-4
        Duality gap to reach, as in scikit-learn; here it is a true one, never negative.
    max_iter : int, default=100
        Largest number of Newton steps; five to fifteen suffice as a rule.
    verbose : int, default=0
        1: show how the fit goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    assume_centered : bool, default=False
        Whether to take the means as zero.
    warm_start : bool, default=False
        Whether ``fit`` begins from the Θ of the last fit, for another α of the same variables.
    sparse_output : bool, default=False
        Whether ``covariance_`` and ``precision_`` are sparse arrays. With tens of thousands of
        variables dense ones do not fit into memory.
    n_workers : int, optional
        Number of logical workers; None: one for small problems, else one a core.
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
    covariance_ : {ndarray, CSR array} of shape (n_features, n_features)
        Θ⁻¹.
    precision_ : {ndarray, CSR array} of shape (n_features, n_features)
        Θ.
    labels_ : ndarray of shape (n_features,)
        Number of the component of every variable; the largest component is 0.
    objective_ : float
        The objective above.
    dual_gap_ : float
        Upper bound on how much the objective is above its minimum.
    certified_ : bool
        Whether ``dual_gap_`` is at most `tol`.
    verdict_ : str
        Why the fit ended: "certified", "precision" (rounding errors), "max_iter", "interrupted",
        "max_seconds" or "callback".
    n_iter_ : int
        Number of steps.
    costs_ : list of (float, float)
        Objective and duality gap, as they were known after every step, of components that have two
        variables or more.
    history_ : list of dict
        The same with ``estimate``, the gap to first order, and ``open``, the number of components
        not yet solved.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    See Also
    --------
    GraphicalLassoCV : The same with α chosen by cross-validation.
    graphical_lasso_path : The same for several α.

    References
    ----------
    Hsieh, Sustik, Dhillon, Ravikumar. QUIC: quadratic approximation for sparse inverse covariance
    estimation. JMLR 15, 2014.
    Witten, Friedman, Simon. New insights and faster computations for the graphical Lasso. JCGS 20,
    2011.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import GraphicalLasso
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> X[:, 1] += X[:, 0]
    >>> model = GraphicalLasso(alpha=0.2).fit(X)
    >>> (model.precision_ != 0).astype(int)
    array([[1, 1, 0, 0],
           [1, 1, 0, 0],
           [0, 0, 1, 0],
           [0, 0, 0, 1]])
    >>> bool(model.dual_gap_ <= 1e-4)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **GRAPHICAL,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "covariance": [StrOptions({"precomputed"}), None],
        "warm_start": ["boolean"],
    }
    _certifies = True

    def __init__(
        self,
        alpha: float = 0.01,
        *,
        mode: str = "cd",
        covariance: str | None = None,
        tol: float = 1e-4,
        enet_tol: float = 1e-4,
        max_iter: int = 100,
        verbose: Any = False,
        eps: float = 0.0,
        assume_centered: bool = False,
        warm_start: bool = False,
        sparse_output: bool = False,
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
        self.mode = mode
        self.covariance = covariance
        self.tol = tol
        self.enet_tol = enet_tol
        self.max_iter = max_iter
        self.verbose = verbose
        self.eps = eps
        self.assume_centered = assume_centered
        self.warm_start = warm_start
        self.sparse_output = sparse_output
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
        GraphicalLasso
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter or X is invalid, a variable is constant, or no estimate exists because S
            is not positive semi-definite or `alpha` too small. The message says what to change.

        Warns
        -----
        ConvergenceWarning, NotCertifiedWarning
            If the duality gap is above `tol`: because steps were used up, or because of rounding.
        """
        self._validate_params()
        with one_fit(self, longer=True, told=(X, None)):
            before = getattr(self, "_solution", None) if self.warm_start else None
            made = checked_data(self, X)
            if self.covariance is None:
                source: Covariances = from_data(made, self.location_)
            else:
                demand_variances(np.diagonal(made))
                source = GivenCovariances(made)
            if before is not None and len(before.place) != made.shape[1]:
                raise ValueError(
                    f"warm_start=True: X has {made.shape[1]} variables, but {len(before.place)} "
                    "were fitted; give the same variables, or set warm_start=False"
                )
            solved = solve(
                [source], float(self.alpha), tol=float(self.tol), max_iter=int(self.max_iter),
                n_workers=self.n_workers, seed=seed_of(self.random_state),
                instruments=self.callbacks, starts=[before],
            )  # fmt: skip
            (solution,) = solved.solutions
            self._take(solved, solution)
            if self.warm_start:
                self._solution = solution
            warn_unless_solved(solved, float(self.tol))
            return self
