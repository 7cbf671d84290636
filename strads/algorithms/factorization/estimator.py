"""Base of the factorisation estimators: input, runs, and fitted attributes."""

from __future__ import annotations

import os
import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils._param_validation import Interval, Options, StrOptions

from strads.algorithms.common.callbacks import CALLBACKS
from strads.algorithms.common.fit_series import LASTING
from strads.algorithms.common.priorities import priorities_of
from strads.algorithms.common.seeding import seed_of
from strads.algorithms.common.warnings import NotCertifiedWarning
from strads.algorithms.common.workers import workers_for
from strads.algorithms.factorization.fitted.model import FactorModel
from strads.algorithms.factorization.in_files import extremes, in_files
from strads.algorithms.factorization.programs.factors import Factorization, in_type
from strads.algorithms.factorization.programs.rows import Model
from strads.algorithms.factorization.rating_tables import demand_matrix
from strads.algorithms.factorization.update import extended, merged, restart_zero_rows
from strads.datasets import MappedMatrix, Ratings, encode_ratings, read_ratings
from strads.engine import Result, default_engine
from strads.kernels.lanes import padded

#: Squares of entries must keep this factor away from the ends of the range: many are summed.
MARGIN = 1e3

#: Constraints on the parameters that all factorisation estimators have.
CONSTRAINTS: dict[str, list[Any]] = {
    "n_components": [Interval(Integral, 1, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "n_workers": [Interval(Integral, 1, 1024, closed="both"), None],
    "random_state": ["random_state"],
    "callbacks": CALLBACKS,
    **LASTING,
}
#: Constraints for estimators with the parameters `regularization` and `dtype`.
REGULARIZED: dict[str, list[Any]] = {
    **CONSTRAINTS,
    "regularization": [Interval(Real, 0, None, closed="left")],
    "dtype": [StrOptions({"float32", "float64"}), Options(type, {np.float32, np.float64})],
}
#: Constraints for estimators that can stop early.
STOPPING: dict[str, list[Any]] = {
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
}


class FactorEstimator(FactorModel):
    """Base of the factorisation estimators: everything that does not depend on the objective."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS
    priorities: Any = None
    schedule: str = "round-robin"
    _clicks: ClassVar[bool] = False  # whether observations without ratings can be fitted

    def _entries(self, X: Any) -> Any:
        """Return X as a canonical csr_array in the dtype of the factors, or where it stays."""
        if isinstance(X, MappedMatrix):
            return in_files(self, X)
        demand_matrix(X)
        X = self._ratings(X, reset=True)
        if X.nnz == 0:
            raise ValueError(
                "X stores no entry: there is nothing to fit; store the ratings, also those of 0"
            )
        return X.astype(self._dtype(), copy=False)

    def _numbered(self, users: Any, items: Any, ratings: Any, shape: tuple[int, int] | None) -> Any:
        """Return ratings with ids as a matrix; store the ids as fitted attributes."""
        if isinstance(users, Ratings):
            known = users
        elif isinstance(users, (str, os.PathLike)):
            known = read_ratings(os.fspath(users), clicks=self._clicks)
        else:
            known = encode_ratings(users, items, ratings, clicks=self._clicks)
        X = self._entries(known.matrix() if shape is None else placed(known, shape))
        self.user_ids_ = None if shape is not None else known.user_ids
        self.item_ids_ = None if shape is not None else known.item_ids
        return X

    def _more(self, X: Any) -> Any:
        """Return the entries of all fits so far together with those of X."""
        if not sp.issparse(self.seen_):
            raise ValueError(
                "partial_fit adds ratings to those of the fit, which are in files: convert all of "
                "them, and call fit()"
            )
        if self.item_factors_.shape[1] != self.n_components:
            raise ValueError(
                f"n_components={self.n_components}, but the model was fitted with "
                f"{self.item_factors_.shape[1]}: set it back, or call fit() again"
            )
        new = self._ratings(X).astype(self._dtype(), copy=False)
        known = len(self.user_factors_)
        if new.shape[0] > known and self.user_ids_ is not None:
            raise ValueError(
                f"X has {new.shape[0]} rows, but the model knows {known} users, by their ids; the "
                "other rows have no ids. Call fit_ratings() with all ratings, or fold_in() with "
                "those of the new users"
            )
        return merged(self.seen_, new)

    def _begun(self, users: int) -> dict[str, np.ndarray]:
        """Return the fitted factors as start values, with rows for new users."""
        k, rng = int(self.n_components), np.random.default_rng(seed_of(self.random_state))
        factors = {
            "W": extended(self._padded(self.user_factors_), users, 0.0),
            "H": self._padded(self.item_factors_),
        }
        for factor in factors.values():
            restart_zero_rows(factor, k, rng, bool(getattr(self, "nonnegative", False)))
        return factors

    def _demand_skipping(self) -> None:
        """Refuse priorities where no row is ever skipped."""
        if self.priorities is not None and self.schedule == "round-robin":
            raise ValueError(
                "priorities decide which rows are skipped, and schedule='round-robin' skips none: "
                "use solver='ccd' with schedule='priority' or 'auto', or leave priorities out"
            )

    def _priorities(self, shape: tuple[int, int]) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return the priorities of users and of items."""
        given = (None, None) if self.priorities is None else tuple(self.priorities)
        if len(given) != 2:
            raise ValueError(
                f"priorities has {len(given)} parts: give a pair, the numbers of the users and "
                "those of the items, of which one may be None"
            )
        users, items = given
        return priorities_of(users, shape[0], "users"), priorities_of(items, shape[1], "items")

    def _dtype(self) -> np.dtype[Any]:
        return np.dtype(getattr(self, "dtype", np.float64))

    def _run(
        self, program: Factorization, workers: int, partition: Any = None, epochs: int | None = None
    ) -> Result:
        with default_engine().iterate(
            program, workers=workers, epochs=epochs or int(self.max_iter), partition=partition,
            seed=seed_of(self.random_state), instruments=self.callbacks,
        ) as steps:  # fmt: skip
            for _ in steps:
                pass
            program.take_best()  # here, because also a callback may have ended the run
            return steps.result()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # `dtype` decides
        return tags

    def _take(self, result: Result, X: Any) -> None:
        """Set the fitted attributes that all factorisations have."""
        k = int(self.n_components)
        self.user_factors_ = np.ascontiguousarray(result.state["W"][:, :k])
        self.item_factors_ = np.ascontiguousarray(result.state["H"][:, :k])
        self.seen_ = seen(X)
        self.n_iter_ = len(result.history)
        self.history_ = result.history
        self.statistics_ = result.statistics
        self.global_mean_ = 0.0
        self.user_biases_ = np.zeros(X.shape[0], self._dtype())
        self.item_biases_ = np.zeros(X.shape[1], self._dtype())
        self._warn_of_range(X)

    def _warn_of_range(self, X: Any) -> None:
        """Warn if squares of the entries overflow or underflow: no figure means anything then."""
        range_ = np.finfo(self._dtype())
        largest = float(np.abs(extremes(X)).max())
        inside = np.sqrt(range_.tiny) * MARGIN < largest < np.sqrt(range_.max) / MARGIN
        last = self.history_[-1] if self.history_ else {}
        finite = all(np.isfinite(last.get(name, 0.0)) for name in ("objective", "train_rmse"))
        if (largest > 0.0 and not inside) or not finite:
            warnings.warn(
                f"X has entries up to {largest:.1e}, whose squares are out of the range of "
                f"{range_.dtype}, or the figures of the fit are not finite: the fit may be "
                "meaningless; scale X to ordinary sizes",
                NotCertifiedWarning,
                stacklevel=4,
            )

    def _padded(self, factors: np.ndarray) -> np.ndarray:
        """Return factors with rows padded with zeros, as programs store them."""
        wide = np.zeros((factors.shape[0], padded(factors.shape[1])), self._dtype())
        wide[:, : factors.shape[1]] = factors
        return wide

    def _solve_rows(self, program: type[Factorization], X: Any, model: Model, **given: Any) -> Any:
        """Run a fold-in program, which computes the rows of new users; return its result."""
        made = in_type(program, self._dtype())(
            X=X.astype(self._dtype(), copy=False), model=model, tol=0.0,
            components=int(self.n_components), H=self._padded(self.item_factors_), **given,
        )  # fmt: skip
        epochs = 200 if hasattr(made, "l1") else 1
        workers = workers_for(self.n_workers, X.nnz)
        return default_engine().run(made, workers=workers, epochs=epochs, seed=0)


def seen(X: Any) -> Any:
    """Return what shows which items a user has rated: a csr_array, or where X stays."""
    return X if isinstance(X, MappedMatrix) else sp.csr_array(X)


def placed(known: Ratings, shape: tuple[int, int]) -> Any:
    """Return ratings as a matrix of a given shape, with ids as row and column numbers."""
    places = []
    sides = ("users", known.users, known.user_ids), ("items", known.items, known.item_ids)
    for (name, codes, ids), size in zip(sides, shape, strict=True):
        if ids.dtype.kind not in "iu":
            raise ValueError(f"with shape={shape}, {name} must be integers, not {ids.dtype}")
        wrong = (ids < 0) | (ids >= size)
        if wrong.any():
            raise ValueError(
                f"{name} has id {ids[wrong][0]}, outside 0 … {size - 1} of shape={shape}; leave "
                "`shape` out to allow any ids"
            )
        places.append(ids[codes])
    return sp.csr_array((known.values, tuple(places)), shape=shape)
