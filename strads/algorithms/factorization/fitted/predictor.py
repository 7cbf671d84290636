"""The predictions of a fitted factorisation of users × items, and the fold-in of new users."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from strads.algorithms.factorization.fitted.ids import positions
from strads.algorithms.factorization.fitted.ranking import entries
from strads.algorithms.factorization.fitted.withhold import withhold
from strads.engine import sound

#: Number of factors that are gathered at a time, from each side, to predict pairs.
CHUNK = 1 << 20


class FactorPredictor(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, metaclass=ABCMeta
):
    r"""Predictions of users' ratings of items from factors and biases; see `FactorModel`.

    User u is predicted to rate item i with

    .. math:: \hat r_{ui} = \mu + b_u + c_i + w_u \cdot h_i

    Users and items are given by ids: if the model was fitted to ratings with ids, by these; else by
    the row and column numbers of X, from 0. A matrix X has users as rows and items, in the order of
    `item_factors_`, as columns. The ratings are the stored entries of a sparse X, including stored
    zeros, or the non-zero entries of a dense X.

    Attributes
    ----------
    user_factors_ : ndarray of shape (n_users, n_components)
        Factors w.
    item_factors_ : ndarray of shape (n_items, n_components)
        Factors h.
    user_biases_ : ndarray of shape (n_users,)
        Biases b; zeros if the model has none.
    item_biases_ : ndarray of shape (n_items,)
        Biases c; zeros if the model has none.
    global_mean_ : float
        Mean μ; 0 if the model has none.
    seen_ : csr_array of shape (n_users, n_items), MappedMatrix or None
        Has a stored entry wherever a user has rated an item in training. None: these ratings were
        in files, and the model was saved and loaded.
    user_ids_, item_ids_ : ndarray of shape (n_users,) and (n_items,), or None
        Ids of users and items, each once; None or absent: ids are row and column numbers.
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
        """Compute users' factors and biases from ratings X, a canonical csr_array; items are fixed.

        Returns
        -------
        factors : ndarray of shape (n_rows, n_components)
        biases : ndarray of shape (n_rows,)
        """

    def predict_ratings(self, users: Any, items: Any, *, unknown: str = "raise") -> Any:
        """Predict ratings of pairs of a user and an item.

        Parameters
        ----------
        users, items : array-like of ids, or one id
            Broadcast against each other: two arrays of the same shape are pairs;
            ``users[:, None]`` and ``items`` are all combinations.
        unknown : {"raise", "mean"}, default="raise"
            "raise": an unknown id is an error. "mean": its factors and bias count as 0, so that the
            prediction is the mean plus the bias of the other side.

        Returns
        -------
        ndarray of float, or float for two ids
            Predicted ratings, in the shape to which users and items are broadcast.

        Raises
        ------
        ValueError
            If an id is unknown and `unknown` is "raise", or the shapes do not fit.
        """
        check_is_fitted(self)
        if unknown not in ("raise", "mean"):
            raise ValueError(f'unknown={unknown!r} must be "raise" or "mean"')
        strict = unknown == "raise"
        pairs = self._users(users, strict=strict), self._items(items, strict=strict)
        try:
            u, i = np.broadcast_arrays(*pairs)
        except ValueError:
            raise ValueError(
                f"users of shape {pairs[0].shape} and items of shape {pairs[1].shape} do not fit: "
                "give equally many of both, or users[:, None] and items for all combinations"
            ) from None
        return self._predicted(u, i)[()]

    def _predicted(
        self, u: np.ndarray, i: np.ndarray, of_users: tuple[np.ndarray, np.ndarray] | None = None
    ) -> np.ndarray:
        """Predict the ratings of pairs of positions; -1 stands for an unknown user or item.

        Positions of users are those of the fit, or of other users, given by factors and biases.
        """
        W, b = (self.user_factors_, self.user_biases_) if of_users is None else of_users
        predictions = np.empty(u.shape, np.result_type(W, self.item_factors_))
        chunk = max(1, CHUNK // max(1, self.item_factors_.shape[1]))
        for start in range(0, u.size, chunk):
            part = slice(start, start + chunk)
            users, items = u.flat[part], i.flat[part]
            w, h = W.take(users, axis=0), self.item_factors_.take(items, axis=0)
            products = np.einsum("pk,pk->p", w, h)
            products[(users < 0) | (items < 0)] = 0.0
            biases = np.where(users < 0, 0.0, b.take(users))
            biases += np.where(items < 0, 0.0, self.item_biases_.take(items))
            predictions.flat[part] = products + biases + self.global_mean_
        return predictions

    def transform(self, X: Any) -> np.ndarray:
        """Compute the factors of users from their ratings, for the fitted items.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_rows, n_items)
            Ratings of the users, who need not be users of the fit.

        Returns
        -------
        ndarray of shape (n_rows, n_components)
            Factors of the users.
        """
        return self.fold_in(X)[0]

    def fold_in(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Compute factors and biases of users from their ratings, for the fitted items.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_rows, n_items)
            Ratings of the users, who need not be users of the fit.

        Returns
        -------
        factors : ndarray of shape (n_rows, n_components)
            Factors of the users.
        biases : ndarray of shape (n_rows,)
            Biases of the users; zeros if the model has none.
        """
        return self._fold_in(self._ratings(X))

    def inverse_transform(self, W: Any, biases: Any = 0.0) -> np.ndarray:
        """Predict the ratings of all items by users with given factors.

        Parameters
        ----------
        W : array-like of shape (n_rows, n_components)
            Factors of the users; see :meth:`fold_in`.
        biases : array-like of shape (n_rows,), default=0.0
            Biases of the users.

        Returns
        -------
        ndarray of shape (n_rows, n_items)
            Predicted ratings.

        Raises
        ------
        ValueError
            If W has another number of components than the model.
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
        """Return minus the root mean squared error with which ratings of new users are predicted.

        A fifth of the ratings of each row, at least one if there are two, is withheld; the others
        give the user's factors, by :meth:`fold_in`, and these predict the withheld ratings. So the
        users need not be users of the fit, and ``cross_val_score`` and ``GridSearchCV`` can split
        the rows. Which ratings are withheld depends on nothing but the rows.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_rows, n_items)
            Ratings of users.
        y : None
            Ignored.

        Returns
        -------
        float
            The score; larger is better. For withheld ratings of users of the fit see :meth:`rmse`.

        Raises
        ------
        ValueError
            If X is invalid, or no row stores two ratings.
        """
        known, withheld = withhold(self._ratings(X))
        return -self._error(withheld, self._fold_in(known))

    def rmse(self, X_test: Any) -> float:
        """Return the root mean squared error of the predictions of withheld ratings.

        Parameters
        ----------
        X_test : {sparse matrix, array} of shape (n_users, n_items)
            Row u holds ratings of user u of the fit, usually ratings withheld from it.

        Returns
        -------
        float
            The error.

        Raises
        ------
        ValueError
            If X_test has another shape than in the fit, or stores no rating.
        """
        X = self._ratings_of_users(X_test)
        if X.nnz == 0:
            raise ValueError("X stores no rating: there is nothing to compare with")
        return self._error(X)

    def _error(self, X: Any, of_users: tuple[np.ndarray, np.ndarray] | None = None) -> float:
        errors = np.subtract(self._predicted(*entries(X), of_users), X.data, dtype=np.float64)
        return float(np.sqrt(np.mean(errors * errors)))

    def _ratings(self, X: Any, *, reset: bool = False) -> Any:
        """Check X; return it as a canonical csr_array, which may share its memory."""
        if not reset:
            check_is_fitted(self)
        kinds = (np.float64, np.float32)
        X = validate_data(self, sound(X), accept_sparse="csr", dtype=kinds, reset=reset)
        ratings = sp.csr_array(X)
        if not ratings.has_canonical_format:
            ratings = ratings.copy()  # so that the caller's matrix is not changed
            ratings.sum_duplicates()
        return ratings

    def _ratings_of_users(self, X: Any) -> Any:
        X = self._ratings(X)
        if X.shape[0] != len(self.user_factors_):
            raise ValueError(
                f"X has {X.shape[0]} rows, the model was fitted to {len(self.user_factors_)} users:"
                " give ratings of the same users, row by row; for new users use fold_in()"
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
