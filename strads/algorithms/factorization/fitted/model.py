"""What a fitted factorisation of users × items can do: predict, recommend, fold in, be saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from strads.algorithms.common.model_files import Saved
from strads.algorithms.factorization.fitted.identifiers import named
from strads.algorithms.factorization.fitted.predictor import FactorPredictor
from strads.algorithms.factorization.fitted.ranking import (
    best_products,
    most_similar,
    ndcg_at,
    positive,
)

#: What a range of rows leaves out, as csr_array.
Seen = Callable[[slice], Any]


class FactorModel(Saved, FactorPredictor):
    """Base of fitted factorisations; a subclass has ``__init__``, ``fit`` and ``_fold_in``.

    ``fit`` sets the attributes of :class:`strads.algorithms.factorization.fitted.predictor.FactorPredictor`,
    which says what the model predicts and how users and items are named.
    """

    def recommend(
        self, users: Any, n: int = 10, *, filter_seen: bool = True, items: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Recommend the items that are predicted to be rated best.

        Parameters
        ----------
        users : id, or array-like of ids of shape (n_rows,)
        n : int, default=10
        filter_seen : bool, default=True
            Leave out what a user has rated in training.
        items : array-like of ids, optional
            Recommend of these only.

        Returns
        -------
        items : ndarray of shape (n,) for one id, else (n_rows, n)
            Best first; of equal ones the item of the lower column. Where fewer than n are left,
            the rest is -1; with ids of your own "" among text, None among objects, and -1 in the
            type of the ids among numbers. What tells is the score.
        scores : ndarray of the same shape
            Predicted ratings; ``-inf`` where no item is left.

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
            (lambda part: self.seen_[rows[part]]) if filter_seen else None,
        )  # fmt: skip
        return named(found, self._ids("item")).reshape(*u.shape, n), scores.reshape(*u.shape, n)

    def recommend_for(
        self, X: Any, n: int = 10, *, filter_seen: bool = True, items: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Recommend to new users, who are given by their ratings.

        Parameters
        ----------
        X : {sparse matrix, array} of shape (n_rows, n_items)
        n, items
            See :meth:`recommend`.
        filter_seen : bool, default=True
            Leave out what X rates.

        Returns
        -------
        items, scores : ndarray of shape (n_rows, n)
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
        """Find the items whose factors have the largest cosines with those of one.

        Parameters
        ----------
        item : id, or array-like of ids of shape (n_rows,)
        n : int, default=10

        Returns
        -------
        items : ndarray of shape (n,) for one id, else (n_rows, n)
            Most similar first, without itself; ties and an early end as in :meth:`recommend`.
        cosines : ndarray of the same shape
            0 if either has no factors but zeros; ``-inf`` where no other item is left.
        """
        check_is_fitted(self)
        found, cosines = most_similar(
            self.item_factors_, _row(self._items(item, "item"), "item"), n
        )
        return named(found, self._ids("item")), cosines

    def similar_users(self, user: Any, n: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Find the users whose factors have the largest cosines with those of one.

        See :meth:`similar_items`.
        """
        check_is_fitted(self)
        found, cosines = most_similar(
            self.user_factors_, _row(self._users(user, "user"), "user"), n
        )
        return named(found, self._ids("user")), cosines

    def ndcg(self, X_test: Any, n: int = 10) -> float:
        """Judge recommendations, without what was seen in training, by withheld ratings.

        Parameters
        ----------
        X_test : {sparse matrix, array} of shape (n_users, n_items)
            Row u holds ratings of user u of the fit; the items of those above 0 are to be found.
            Those rated in training too cannot be: leave them out.
        n : int, default=10

        Returns
        -------
        float
            Mean of the users with something to be found; see
            :func:`strads.algorithms.factorization.fitted.ranking.ndcg_at`.
        """
        relevant = positive(self._ratings_of_users(X_test))
        users = np.flatnonzero(np.diff(relevant.indptr))
        found, _ = self._recommended(
            self.user_factors_[users], self.user_biases_[users], n, None,
            lambda part: self.seen_[users[part]],
        )  # fmt: skip
        return ndcg_at(n, found, relevant[users])

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
        raise ValueError(f"{name} must be one id or a row of them, not of shape {found.shape}")
    return found
