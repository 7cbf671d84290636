"""The predictions of a fitted factorisation of users × items, and users folded in."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from strads.algorithms.factorization.fitted.identifiers import positions
from strads.algorithms.factorization.fitted.ranking import entries
from strads.engine import sound

#: Factors gathered at a time, from each side, to predict pairs.
CHUNK = 1 << 20


class FactorPredictor(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, metaclass=ABCMeta
):
    r"""Predictions of users' ratings of items from factors and biases; see `FactorModel`.

    User u is predicted to rate item i with

    .. math:: \hat r_{ui} = \mu + b_u + c_i + w_u \cdot h_i

    Users and items are named by their ids: those of the ratings where the model was fitted to
    ratings with ids, else the rows and columns of X, counted from 0. A matrix X has users as rows
    and items, in the order of `item_factors_`, as columns. Its stored entries are the ratings, a
    stored 0 too; of a dense X the entries that are not 0.

    Attributes
    ----------
    user_factors_ : ndarray of shape (n_users, n_components)
        w.
    item_factors_ : ndarray of shape (n_items, n_components)
        h.
    user_biases_ : ndarray of shape (n_users,)
        b; zeros where the model has none.
    item_biases_ : ndarray of shape (n_items,)
        c; zeros where the model has none.
    global_mean_ : float
        μ; 0 where the model has none.
    seen_ : csr_array of shape (n_users, n_items)
        Stores an entry, of whatever value, where a user has rated an item in training.
    user_ids_, item_ids_ : ndarray of shape (n_users,) and (n_items,), or None
        Ids of users and items, each once; None or absent: they are counted from 0.
    n_features_in_ : int
        Number of items.
    """

    user_factors_: np.ndarray
    item_factors_: np.ndarray
    user_biases_: np.ndarray
    item_biases_: np.ndarray
    global_mean_: float
    seen_: Any
    user_ids_: np.ndarray | None
    item_ids_: np.ndarray | None
    n_features_in_: int

    @abstractmethod
    def _fold_in(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Fit users to their ratings, a canonical csr_array, for the given items.

        Returns
        -------
        factors : ndarray of shape (n_rows, n_components)
        biases : ndarray of shape (n_rows,)
        """

    def predict(self, users: Any, items: Any, *, unknown: str = "raise") -> Any:
        """Predict ratings of pairs.

        Parameters
        ----------
        users, items : array-like of ids, or one id
            Broadcast against each other: two arrays of one shape are pairs,
            ``users[:, None]`` and ``items`` all combinations.
        unknown : {"raise", "mean"}, default="raise"
            "mean": ids that the model does not know contribute nothing, which leaves the mean and
            the bias of the other side.

        Returns
        -------
        ndarray of float of the broadcast shape, or a number for two ids

        Raises
        ------
        ValueError
            If an id is unknown, or the shapes do not fit.
        """
        check_is_fitted(self)
        if unknown not in ("raise", "mean"):
            raise ValueError(f'unknown={unknown!r}; it is "raise" or "mean"')
        strict = unknown == "raise"
        pairs = self._users(users, strict=strict), self._items(items, strict=strict)
        try:
            u, i = np.broadcast_arrays(*pairs)
        except ValueError:
            raise ValueError(
                f"users of shape {pairs[0].shape} and items of shape {pairs[1].shape} do not fit: "
                "give as many of both, or users[:, None] and items for all combinations"
            ) from None
        return self._predicted(u, i)[()]

    def _predicted(self, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        """Predict pairs of positions; -1 is unknown."""
        predictions = np.empty(u.shape, np.result_type(self.user_factors_, self.item_factors_))
        chunk = max(1, CHUNK // max(1, self.item_factors_.shape[1]))
        for start in range(0, u.size, chunk):
            part = slice(start, start + chunk)
            users, items = u.flat[part], i.flat[part]
            w, h = self.user_factors_.take(users, axis=0), self.item_factors_.take(items, axis=0)
            products = np.einsum("pk,pk->p", w, h)
            products[(users < 0) | (items < 0)] = 0.0
            biases = np.where(users < 0, 0.0, self.user_biases_.take(users))
            biases += np.where(items < 0, 0.0, self.item_biases_.take(items))
            predictions.flat[part] = products + biases + self.global_mean_
        return predictions

    def transform(self, X: Any) -> np.ndarray:
        """Compute the factors of users from their ratings, for the items as they were fitted.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_rows, n_items)

        Returns
        -------
        ndarray of shape (n_rows, n_components)
        """
        return self.fold_in(X)[0]

    def fold_in(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Compute factors and biases of users from their ratings.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_rows, n_items)

        Returns
        -------
        factors : ndarray of shape (n_rows, n_components)
        biases : ndarray of shape (n_rows,)
        """
        return self._fold_in(self._ratings(X))

    def inverse_transform(self, W: Any, biases: Any = 0.0) -> np.ndarray:
        """Predict all ratings of users with given factors, densely.

        Parameters
        ----------
        W : array-like of shape (n_rows, n_components)
            See :meth:`fold_in`.
        biases : array-like of shape (n_rows,), default=0.0
            Of these users.

        Returns
        -------
        ndarray of shape (n_rows, n_items)
        """
        check_is_fitted(self)
        W = check_array(sound(W, "W"), dtype=(np.float64, np.float32))
        if W.shape[1] != self.item_factors_.shape[1]:
            raise ValueError(
                f"W has {W.shape[1]} components, the model has {self.item_factors_.shape[1]}"
            )
        offsets = np.reshape(np.asarray(biases, dtype=W.dtype), (-1, 1)) + self.global_mean_
        return W @ self.item_factors_.T + self.item_biases_ + offsets

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the root mean squared error of the ratings in X, by users of the fit.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_users, n_items)
            Row u holds ratings of user u of the fit, as a rule others than it was fitted to.
        y : None
            Not used.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If X has other rows or no rating.
        """
        X = self._ratings_of_users(X)
        if X.nnz == 0:
            raise ValueError("X stores no rating: there is nothing to compare with")
        errors = np.subtract(self._predicted(*entries(X)), X.data, dtype=np.float64)
        return -float(np.sqrt(np.mean(errors * errors)))

    def _ratings(self, X: Any, *, reset: bool = False) -> Any:
        """Check X; return it as a canonical csr_array, which may share its memory."""
        if not reset:
            check_is_fitted(self)
        kinds = (np.float64, np.float32)
        X = validate_data(self, sound(X), accept_sparse="csr", dtype=kinds, reset=reset)
        ratings = sp.csr_array(X)
        if not ratings.has_canonical_format:
            ratings = ratings.copy()  # the caller's is left as it is
            ratings.sum_duplicates()
        return ratings

    def _ratings_of_users(self, X: Any) -> Any:
        X = self._ratings(X)
        if X.shape[0] != len(self.user_factors_):
            raise ValueError(
                f"X has {X.shape[0]} rows, the model was fitted to {len(self.user_factors_)} users:"
                " give withheld ratings of the same users, row by row; new ones go to fold_in()"
            )
        return X

    def _users(self, given: Any, name: str = "users", *, strict: bool = True) -> np.ndarray:
        return positions(given, self._ids("user"), len(self.user_factors_), name, strict)

    def _items(self, given: Any, name: str = "items", *, strict: bool = True) -> np.ndarray:
        return positions(given, self._ids("item"), len(self.item_factors_), name, strict)

    def _ids(self, side: str) -> np.ndarray | None:
        return getattr(self, f"{side}_ids_", None)

    @property
    def _n_features_out(self) -> int:
        return self.item_factors_.shape[1]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "item_factors_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
