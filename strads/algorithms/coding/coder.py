"""Base of the estimators of sparse coding: codes of signals, and what is checked of their input."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array, validate_data

from strads.algorithms.coding.programs.codes import Codes, in_type, wide
from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.fit_series import LASTING
from strads.algorithms.common.model_files import Saved
from strads.algorithms.common.workers import workers_for
from strads.engine import Result, default_engine, sound
from strads.kernels.lanes import padded

#: Constraints on the parameters that all three estimators have.
CODING: dict[str, list[Any]] = {
    "transform_algorithm": [StrOptions({"lasso_cd", "threshold"})],
    "transform_alpha": [Interval(Real, 0, None, closed="left"), None],
    "transform_tol": [Interval(Real, 0, None, closed="left")],
    "transform_max_iter": [Interval(Integral, 1, None, closed="left")],
    "split_sign": ["boolean"],
    "positive_code": ["boolean"],
    "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
    "callbacks": CALLBACKS,
    **LASTING,
}
#: Constraints on the parameters that both estimators have which learn a dictionary.
LEARNING: dict[str, list[Any]] = {
    **CODING,
    "n_components": [Interval(Integral, 1, None, closed="left"), None],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "fit_algorithm": [StrOptions({"cd"})],
    "dict_init": ["array-like", None],
    "random_state": ["random_state"],
    "positive_dict": ["boolean"],
}
#: Squares of entries must keep this factor away from the ends of the range: many are summed.
MARGIN = 1e3
#: Signals times atoms from which on several workers are faster than one.
ENOUGH = 500_000


class Coded(NamedTuple):
    """Codes of signals, and the relative duality gap of each; None without a certificate."""

    codes: np.ndarray
    gaps: np.ndarray | None
    result: Result | None


class Coder(Saved, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the estimators: computes codes for a dictionary, and certifies them."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CODING
    n_features_in_: int

    def _atoms(self) -> np.ndarray:
        """Return the dictionary."""
        raise NotImplementedError  # abstract

    def _penalty(self) -> float:
        """Return the penalty of codes."""
        raise NotImplementedError  # abstract

    def transform(self, X: Any) -> np.ndarray:
        """Compute the codes of signals.

        Parameters
        ----------
        X : array of shape (n_signals, n_features)
            Signals.

        Returns
        -------
        ndarray of shape (n_signals, n_components), or twice as many columns if `split_sign`
            Codes. With ``transform_algorithm="lasso_cd"`` the relative duality gap of each is at
            most `transform_tol`, as far as the precision of X and `transform_max_iter` allow; see
            :meth:`dual_gaps`. With a penalty of 0 the gap is the share of ½‖x‖² that the atoms do
            not explain, so it says nothing about the code.

        Warns
        -----
        ConvergenceWarning
            If codes ended at `transform_max_iter` before they reached `transform_tol`.

        Raises
        ------
        NotFittedError
            If the estimator has not been fitted (:class:`strads.SparseCoder` need not be).
        ValueError
            If X is invalid or has another number of features than the dictionary, or if squares of
            its entries overflow.
        """
        self._demand_ready()
        X = self._signals(X, reset=False)
        return self._split(self._coded(X, self._atoms()).codes)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return the signals that codes stand for.

        Parameters
        ----------
        X : array of shape (n_signals, n_components), or twice as many columns if `split_sign`
            Codes, see :meth:`transform`.

        Returns
        -------
        ndarray of shape (n_signals, n_features)
            The product of codes and atoms.

        Raises
        ------
        ValueError
            If X has another number of columns than codes have.
        """
        self._demand_ready()
        return np.asarray(self._whole(X) @ self._atoms())

    def dual_gaps(self, X: Any, codes: Any = None) -> np.ndarray:
        r"""Bound how far codes of signals are from the best ones, whatever computed them.

        The bound of a signal x with code c is its duality gap

        .. math:: \tfrac12 \|x - D^T c\|^2 + \alpha \|c\|_1
            - \tfrac12 \|x\|^2 + \tfrac12 \|x - \theta\|^2

        with the residual as θ, scaled until no atom has a product of more than α with it. It is
        computed in double precision. With `positive_code` negative codes are an error.

        Parameters
        ----------
        X : array of shape (n_signals, n_features)
            Signals.
        codes : array of shape (n_signals, n_components), optional
            Their codes, see :meth:`transform`; None: those that :meth:`transform` would return.

        Returns
        -------
        ndarray of shape (n_signals,)
            The gap of each signal, as a share of ½‖x‖². 0 for a signal of zeros, whose code is 0.

        Raises
        ------
        ValueError
            If X or the codes are invalid or do not belong together, or a code is negative though
            `positive_code` is set.
        """
        self._demand_ready()
        X = self._signals(X, reset=False)
        atoms = self._atoms()
        demand_in_range("X", X, np.float64)
        if codes is None:
            codes = self._split(self._coded(X, atoms).codes)
        C = self._whole(codes).astype(np.float64)
        if len(C) != len(X):
            raise ValueError(f"codes has {len(C)} rows, but X has {len(X)}: give a code a signal")
        if self.positive_code and C.min(initial=0.0) < 0.0:
            raise ValueError("codes has negative entries, but positive_code=True excludes them")
        return duality_gaps(X, C, atoms, self._penalty(), self.positive_code)

    # -- what the estimators share ---------------------------------------------------------------

    def _coded(
        self, X: np.ndarray, atoms: np.ndarray, C: np.ndarray | None = None, *,
        alpha: float | None = None, instruments: Any = None,
    ) -> Coded:  # fmt: skip
        """Compute the codes of checked signals.

        Parameters
        ----------
        X, atoms : ndarray
            Signals and atoms.
        C : ndarray of shape (n_signals, padded atoms), optional
            Codes to begin with, of the least squares with a penalty.
        alpha : float, optional
            The penalty of the fit, whose codes are the minimum whatever `transform_algorithm` is;
            None: what `transform` computes.
        instruments : optional
            See :meth:`strads.engine.Engine.run`.
        """
        count, threshold = len(atoms), alpha is None and self.transform_algorithm == "threshold"
        alpha = self._penalty() if alpha is None else alpha
        if threshold:
            products = X @ atoms.T.astype(X.dtype, copy=False)
            codes = np.sign(products) * np.maximum(np.abs(products) - alpha, 0.0)
            return Coded(np.maximum(codes, 0.0) if self.positive_code else codes, None, None)
        demand_in_range("X", X, X.dtype, above=alpha / _longest(atoms))
        demand_in_range("the dictionary", atoms, X.dtype, above=alpha / _longest(X))
        rows = padded(count)
        given = {} if C is None else {"C": C}
        program = in_type(Codes, X.dtype)(
            X=wide(X, X.dtype), dictionary=wide(atoms, np.float64, rows), alpha=alpha,
            positive=int(self.positive_code), tol=float(self.transform_tol),
            looks=int(self.transform_max_iter), **given,
        )  # fmt: skip
        workers = self._workers(X, count)
        result = default_engine().run(
            program, workers=workers, epochs=1, seed=0, instruments=instruments
        )
        codes, gaps = np.ascontiguousarray(result.state["C"][:, :count]), result.state["gap"]
        short = int(np.count_nonzero(result.state["ended"]))
        if short:
            warnings.warn(
                f"{short} of {len(X)} codes ended at transform_max_iter={self.transform_max_iter}, "
                f"with relative duality gaps up to {gaps.max():.1e}; "
                f"transform_tol={self.transform_tol:g} was asked for: raise either",
                ConvergenceWarning, stacklevel=3,
            )  # fmt: skip
        return Coded(codes, gaps, result)

    def _workers(self, X: np.ndarray, components: int) -> int:
        return workers_for(self.n_workers, len(X) * components, ENOUGH)

    def _signals(self, X: Any, *, reset: bool) -> np.ndarray:
        """Check signals; they are float32 or float64, row by row in memory."""
        kinds = (np.float64, np.float32)
        checked = validate_data(self, sound(X), dtype=kinds, order="C", reset=reset)
        return np.asarray(checked)

    def _split(self, codes: np.ndarray) -> np.ndarray:
        """Return codes as users see them."""
        if not self.split_sign:
            return codes
        return np.hstack([np.maximum(codes, 0.0), np.maximum(-codes, 0.0)])

    def _whole(self, codes: Any) -> np.ndarray:
        """Return checked codes with their signs."""
        codes = check_array(codes)
        count = len(self._atoms())
        expected = 2 * count if self.split_sign else count
        if codes.shape[1] != expected:
            raise ValueError(
                "The number of components in the code is different from the number of components "
                f"in the dictionary. Expected {expected}, got {codes.shape[1]}."
            )
        return codes[:, :count] - codes[:, count:] if self.split_sign else codes

    def _demand_ready(self) -> None:
        """Refuse an estimator that has no dictionary yet."""
        raise NotImplementedError  # abstract

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def demand_in_range(
    name: str, values: np.ndarray, dtype: Any, above: float | None = None
) -> None:  # fmt: skip
    """Refuse values whose squares overflow or, if the largest length is above `above`, vanish."""
    largest, range_ = _largest(values), np.finfo(dtype)
    over = largest >= np.sqrt(range_.max) / MARGIN
    length = largest * np.sqrt(values.shape[1])
    under = above is not None and length > above and largest <= np.sqrt(range_.tiny) * MARGIN
    if over or (under and largest > 0.0):
        raise ValueError(
            f"{name} has entries up to {largest:.1e}, whose squares are out of the range of "
            f"{np.dtype(dtype)}: scale {name} to ordinary sizes, and the penalty alpha by the same "
            "factor"
        )


def _longest(rows: np.ndarray) -> float:
    """Return a bound on the length of the longest row, above zero."""
    bound = _largest(rows) * float(np.sqrt(rows.shape[1]))
    return max(bound, float(np.finfo(np.float64).tiny))


def _largest(values: np.ndarray) -> float:
    """Return the largest magnitude, without an array of magnitudes."""
    return max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))


def duality_gaps(
    X: np.ndarray, C: np.ndarray, atoms: np.ndarray, alpha: float, positive: bool
) -> np.ndarray:
    """Return the relative duality gaps of codes; see :meth:`Coder.dual_gaps`."""
    found = np.zeros(len(X))
    atoms = atoms.astype(np.float64)
    for lo in range(0, len(X), 1 << 14):  # so that the products take little memory
        part = slice(lo, lo + (1 << 14))
        x, c = X[part].astype(np.float64), C[part]
        r = x - c @ atoms
        z = r @ atoms.T
        largest = (z if positive else np.abs(z)).max(axis=1, initial=0.0)
        scale = np.minimum(1.0, alpha / np.maximum(largest, np.finfo(float).tiny))
        rr = np.einsum("ij,ij->i", r, r)
        gap = 0.5 * rr * (1.0 - scale) ** 2 + alpha * np.abs(c).sum(axis=1)
        gap -= scale * np.einsum("ij,ij->i", c, z)
        half = 0.5 * np.einsum("ij,ij->i", x, x)
        found[part] = np.maximum(gap, 0.0) / np.where(half > 0.0, half, 1.0)
    return found
