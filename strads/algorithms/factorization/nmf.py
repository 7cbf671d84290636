"""The estimator for non-negative matrix factorisation, with scikit-learn's parameters."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array, check_is_fitted

from strads.algorithms.common.fit_series import one_fit
from strads.algorithms.factorization.estimator import CONSTRAINTS
from strads.algorithms.factorization.fitted.reconstruction import reconstruction_error
from strads.algorithms.factorization.nmf_solvers import BETAS, Factors, NMFSolvers


class NMF(NMFSolvers):
    r"""Non-negative factorisation X ≈ WH of a matrix, typically sparse; entries not stored are 0.

    .. math:: D_\beta(X, WH) + \alpha_W p\, (\rho \|W\|_1 + \tfrac{1-\rho}{2} \|W\|_F^2)
        + \alpha_H n\, (\rho \|H\|_1 + \tfrac{1-\rho}{2} \|H\|_F^2), \quad W, H \ge 0

    with n samples, p features, ρ = `l1_ratio`, and D half the squared error ‖X − WH‖² or, with
    ``solver="mu"``, another β-divergence: the objective of ``sklearn.decomposition.NMF``, whose
    parameters have the same names and meanings here. Where they differ, it is said below.

    Parameters
    ----------
    n_components : int, None or "auto", default="auto"
        Number of components, the columns of W and rows of H. "auto": as many as the given H has if
        ``init="custom"``, else one a feature, as with None.
    init : {"random", "nndsvd", "nndsvda", "nndsvdar", "custom"}, optional
        Start values. "custom": W and H as they are given to ``fit`` or ``fit_transform``. The
        others are computed by scikit-learn. None differs between the solvers. "mu": "nndsvda" or,
        with more components than samples or features, "random", as in scikit-learn. "cd": uniform
        random numbers, for which no singular value decomposition of X is needed.
    solver : {"cd", "mu"}, default="cd"
        "cd": coordinate descent on blocks of a row, two sweeps a block; scikit-learn makes one
        sweep over all of a row, so the iterates differ. "mu": multiplicative updates, with the
        iterates of scikit-learn.
    beta_loss : {"frobenius", "kullback-leibler", "itakura-saito"} or float, default="frobenius"
        β of the divergence: the names stand for 2, 1 and 0. Others than 2 need ``solver="mu"``;
        others than 2 and 1 take a pass over the dense product WH in each half of an epoch.
    tol : float, default=1e-4
        "cd": the fit stops once the objective changes by less than this share of itself in an
        epoch. (scikit-learn compares projected gradients with those of the first epoch, so set a
        smaller value here for an equally close fit.) "mu": the fit stops if the reconstruction
        error has fallen by less than this share of its first value in ten epochs, as in
        scikit-learn.
    max_iter : int, default=200
        Largest number of epochs; an epoch updates W and then H.
    random_state : int, RandomState or None
        Seed of the start values and of `shuffle`; None means 0.
    alpha_W : float, default=0.0
        Weight α_W of the penalty on W.
    alpha_H : float or "same", default="same"
        Weight α_H of the penalty on H; "same": α_W.
    l1_ratio : float, default=0.0
        Share ρ of the L1 penalty, from 0 to 1.
    verbose : int, default=0
        1: show how the fit goes on, live in a terminal or notebook, else by a line now and then.
        2: a line for every step as well.
    shuffle : bool, default=False
        Whether "cd" visits the components in another random order in every epoch.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core. The result is bit for
        bit the same for any number.
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
    components_ : ndarray of shape (n_components, n_features)
        The factor H.
    n_components_ : int
        Number of components.
    reconstruction_err_ : float
        The square root of twice the divergence of X from WH; with β = 2, the Frobenius norm
        ‖X − WH‖.
    n_iter_ : int
        Number of epochs.
    history_ : list of dict
        Figures of every epoch. "cd": ``objective`` is twice the objective above, without ‖X‖², and
        computed between the halves of the epoch. If the entries of X are beyond 2^±30, it is that
        of X divided by a power of two. "mu": ``reconstruction_err``, in every tenth epoch.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    References
    ----------
    Cichocki, Phan. Fast local algorithms for large scale nonnegative matrix and tensor
    factorizations. IEICE 2009.
    Févotte, Idier. Algorithms for nonnegative matrix factorization with the β-divergence. Neural
    Computation 23(9), 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from strads import NMF
    >>> X = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.2], [4.0, 1.0], [5.0, 0.8], [6.0, 1.0]])
    >>> model = NMF(n_components=2, random_state=0)
    >>> W = model.fit_transform(X)
    >>> bool(np.allclose(X, model.inverse_transform(W), atol=0.1))
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "n_components": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "init": [StrOptions({"random", "nndsvd", "nndsvda", "nndsvdar", "custom"}), None],
        "solver": [StrOptions({"cd", "mu"})],
        "beta_loss": [StrOptions(set(BETAS)), Real],
        "alpha_W": [Interval(Real, 0, None, closed="left")],
        "alpha_H": [Interval(Real, 0, None, closed="left"), StrOptions({"same"})],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "verbose": ["verbose"],
        "shuffle": ["boolean"],
    }

    def __init__(
        self,
        n_components: int | str | None = "auto",
        *,
        init: str | None = None,
        solver: str = "cd",
        beta_loss: float | str = "frobenius",
        tol: float = 1e-4,
        max_iter: int = 200,
        random_state: Any = None,
        alpha_W: float = 0.0,
        alpha_H: float | str = "same",
        l1_ratio: float = 0.0,
        verbose: int = 0,
        shuffle: bool = False,
        n_workers: int | None = None,
        callbacks: Any = None,
        checkpoint: Any = None,
        resume_from: Any = None,
        on_interrupt: str = "raise",
        run_dir: Any = None,
        max_seconds: float | None = None,
    ) -> None:
        self.n_components = n_components
        self.init = init
        self.solver = solver
        self.beta_loss = beta_loss
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.alpha_W = alpha_W
        self.alpha_H = alpha_H
        self.l1_ratio = l1_ratio
        self.verbose = verbose
        self.shuffle = shuffle
        self.n_workers = n_workers
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.resume_from = resume_from
        self.on_interrupt = on_interrupt
        self.run_dir = run_dir
        self.max_seconds = max_seconds

    def fit(self, X: Any, y: Any = None, W: Any = None, H: Any = None) -> NMF:
        """Fit the model.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Data without negative entries.
        y : None
            Ignored.
        W, H : ndarray of shape (n_samples, n_components) and (n_components, n_features), optional
            Start values if ``init="custom"``, in the type of X.

        Returns
        -------
        NMF
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range or does not go with another one, X is invalid or has a
            negative entry, or a start value is missing, of a wrong shape or invalid.
        TypeError
            If a start value has another dtype than X.

        Warns
        -----
        ConvergenceWarning
            If all epochs were used up before `tol` was reached.
        """
        self._validate_params()
        with one_fit(self, longer=True, told=(X, y)):
            X = self._checked(X, reset=True)
            found = self._solve(X, W, H)
            self._take(found)
            self.reconstruction_err_ = reconstruction_error(X, found.W, found.H, self._beta)
            return self

    def fit_transform(self, X: Any, y: Any = None, W: Any = None, H: Any = None) -> np.ndarray:
        """Fit the model and return W.

        With ``solver="cd"`` the result is that of :meth:`transform`, bit for bit: the best W for
        the fitted components, which takes some more half epochs than :meth:`fit`. With "mu" it is
        the W of the last epoch.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Data without negative entries.
        y : None
            Ignored.
        W, H : ndarray of shape (n_samples, n_components) and (n_components, n_features), optional
            Start values if ``init="custom"``, in the type of X.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            The factor W.

        Raises
        ------
        ValueError, TypeError
            See :meth:`fit`.
        """
        self._validate_params()
        with one_fit(self, longer=True, told=(X, y)):
            X = self._checked(X, reset=True)
            found = self._solve(X, W, H)
            self._take(found)
            best = found.W if self.solver == "mu" else self._rows(X, found.H)
            self.reconstruction_err_ = reconstruction_error(X, best, found.H, self._beta)
            return best

    def transform(self, X: Any) -> np.ndarray:
        """Compute W of new samples for the fitted components.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_rows, n_features)
            Data without negative entries.

        Returns
        -------
        ndarray of shape (n_rows, n_components)
            The factor W of X.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted.
        ValueError
            If X is invalid, has a negative entry, or another number of features than in the fit.
        """
        check_is_fitted(self)
        return self._rows(self._checked(X, reset=False), self.components_)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Compute WH.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_rows, n_components)
            The factor W; see :meth:`transform`.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            The data that the factors approximate.
        """
        check_is_fitted(self)
        W = check_array(X, accept_sparse=True)
        return np.asarray(W @ self.components_)

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the error with which the fitted components reconstruct samples.

        The rows of W are computed by :meth:`transform`, so the samples need not be those of the
        fit: this is how ``cross_val_score`` and ``GridSearchCV`` compare parameters.
        (scikit-learn's NMF has no score.)

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_rows, n_features)
            Data without negative entries.
        y : None
            Ignored.

        Returns
        -------
        float
            Minus the square root of twice the mean divergence of an entry, zeros included; with
            β = 2 that is minus the root mean square error. Larger is better.
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        W = self._rows(X, self.components_)
        error = reconstruction_error(X, W, self.components_, self._beta)
        return -error / float(np.sqrt(X.shape[0] * X.shape[1]))

    def _take(self, found: Factors) -> None:
        """Set the fitted attributes."""
        self.components_ = found.H
        self.n_components_ = self._n_components = len(found.H)
        self.n_iter_, self.history_ = len(found.result.history), found.result.history
        self.statistics_ = found.result.statistics
