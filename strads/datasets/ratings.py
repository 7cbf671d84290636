"""Ratings of items by users.

``encode_ratings`` returns :class:`Ratings`, whose ``matrix()`` is the X of a model;
``split_ratings`` withholds ratings to measure the model's error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from strads.datasets.files.guards import short
from strads.datasets.ids import factorise
from strads.datasets.rating_columns import frame_columns

#: Largest number of users and of items: codes have 32 bits.
LARGEST = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings in their original order, with each pair of a user and an item once.

    Parameters
    ----------
    users, items : ndarray of int32 of shape (n_ratings,)
        Codes: positions in `user_ids` and `item_ids`.
    values : ndarray of float32 of shape (n_ratings,)
        The ratings; a 0 is a rating like any other.
    user_ids, item_ids : ndarray of shape (n_users,) and (n_items,)
        The ids of the source, each once, sorted.
    duplicates : int
        Number of ratings that were dropped because a later one has the same user and item.
    """

    users: np.ndarray
    items: np.ndarray
    values: np.ndarray
    user_ids: np.ndarray
    item_ids: np.ndarray
    duplicates: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of users and of items."""
        return len(self.user_ids), len(self.item_ids)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        users, items = self.shape
        return f"<Ratings: {len(self):,} of {items:,} items by {users:,} users>"

    def matrix(self) -> Any:
        """Return the ratings as a matrix.

        Returns
        -------
        csr_array of float32 of shape (n_users, n_items)
            A rating of 0 is a stored entry.
        """
        entries = self.values, (self.users, self.items)
        return sp.coo_array(entries, shape=self.shape).tocsr()


def encode_ratings(
    users: Any, items: Any = None, ratings: Any = None, *, clicks: bool = False
) -> Ratings:
    """Number the users and the items of ratings.

    Parameters
    ----------
    users, items : array-like of ids of shape (n_ratings,)
        Integers, text, or other objects that can be keys of a dict. Alternatively, only `users` is
        given, and is a table: a DataFrame with columns that are named like userId, movie_id and
        rating, in any order, or a table of just three columns: user, item and rating.
    ratings : array-like of numbers of shape (n_ratings,)
        The ratings.
    clicks : bool, default=False
        Whether there may be no ratings: the value of a pair of a user and an item is then the
        number of its observations.

    Returns
    -------
    Ratings
        If a user has rated an item several times, the last rating is kept, since in a log it is the
        valid one.

    Raises
    ------
    ValueError
        If there is no rating, the lengths differ, an id is missing or a negative integer, a rating
        is not a finite number, or it is not clear which columns of a table are meant.
    """
    if items is None:
        if len(np.shape(users)) != 2:
            raise ValueError(
                "items are missing: give users, items and ratings, or a table that has all of them"
            )
        users, items, *rest = frame_columns(users, clicks)
        ratings = rest[0] if rest else None
    if ratings is None and clicks:
        return counted_pairs(numbered(users, items, np.ones(np.shape(items), np.float32)))
    if ratings is None:
        raise ValueError(
            "ratings are missing: give users, items and ratings; for clicks without ratings use "
            "ImplicitFactorization"
        )
    return last_of_pairs(numbered(users, items, ratings))


def numbered(users: Any, items: Any, ratings: Any) -> Ratings:
    """Number users and items, and keep all ratings; see :func:`encode_ratings`."""
    values = numbers(ratings)
    user_codes, user_ids = factorise(users, "users")
    item_codes, item_ids = factorise(items, "items")
    if not len(user_codes) == len(item_codes) == len(values):
        raise ValueError(
            f"users, items and ratings have {len(user_codes)}, {len(item_codes)} and {len(values)}"
            " entries; they must have equally many"
        )
    if len(values) == 0:
        raise ValueError("users, items and ratings are empty; at least one rating is needed")
    return Ratings(user_codes, item_codes, values, user_ids, item_ids)


def numbers(ratings: Any) -> np.ndarray:
    """Check ratings, and return them as float32."""
    given = np.asarray(ratings)
    if given.ndim != 1:
        raise ValueError(f"ratings of shape {given.shape}: a flat array is needed")
    if given.dtype.kind == "O":
        given = _real(given)
    if given.dtype.kind not in "biuf" and len(given):
        raise ValueError(f"ratings are of type {given.dtype}; numbers are needed")
    with np.errstate(over="ignore"):
        values = given.astype(np.float32)
    if not (finite := np.isfinite(values)).all():
        first = int(finite.argmin())
        raise ValueError(f"ratings[{first}] is {given[first]}; drop or replace such ratings")
    return values


def _real(objects: np.ndarray) -> np.ndarray:
    numbers = np.empty(len(objects))
    for position, value in enumerate(objects):
        try:
            if isinstance(value, (str, bytes)):
                raise TypeError
            numbers[position] = value
        except (TypeError, ValueError):
            raise ValueError(
                f"ratings[{position}] is {short(repr(value))}, which is not a number"
            ) from None
    return numbers


def counted_pairs(ratings: Ratings) -> Ratings:
    """Add up the values of every pair of a user and an item; pairs are then sorted."""
    pairs = ratings.users * np.int64(ratings.shape[1]) + ratings.items
    distinct, first, place = np.unique(pairs, return_index=True, return_inverse=True)
    if len(distinct) == len(pairs):
        return ratings
    sums = np.bincount(place, ratings.values).astype(np.float32)
    return replace(_part(ratings, first), values=sums)


def last_of_pairs(ratings: Ratings) -> Ratings:
    """Keep only the last rating of every pair of a user and an item."""
    pairs = ratings.users * np.int64(ratings.shape[1]) + ratings.items
    ordered = np.sort(pairs)  # much faster than with the positions, of which few are needed
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(again) == 0:
        return ratings
    several = np.flatnonzero(again[np.searchsorted(again, pairs).clip(max=len(again) - 1)] == pairs)
    _, from_the_end = np.unique(pairs[several[::-1]], return_index=True)
    dropped = np.delete(several, len(several) - 1 - from_the_end)
    return replace(
        _part(ratings, np.delete(np.arange(len(pairs)), dropped)), duplicates=len(dropped)
    )


def _part(ratings: Ratings, chosen: np.ndarray) -> Ratings:
    u, i, values = ratings.users[chosen], ratings.items[chosen], ratings.values[chosen]
    return replace(ratings, users=u, items=i, values=values, duplicates=0)


def split_ratings(ratings: Ratings, fraction: float, seed: int) -> tuple[Ratings, Ratings]:
    """Withhold ratings at random.

    Parameters
    ----------
    ratings : Ratings
        Ratings to split.
    fraction : float
        Share of the ratings to withhold, above 0 and below 1.
    seed : int
        Seed of the random choice.

    Returns
    -------
    train : Ratings
        The other ratings, in the same order and with the same codes and ids, even if a user or an
        item has none of them.
    test : Ratings
        The withheld ratings, likewise.

    Raises
    ------
    ValueError
        If `fraction` is outside of its range, or leaves one part empty.
    """
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"fraction={fraction} must be above 0 and below 1")
    withheld = round(fraction * len(ratings))
    if not 0 < withheld < len(ratings):
        raise ValueError(
            f"fraction={fraction} of {len(ratings)} ratings are {withheld}; that leaves nothing"
        )
    order = np.random.default_rng(seed).permutation(len(ratings))
    test = np.zeros(len(ratings), dtype=bool)
    test[order[:withheld]] = True
    return _part(ratings, ~test), _part(ratings, test)
