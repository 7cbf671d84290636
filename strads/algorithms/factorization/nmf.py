"""The estimator for non-negative matrix factorisation, with scikit-learn's parameters."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.factorization.estimator import CONSTRAINTS
from strads.algorithms.factorization.programs.ccd import CoordinateFactorization
from strads.algorithms.factorization.programs.factors import in_type
from strads.algorithms.factorization.programs.fold import ConstrainedFoldIn
from strads.algorithms.factorization.programs.rows import Model
from strads.engine import default_engine, sound
from strads.kernels.lanes import padded

#: The sum over all pairs of (x − wᵀh)²: entries that are not stored count as zeros.
ALL_ENTRIES = Model((0.0, 0.0, 0.0, 1.0, 0.0, 0.0), everything=True)
#: X is scaled only if its exponent exceeds this: else fourth powers of √X stay in range.
MODERATE = 30
#: If ‖X − WH‖², as a difference of larger numbers, is below this share of ‖X‖², rounding errors
#: dominate it, and it is computed directly.
CANCELLED = 1e-9


class NMF(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Non-negative factorisation X ≈ WH of a matrix, typically sparse; entries not stored are 0.

    .. math:: \tfrac12 \|X - WH\|_F^2 + \alpha_W p\, (\rho \|W\|_1 + \tfrac{1-\rho}{2} \|W\|_F^2)
        + \alpha_H n\, (\rho \|H\|_1 + \tfrac{1-\rho}{2} \|H\|_F^2), \quad W, H \ge 0

    with n samples, p features and ρ = `l1_ratio`: the objective of ``sklearn.decomposition.NMF``
    with ``beta_loss="frobenius"``, whose parameters mean the same here.

    Parameters
    ----------
    n_components : int, default=10
        Number of components, the columns of W and rows of H.
    tol : float, default=1e-4
        The fit stops once the objective changes by less than this share of itself in an epoch.
    max_iter : int, default=200
        Largest number of epochs; an epoch updates W and then H.
    alpha_W : float, default=0.0
        Weight α_W of the penalty on W.
    alpha_H : float or "same", default="same"
        Weight α_H of the penalty on H; "same": α_W.
    l1_ratio : float, default=0.0
        Share ρ of the L1 penalty, from 0 to 1.
    n_workers : int, optional
        Number of logical workers; None: one for small data, else one a core. The result is bit for
        bit the same for any number.
    random_state : int, RandomState or None
        Seed of the start values; None means 0.
    callbacks : callable, Instrument, or list or tuple of them, optional
        Called after every step; a callable stops the fit by returning a true value.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The factor H.
    reconstruction_err_ : float
        The Frobenius norm ‖X − WH‖.
    n_iter_ : int
        Number of epochs.
    history_ : list of dict
        Figures of every epoch: ``objective`` is twice the objective above, without ‖X‖². If the
        entries of X are beyond 2^±30, it is that of X divided by a power of two.
    statistics_ : dict
        Counts and times of the run; see :meth:`strads.engine.Run.statistics`.

    References
    ----------
    Cichocki, Phan. Fast local algorithms for large scale nonnegative matrix and tensor
    factorizations. IEICE 2009.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "alpha_W": [Interval(Real, 0, None, closed="left")],
        "alpha_H": [Interval(Real, 0, None, closed="left"), StrOptions({"same"})],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        n_components: int = 10,
        *,
        tol: float = 1e-4,
        max_iter: int = 200,
        alpha_W: float = 0.0,
        alpha_H: float | str = "same",
        l1_ratio: float = 0.0,
        n_workers: int | None = None,
        random_state: Any = None,
        callbacks: Any = None,
    ) -> None:
        self.n_components = n_components
        self.tol = tol
        self.max_iter = max_iter
        self.alpha_W = alpha_W
        self.alpha_H = alpha_H
        self.l1_ratio = l1_ratio
        self.n_workers = n_workers
        self.random_state = random_state
        self.callbacks = callbacks

    def fit(self, X: Any, y: Any = None) -> NMF:
        """Fit the model.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Data without negative entries.
        y : None
            Ignored.

        Returns
        -------
        NMF
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, or X is invalid or has a negative entry.
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit the model and return W.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_samples, n_features)
            Data without negative entries.
        y : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            The factor W.

        Raises
        ------
        ValueError
            If a parameter is out of range, or X is invalid or has a negative entry.
        """
        self._validate_params()
        X = self._checked(X, reset=True)
        half = _exponent(X.data) // 2  # X is divided by 4^half, so each factor by 2^half
        X = _times(X, -2 * half)
        penalties, l1 = self._penalties(X.shape, 2 * half, half)
        program = in_type(CoordinateFactorization, X.dtype)(
            X=X, model=ALL_ENTRIES, components=int(self.n_components), penalty=penalties, l1=l1,
            nonnegative=True, tol=float(self.tol),
        )  # fmt: skip
        result = default_engine().run(
            program, workers=workers_for(self.n_workers, X.nnz), epochs=int(self.max_iter),
            seed=seed_of(self.random_state), instruments=self.callbacks,
        )  # fmt: skip
        k = int(self.n_components)
        W, H = (np.ldexp(result.state[name][:, :k], half) for name in "WH")
        self.components_ = np.ascontiguousarray(H.T)
        self.n_iter_, self.history_ = len(result.history), result.history
        self.statistics_ = result.statistics
        apart = _distance(X, np.ldexp(W, -half), np.ldexp(self.components_, -half))
        self.reconstruction_err_ = float(np.ldexp(apart, 2 * half))
        return W

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
        X = self._checked(X, reset=False)
        k, exponent, taken = len(self.components_), _exponent(X.data), _exponent(self.components_)
        X = _times(X, -exponent)
        penalties, l1 = self._penalties(X.shape, exponent, exponent - taken)
        H = np.zeros((X.shape[1], padded(k)), X.dtype)
        H[:, :k] = np.ldexp(self.components_.T, -taken)
        program = in_type(ConstrainedFoldIn, X.dtype)(
            X=X, model=ALL_ENTRIES, components=k, penalty=penalties, l1=l1, nonnegative=True, H=H
        )
        result = default_engine().run(
            program, workers=workers_for(self.n_workers, X.nnz), epochs=200, seed=0
        )
        return np.asarray(np.ldexp(result.state["W"][:, :k], exponent - taken))

    def inverse_transform(self, W: Any) -> np.ndarray:
        """Compute WH.

        Parameters
        ----------
        W : array-like of shape (n_rows, n_components)
            See :meth:`transform`.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            The data that the factors approximate.
        """
        check_is_fitted(self)
        return np.asarray(W) @ self.components_

    def _penalties(
        self, shape: tuple[int, int], exponent: int, of_factor: int
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the squared and L1 penalties of W and H in the program's scaled objective.

        The program's objective is twice scikit-learn's, divided by 4^exponent: its X is divided by
        2^exponent, and its factor with a penalty by 2^of_factor.
        """
        n, p = shape
        a = float(self.alpha_W)
        b = a if self.alpha_H == "same" else float(self.alpha_H)
        with np.errstate(over="ignore", under="ignore"):
            ridge = float(np.ldexp(1.0 - self.l1_ratio, 2 * (of_factor - exponent)))
            l1 = float(np.ldexp(self.l1_ratio, of_factor - 2 * exponent))
        return (a * p * ridge, b * n * ridge), (a * p * l1, b * n * l1)

    def _checked(self, X: Any, *, reset: bool) -> Any:
        kinds = (np.float64, np.float32)
        X = validate_data(self, sound(X), accept_sparse="csr", dtype=kinds, reset=reset)
        check_non_negative(X, "NMF")
        matrix = sp.csr_array(X)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        return matrix

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        return tags


def _exponent(values: np.ndarray) -> int:
    """Return the exponent by which to scale numbers; 0 unless their squares may leave the range."""
    exponent = int(np.frexp(values.max(initial=0.0))[1])
    return exponent if abs(exponent) > MODERATE else 0


def _times(X: Any, exponent: int) -> Any:
    """Return X · 2^exponent."""
    if exponent == 0:
        return X
    return sp.csr_array((np.ldexp(X.data, exponent), X.indices, X.indptr), shape=X.shape)


def _distance(X: Any, W: np.ndarray, H: np.ndarray) -> float:
    """Return ‖X − WH‖; the dense product is formed only if the parts of its square cancel."""
    W, H = W.astype(np.float64), H.astype(np.float64)
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    crossed = 0.0
    for lo in range(0, X.nnz, 1 << 20):
        part = slice(lo, lo + (1 << 20))
        products = np.einsum("ij,ij->i", W[rows[part]], H[:, X.indices[part]].T)
        crossed += float(products @ X.data[part])
    whole = float(X.data.astype(np.float64) @ X.data)
    square = whole - 2.0 * crossed + float(np.sum((W.T @ W) * (H @ H.T)))
    if square > CANCELLED * whole:
        return float(np.sqrt(square))
    square, step = 0.0, max(1, (1 << 22) // max(X.shape[1], 1))
    for lo in range(0, X.shape[0], step):
        apart = X[lo : lo + step].toarray() - W[lo : lo + step] @ H
        square += float(np.sum(apart * apart))
    return float(np.sqrt(square))
