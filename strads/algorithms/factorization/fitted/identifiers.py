"""Ids of users and items: from what the user calls them to positions, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Stands where there is no user or item, among ids of a kind; among others it is -1.
NOBODY: dict[str, Any] = {"U": "", "S": b"", "O": None, "m": "NaT", "M": "NaT"}


def positions(given: Any, ids: np.ndarray | None, size: int, name: str, strict: bool) -> np.ndarray:
    """Translate ids into positions.

    Parameters
    ----------
    given : array-like of ids, or one id
    ids : ndarray of shape (size,), or None
        The id at every position, each once, best sorted; None: they are 0 … size-1.
    size : int
    name : str
        What they are, in the singular or plural, for errors.
    strict : bool
        Refuse unknown ids.

    Returns
    -------
    ndarray of int
        Of the shape of `given`; -1 where the id is unknown.

    Raises
    ------
    ValueError
        If ids are of another type than those known, or, if `strict`, unknown.
    """
    # Text and numbers mixed would all become text.
    mixed = ids is not None and ids.dtype.kind == "O"
    asked = np.asarray(given, dtype=object if mixed else None)
    if asked.size == 0:
        return np.empty(asked.shape, dtype=np.intp)
    if asked.dtype.kind == "T":
        asked = asked.astype(object)  # it has no fixed width to be text of
    found, known = _counted(asked, size, name) if ids is None else _looked_up(asked, ids, name)
    if strict and not np.all(known):
        first = int(np.argmin(known.ravel()))
        place = f"{name}[{first}]" if asked.ndim == 1 else name
        range_ = f"0 … {size - 1}" if ids is None else f"{size}, as {_first(ids)}"
        raise ValueError(
            f"{place}: {asked.flat[first : first + 1].tolist()[0]!r} is unknown; known ids are "
            f"{range_}. Leave it out, let predict(…, unknown='mean') predict what is known, or "
            "pass the ratings of a new user to recommend_for() or fold_in()"
        )
    found[~known] = -1
    return found


def _counted(asked: np.ndarray, size: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    if asked.dtype.kind not in "iu":
        hint = "; of a mask give np.flatnonzero" if asked.dtype.kind == "b" else ""
        raise ValueError(
            f"{name} must be integers, 0 … {size - 1}, as the model was fitted without ids; they "
            f"are of type {asked.dtype}{hint}"
        )
    known = np.asarray((asked >= 0) & (asked < size))
    return np.asarray(np.where(known, asked, 0).astype(np.intp)), known


def _looked_up(asked: np.ndarray, ids: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        if ids.dtype.kind == "O":  # which need not have an order
            table = {id: position for position, id in enumerate(ids.tolist())}
            places = [table.get(id, -1) for id in asked.ravel().tolist()]
            found = np.array(places, dtype=np.intp).reshape(asked.shape)
            return found, np.asarray(found >= 0)
        if asked.dtype.kind != "O" and _family(asked) != _family(ids):
            raise TypeError(f"{_family(asked)} is no {_family(ids)}")
        found, known = _searched(asked, ids, np.arange(len(ids)))
        if not known.all():  # or the ids are not sorted, which would take long to see every time
            found, known = _searched(asked, ids, np.argsort(ids, kind="stable"))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{name} of type {asked.dtype} cannot be looked up among ids of type {ids.dtype}, "
            f"as {_first(ids)}: {error}"
        ) from error
    return found, known


def _searched(
    asked: np.ndarray, ids: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(invalid="ignore"):  # NaN among integers is unknown
        alike = asked.astype(ids.dtype)  # text may be cut, numbers wrap: all is compared below
    place = np.searchsorted(ids, alike, sorter=order)
    found = np.asarray(order[np.minimum(place, len(ids) - 1)])
    return found, np.asarray(ids[found] == asked, dtype=bool)


def _family(ids: np.ndarray) -> str:
    names = {"U": "text", "S": "bytes", "m": "duration", "M": "date"}
    return names.get(ids.dtype.kind, "number")


def _first(ids: np.ndarray) -> str:
    return ", ".join(map(repr, ids[:3].tolist()))


def named(found: np.ndarray, ids: np.ndarray | None) -> np.ndarray:
    """Translate positions back into ids; see `NOBODY` for -1."""
    if ids is None:
        return found
    names = ids[found]
    names[found < 0] = np.array(NOBODY.get(ids.dtype.kind, -1)).astype(ids.dtype)
    return names
