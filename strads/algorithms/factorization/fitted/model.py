"""A fitted factorisation of users × items: recommendations, similarity, and their quality."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from strads.algorithms.common.model_files import Saved
from strads.algorithms.factorization.fitted.ids import named
from strads.algorithms.factorization.fitted.predictor import FactorPredictor
from strads.algorithms.factorization.fitted.ranking import (
    best_products,
    most_similar,
    ndcg_at,
    positive,
)
from strads.datasets import MappedMatrix

#: Takes a range of rows; returns the entries to leave out of the ranking, as csr_array.
Seen = Callable[[slice], Any]


class FactorModel(Saved, FactorPredictor):
    """Base of fitted factorisations; a subclass adds ``__init__``, ``fit`` and ``_fold_in``.

    ``fit`` sets the attributes of its base ``FactorPredictor``, whose docstring describes the
    predictions and the ids of users and items.
    """

    def recommend(
        self, users: Any, n: int = 10, *, filter_seen: bool = True, items: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Recommend the items with the largest predicted ratings.

        Parameters
        ----------
        users : id, or array-like of ids of shape (n_rows,)
            Users of the fit.
        n : int, default=10
            Number of items to recommend to a user.
        filter_seen : bool, default=True
            Whether to leave out the items that the user has rated in training.
        items : array-like of ids, optional
            Items to choose from; None: all items.

        Returns
        -------
        items : ndarray of shape (n,) for one id, else (n_rows, n)
            Best first; among equal scores the item of the lower column comes first. If there are
            fewer than n items, the remaining places hold -1; if the model was fitted with ids, they
            hold "" (ids of text), None (objects) or -1 in the type of the ids (numbers). Such a
            place is recognised by its score.
        scores : ndarray of the same shape
            Predicted ratings; ``-inf`` at a place without an item.

        Raises
        ------
        ValueError
            If an id is unknown.
        """
        check_is_fitted(self)
        u = _row(self._users(users), "users")
        rows = np.atleast_1d(u)
        found, scores = self._recommended(
            self.user_factors_[rows], self.user_biases_[rows], n, items,
            (lambda part: self._seen(rows[part])) if filter_seen else None,
        )  # fmt: skip
        return named(found, self._ids("item")).reshape(*u.shape, n), scores.reshape(*u.shape, n)

    def recommend_for(
        self, X: Any, n: int = 10, *, filter_seen: bool = True, items: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Recommend items to new users, who are given by their ratings.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_rows, n_items)
            Ratings of the new users.
        n : int, default=10
            Number of items to recommend to a user.
        filter_seen : bool, default=True
            Whether to leave out the items that X rates.
        items : array-like of ids, optional
            Items to choose from; None: all items.

        Returns
        -------
        items : ndarray of shape (n_rows, n)
            See :meth:`recommend`.
        scores : ndarray of shape (n_rows, n)
            See :meth:`recommend`.
        """
        X = self._ratings(X)
        found, scores = self._recommended(
            *self._fold_in(X), n, items, (lambda part: X[part]) if filter_seen else None
        )
        return named(found, self._ids("item")), scores

    def _recommended(
        self, w: np.ndarray, b: np.ndarray, n: int, items: Any, seen: Seen | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rank all items, or those of the given ids; return their positions."""
        chosen: Any = slice(None) if items is None else np.unique(_row(self._items(items), "items"))
        found, scores = best_products(
            w, self.item_factors_[chosen], n,
            row_offsets=b + self.global_mean_, column_offsets=self.item_biases_[chosen],
            excluded=None if seen is None else lambda part: seen(part)[:, chosen],
        )  # fmt: skip
        return (found if items is None else np.append(chosen, -1)[found]), scores

    def similar_items(self, item: Any, n: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Find the items whose factors have the largest cosine with those of a given item.

        Parameters
        ----------
        item : id, or array-like of ids of shape (n_rows,)
            The given item or items.
        n : int, default=10
            Number of similar items to find for each.

        Returns
        -------
        items : ndarray of shape (n,) for one id, else (n_rows, n)
            Most similar first, without the item itself; equal cosines and places without an item
            are treated as in :meth:`recommend`.
        cosines : ndarray of the same shape
            The cosine is 0 if all factors of either item are 0; ``-inf`` at a place without an
            item.
        """
        check_is_fitted(self)
        found, cosines = most_similar(
            self.item_factors_, _row(self._items(item, "item"), "item"), n
        )
        return named(found, self._ids("item")), cosines

    def similar_users(self, user: Any, n: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Find the users whose factors have the largest cosine with those of a given user.

        Parameters
        ----------
        user : id, or array-like of ids of shape (n_rows,)
            The given user or users.
        n : int, default=10
            Number of similar users to find for each.

        Returns
        -------
        users : ndarray of shape (n,) for one id, else (n_rows, n)
            Most similar first, without the user itself; see :meth:`similar_items`.
        cosines : ndarray of the same shape
            See :meth:`similar_items`.
        """
        check_is_fitted(self)
        found, cosines = most_similar(
            self.user_factors_, _row(self._users(user, "user"), "user"), n
        )
        return named(found, self._ids("user")), cosines

    def ndcg(self, X_test: Any, n: int = 10) -> float:
        """Measure the recommendations by withheld ratings: the mean NDCG@n.

        Items that a user has rated in training are not recommended.

        Parameters
        ----------
        X_test : {sparse matrix, array} of shape (n_users, n_items)
            Row u holds withheld ratings of user u of the fit; items rated above 0 are relevant.
            Leave out items that u has rated in training: they are never recommended.
        n : int, default=10
            Number of items to recommend to a user.

        Returns
        -------
        float
            Mean over the users with a relevant item; see
            :func:`strads.algorithms.factorization.fitted.ranking.ndcg_at`.
        """
        relevant = positive(self._ratings_of_users(X_test))
        users = np.flatnonzero(np.diff(relevant.indptr))
        found, _ = self._recommended(
            self.user_factors_[users], self.user_biases_[users], n, None,
            lambda part: self._seen(users[part]),
        )  # fmt: skip
        return ndcg_at(n, found, relevant[users])

    def __getstate__(self) -> dict[str, Any]:
        """Leave ratings in files where they are, as :meth:`save` does."""
        state = dict(super().__getstate__())
        if isinstance(state.get("seen_"), MappedMatrix):
            state["seen_"] = None
        return state

    def _seen(self, rows: np.ndarray) -> Any:
        """Return what users have rated in training."""
        if self.seen_ is None:
            raise ValueError(
                "the ratings of the fit stayed in files, which a saved or copied model does not "
                "hold: set seen_ = strads.datasets.map_matrix(folder), or give filter_seen=False"
            )
        return self.seen_[rows]

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        (n_users, k), n_items = self.user_factors_.shape, len(self.item_factors_)
        return {
            "item_factors_": (n_items, k),
            "user_biases_": (n_users,),
            "item_biases_": (n_items,),
            "seen_": (n_users, n_items),
            "user_ids_": (n_users,),
            "item_ids_": (n_items,),
        }


def _row(found: np.ndarray, name: str) -> np.ndarray:
    if found.ndim > 1:
        raise ValueError(
            f"{name} must be one id or a one-dimensional array of ids, not of shape {found.shape}"
        )
    return found
