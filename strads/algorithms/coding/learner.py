"""Base of the estimators that learn a dictionary: first atoms, and fitted attributes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_array, check_is_fitted, check_non_negative

from strads.algorithms.coding.coder import LEARNING, Coder, demand_in_range
from strads.algorithms.coding.start import first_atoms
from strads.algorithms.common.seeding import seed_of


class DictionaryLearner(Coder):
    """Base of ``DictionaryLearning`` and ``MiniBatchDictionaryLearning``."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = LEARNING
    components_: np.ndarray

    def _atoms(self) -> np.ndarray:
        return self.components_

    def _penalty(self) -> float:
        return float(self.alpha if self.transform_alpha is None else self.transform_alpha)

    def _demand_ready(self) -> None:
        check_is_fitted(self)

    def _learnable(self, X: Any, *, reset: bool) -> np.ndarray:
        """Check signals from which to learn."""
        X = self._signals(X, reset=reset)
        demand_in_range("X", X, X.dtype, above=0.0)
        return X

    def _first(self, X: np.ndarray) -> np.ndarray:
        """Return the atoms to begin with, in double precision."""
        components = X.shape[1] if self.n_components is None else int(self.n_components)
        if self.dict_init is None:
            rng = np.random.default_rng(seed_of(self.random_state))
            return first_atoms(X, components, self.positive_dict, rng)
        atoms = check_array(self.dict_init, dtype=np.float64, copy=True)
        if self.n_components is None:
            components = len(atoms)
        if atoms.shape != (components, X.shape[1]):
            raise ValueError(
                f"dict_init is of shape {atoms.shape}, but n_components={components} atoms of "
                f"{X.shape[1]} features are to be learnt: give one of shape "
                f"({components}, {X.shape[1]})"
            )
        if self.positive_dict:
            check_non_negative(atoms, f"{type(self).__name__} (input dict_init)")
        return np.asarray(atoms / np.maximum(np.linalg.norm(atoms, axis=1, keepdims=True), 1.0))

    def _learnt(self, result: Any, X: np.ndarray, components: int) -> None:
        """Set the fitted attributes that both estimators have."""
        atoms = result.state["dictionary"][0, :components, : X.shape[1]]
        self.components_ = np.ascontiguousarray(atoms, dtype=X.dtype)
        self.n_components_ = components
        self.history_, self.statistics_ = result.history, result.statistics

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {"components_": (self.n_components_, self.n_features_in_)}

    @property
    def _n_features_out(self) -> int:
        return (2 if self.split_sign else 1) * len(self.components_)
