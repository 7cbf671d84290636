"""Numbering of arbitrary ids, from 0, in sorted order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from strads.engine import native

#: Integer ids are numbered by a table of all integers from the smallest to the largest id if the
#: table is at most this many times longer than the ids: it is several times faster than sorting.
DENSE = 4


class Numbering(dict[Any, int]):
    """A dict from ids to numbers; the look-up of a new id adds it with the next number."""

    def __missing__(self, id: Any) -> int:
        number = self[id] = len(self)
        return number

    def numbers(self, ids: Sequence[Any]) -> np.ndarray:
        """Return the numbers of many ids."""
        return np.fromiter(map(self.__getitem__, ids), np.int32, len(ids))


def factorise(ids: Any, name: str = "ids") -> tuple[np.ndarray, np.ndarray]:
    """Number ids from 0.

    Parameters
    ----------
    ids : array-like of shape (n,)
        Numbers, text, or any objects that can be keys of a dict.
    name : str
        Name of the argument, for messages.

    Returns
    -------
    codes : ndarray of int32 of shape (n,)
        The number of every id.
    distinct : ndarray of shape (n_distinct,)
        The distinct ids: ``distinct[codes]`` are the ids. They are sorted, except objects without a
        common order (such as text and numbers mixed), which are in the order of their first
        occurrence. If all objects are text, or all are numbers of one type, this is an array of
        that type.

    Raises
    ------
    ValueError
        If an id is missing (None, NaN), a negative integer, or of a type that cannot be an id, or
        if `ids` is not one-dimensional.
    """
    given = native(np.asarray(ids))
    if given.ndim != 1:
        raise ValueError(f"{name} of shape {given.shape}: one id for each rating is needed")
    if given.dtype.kind in "iu":
        return _integers(given, name)
    if given.dtype.kind in "bfmM":
        if (missing := given != given).any():
            raise ValueError(f"{name}[{missing.argmax()}] is missing; drop such ratings")
        distinct, codes = np.unique(given, return_inverse=True)
        return codes.astype(np.int32), distinct
    if given.dtype.kind in "OUST":
        return _objects(given.tolist(), name)
    raise ValueError(f"{name} of type {given.dtype} cannot be ids; give integers or text")


def _integers(ids: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    lowest, highest = (int(ids.min()), int(ids.max())) if len(ids) else (0, 0)
    if lowest < 0:
        raise _negative(name, int(ids.argmin()), lowest)
    # The differences below are computed in int64, so the ids must fit into it.
    if highest - lowest >= DENSE * len(ids) + 1024 or highest > np.iinfo(np.int64).max:
        distinct, codes = np.unique(ids, return_inverse=True)
        return codes.astype(np.int32), distinct
    offsets = ids.astype(np.int64, copy=False) - lowest
    present = np.zeros(highest - lowest + 1, dtype=bool)
    present[offsets] = True
    codes = np.cumsum(present, dtype=np.int32)[offsets] - np.int32(1)
    return codes, (np.flatnonzero(present) + lowest).astype(ids.dtype)


def _negative(name: str, position: int, id: int) -> ValueError:
    # Negative ids usually mark missing ones; and fitted models return -1 for "no item".
    return ValueError(
        f"{name}[{position}] is {id}: integer ids must not be negative; drop such ratings, or give "
        "ids as text"
    )


def _objects(ids: list[Any], name: str) -> tuple[np.ndarray, np.ndarray]:
    numbering = Numbering()
    try:
        codes = numbering.numbers(ids)
    except TypeError as error:
        raise ValueError(f"{name} hold an object that cannot be an id: {error}") from error
    for id, code in numbering.items():
        if _absent(id):
            raise ValueError(
                f"{name}[{(codes == code).argmax()}] is missing ({id!r}); drop such ratings"
            )
    rank, distinct = in_order(numbering)
    codes = rank[codes]
    if distinct.dtype.kind == "i" and distinct[0] < 0:
        raise _negative(name, int((codes == 0).argmax()), int(distinct[0]))
    return codes, distinct


def _absent(id: Any) -> bool:
    try:
        return id is None or bool(id != id)
    except (TypeError, ValueError):  # pandas.NA is neither equal to itself nor unequal
        return True


def in_order(ids: Iterable[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Sort distinct ids.

    Returns
    -------
    rank : ndarray of int32
        Positions of the given ids in `distinct`.
    distinct : ndarray
        See :func:`factorise`.
    """
    given = list(ids)
    try:
        order = sorted(range(len(given)), key=given.__getitem__)
    except TypeError:  # text and numbers have no common order
        order = list(range(len(given)))
    rank = np.empty(len(given), dtype=np.int32)
    rank[order] = np.arange(len(given), dtype=np.int32)
    return rank, _typed([given[i] for i in order])


def _typed(ids: list[Any]) -> np.ndarray:
    """Make an array of text or numbers if no id is changed by it, else one of objects."""
    objects = np.empty(len(ids), dtype=object)
    objects[:] = ids
    if len({type(id) for id in ids}) != 1 or not isinstance(ids[0], (str, bytes, int, np.integer)):
        return objects
    typed = np.array(ids)
    # Text would lose a final NUL, and large integers would become floats.
    return typed if typed.dtype.kind in "iuUS" and typed.tolist() == ids else objects
