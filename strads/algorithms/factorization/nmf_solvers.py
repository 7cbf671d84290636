"""Non-negative factorisation: the fit by each solver, and the rows of new samples."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_non_negative, validate_data

from strads.algorithms.common.model_files import Saved
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.workers import workers_for
from strads.algorithms.factorization.fitted.reconstruction import exponent_of, times_power
from strads.algorithms.factorization.nmf_start import components_of, start_values
from strads.algorithms.factorization.programs.ccd import CoordinateFactorization
from strads.algorithms.factorization.programs.factors import in_type
from strads.algorithms.factorization.programs.fold import ConstrainedFoldIn
from strads.algorithms.factorization.programs.multiplicative import MultiplicativeFactorization
from strads.algorithms.factorization.programs.rows import Model
from strads.engine import Result, default_engine, sound
from strads.kernels.lanes import padded

#: The sum over all pairs of (x − wᵀh)²: entries that are not stored count as zeros.
ALL_ENTRIES = Model((0.0, 0.0, 0.0, 1.0, 0.0, 0.0), everything=True)
#: Largest number of epochs to compute the rows of new samples by coordinate descent.
ROWS = 200
#: β of the divergences that have names.
BETAS = {"frobenius": 2.0, "kullback-leibler": 1.0, "itakura-saito": 0.0}

Pair = tuple[float, float]


class Factors(NamedTuple):
    """Factors W and H of a run, and what it tells."""

    W: np.ndarray
    H: np.ndarray
    result: Result


class NMFSolvers(Saved, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of ``NMF``: checks the data, and calls the solvers."""

    components_: np.ndarray

    def _solve(self, X: Any, W: Any, H: Any) -> Factors:
        """Run the solver on checked data, from the user's start values if `init` is "custom"."""
        self._demand_solvable(X)
        if self.init != "custom" and (W is not None or H is not None):
            warnings.warn(
                "When init!='custom', provided W or H are ignored. Set  init='custom' to use them "
                "as initialization.",
                RuntimeWarning,
                stacklevel=3,
            )
        found = (self._multiply if self.solver == "mu" else self._descend)(X, W, H)
        if found.result.status == "epochs" and self.tol > 0.0:
            _warn_of_epochs(self.max_iter, level=4)
        return found

    def _rows(self, X: Any, H: np.ndarray) -> np.ndarray:
        """Return the best W of checked data for given components."""
        self._demand_solvable(X)
        return (self._multiply_rows if self.solver == "mu" else self._descend_rows)(X, H)

    # -- coordinate descent --------------------------------------------------------------------

    def _descend(self, X: Any, W: Any, H: Any) -> Factors:
        half = exponent_of(X.data) // 2  # X is divided by 4^half, so each factor by 2^half
        X = times_power(X, -2 * half)
        k, given = components_of(X, self.n_components, None), {}
        if self.init is not None:
            W, H = self._start(X, W, H)
            own, k = half if self.init == "custom" else 0, W.shape[1]
            given = {"W": _wide(np.ldexp(W, -own)), "H": _wide(np.ldexp(H.T, -own))}
        penalties, l1 = self._penalties(X, 2 * half, half)
        program = in_type(CoordinateFactorization, X.dtype)(
            X=X, model=ALL_ENTRIES, components=k, penalty=penalties, l1=l1,
            nonnegative=True, tol=float(self.tol),
            shuffle=seed_of(self.random_state) if self.shuffle else None, **given,
        )  # fmt: skip
        result = self._run(program, X)
        W, H = (np.ldexp(result.state[name][:, :k], half) for name in "WH")
        return Factors(W, np.ascontiguousarray(H.T), result)

    def _descend_rows(self, X: Any, components: np.ndarray) -> np.ndarray:
        k, exponent, taken = len(components), exponent_of(X.data), exponent_of(components)
        X = times_power(X, -exponent)
        penalties, l1 = self._penalties(X, exponent, exponent - taken)
        H = np.zeros((X.shape[1], padded(k)), X.dtype)
        H[:, :k] = np.ldexp(components.T, -taken)
        program = in_type(ConstrainedFoldIn, X.dtype)(
            X=X, model=ALL_ENTRIES, components=k, penalty=penalties, l1=l1, nonnegative=True, H=H
        )
        result = default_engine().run(
            program, workers=workers_for(self.n_workers, X.nnz), epochs=ROWS, seed=0
        )
        return np.asarray(np.ldexp(result.state["W"][:, :k], exponent - taken))

    # -- multiplicative updates ----------------------------------------------------------------

    def _multiply(self, X: Any, W: Any, H: Any) -> Factors:
        if self.init == "nndsvd":
            warnings.warn(
                "The multiplicative update ('mu') solver cannot update zeros present in the "
                "initialization, and so leads to poorer results when used jointly with "
                "init='nndsvd'. You may try init='nndsvda' or init='nndsvdar' instead.",
                UserWarning,
                stacklevel=4,
            )
        W, H = self._start(X, W, H)
        result = self._run(self._multiplication(X, W, H, both=True), X)
        W, H = (result.state[name][:, : W.shape[1]].copy() for name in "WH")
        return Factors(W, np.ascontiguousarray(H.T), result)

    def _multiply_rows(self, X: Any, components: np.ndarray) -> np.ndarray:
        k = len(components)
        W = np.full((X.shape[0], k), np.sqrt(X.mean() / k), X.dtype)
        result = default_engine().run(
            self._multiplication(X, W, components.astype(X.dtype, copy=False), both=False),
            workers=workers_for(self.n_workers, X.nnz), epochs=int(self.max_iter), seed=0,
        )  # fmt: skip
        if result.status == "epochs" and self.tol > 0.0:
            _warn_of_epochs(self.max_iter, level=6)  # scikit-learn wraps transform
        return result.state["W"][:, :k].copy()

    def _multiplication(self, X: Any, W: np.ndarray, H: np.ndarray, *, both: bool) -> Any:
        penalties, l1 = self._penalties(X, 0, 0)
        return in_type(MultiplicativeFactorization, X.dtype)(
            X=X, beta=self._beta, penalty=penalties, l1=l1, both=both, tol=float(self.tol),
            components=W.shape[1], W=_wide(W), H=_wide(H.T),
        )  # fmt: skip

    # -- what both need ------------------------------------------------------------------------

    @property
    def _beta(self) -> float:
        return BETAS[self.beta_loss] if self.beta_loss in BETAS else float(self.beta_loss)

    def _start(self, X: Any, W: Any, H: Any) -> tuple[np.ndarray, np.ndarray]:
        state = 0 if self.random_state is None else self.random_state
        return start_values(X, self.n_components, self.init, state, W, H)

    def _run(self, program: Any, X: Any) -> Result:
        return default_engine().run(
            program, workers=workers_for(self.n_workers, X.nnz), epochs=int(self.max_iter),
            seed=seed_of(self.random_state), instruments=self.callbacks,
        )  # fmt: skip

    def _demand_solvable(self, X: Any) -> None:
        if self.solver != "mu" and self._beta != 2.0:
            raise ValueError(
                f"Invalid beta_loss parameter: solver {self.solver!r} does not handle beta_loss = "
                f"{self.beta_loss!r}; use solver='mu'"
            )
        zeros = X.nnz < X.shape[0] * X.shape[1] or X.data.min(initial=1.0) == 0.0
        if zeros and self._beta <= 0.0:
            raise ValueError(
                "When beta_loss <= 0 and X contains zeros, the solver may diverge. Please add "
                "small values to X, or use a positive beta_loss."
            )

    def _penalties(self, X: Any, exponent: int, of_factor: int) -> tuple[Pair, Pair]:
        """Return the squared and L1 penalties of W and H in the program's scaled objective.

        The program's objective is twice scikit-learn's, divided by 4^exponent: its X is divided by
        2^exponent, and its factor with a penalty by 2^of_factor.
        """
        n, p = X.shape
        a = float(self.alpha_W)
        b = a if self.alpha_H == "same" else float(self.alpha_H)
        with np.errstate(over="ignore", under="ignore"):
            ridge = float(np.ldexp(1.0 - self.l1_ratio, 2 * (of_factor - exponent)))
            l1 = float(np.ldexp(self.l1_ratio, of_factor - 2 * exponent))
        # The scale of components that the penalty has made tiny must not make it infinite.
        most = float(np.finfo(X.dtype).max) ** 0.75
        squared = min(a * p * ridge, most), min(b * n * ridge, most)
        return squared, (min(a * p * l1, most), min(b * n * l1, most))

    def _checked(self, X: Any, *, reset: bool) -> Any:
        kinds = (np.float64, np.float32)
        X = validate_data(self, sound(X), accept_sparse="csr", dtype=kinds, reset=reset)
        check_non_negative(X, "NMF")
        matrix = sp.csr_array(X)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        return matrix

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {"components_": (self.n_components_, self.n_features_in_)}

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _warn_of_epochs(max_iter: int, level: int) -> None:
    warnings.warn(
        f"Maximum number of iterations {max_iter} reached. Increase it to improve convergence.",
        ConvergenceWarning,
        stacklevel=level,
    )


def _wide(factor: np.ndarray) -> np.ndarray:
    """Return a factor with rows padded with zeros, as programs store them."""
    wide = np.zeros((factor.shape[0], padded(factor.shape[1])), factor.dtype)
    wide[:, : factor.shape[1]] = factor
    return wide
