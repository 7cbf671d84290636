"""Translation of the user's ids of users and items into positions, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

#: The placeholder among ids, by the kind of their dtype, for "no user" or "no item"; else it is -1.
NOBODY: dict[str, Any] = {"U": "", "S": b"", "O": None, "m": "NaT", "M": "NaT"}


def positions(given: Any, ids: np.ndarray | None, size: int, name: str, strict: bool) -> np.ndarray:
    """Translate ids into positions.

    Parameters
    ----------
    given : array-like of ids, or one id
        Ids to look up.
    ids : ndarray of shape (size,), or None
        The known ids, each once; the look-up is fastest if they are sorted. None: 0 … size-1.
    size : int
        Number of known ids.
    name : str
        Name of the argument, for messages.
    strict : bool
        Whether to refuse unknown ids.

    Returns
    -------
    ndarray of int
        Positions, in the shape of `given`; -1 where the id is unknown.

    Raises
    ------
    ValueError
        If ids are of another type than the known ones, or, if `strict`, unknown.
    """
    # NumPy would turn a mixture of text and numbers into text.
    mixed = ids is not None and ids.dtype.kind == "O"
    asked = np.asarray(given, dtype=object if mixed else None)
    if asked.size == 0:
        return np.empty(asked.shape, dtype=np.intp)
    if asked.dtype.kind == "T":
        asked = asked.astype(object)  # StringDType cannot be converted to text of fixed width
    found, known = _counted(asked, size, name) if ids is None else _looked_up(asked, ids, name)
    if strict and not np.all(known):
        first = int(np.argmin(known.ravel()))
        place = f"{name}[{first}]" if asked.ndim == 1 else name
        range_ = f"0 … {size - 1}" if ids is None else f"{size}, as {_first(ids)}"
        raise ValueError(
            f"{place}: {asked.flat[first : first + 1].tolist()[0]!r} is unknown; known ids are "
            f"{range_}. Leave it out, use predict_ratings(…, unknown='mean'), or pass the ratings "
            "of a new user to recommend_for() or fold_in()"
        )
    found[~known] = -1
    return found


def _counted(asked: np.ndarray, size: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    if asked.dtype.kind not in "iu":
        hint = "; for a mask use np.flatnonzero" if asked.dtype.kind == "b" else ""
        raise ValueError(
            f"{name} must be integers from 0 to {size - 1}, since the model was fitted without "
            f"ids; they are of type {asked.dtype}{hint}"
        )
    known = np.asarray((asked >= 0) & (asked < size))
    return np.asarray(np.where(known, asked, 0).astype(np.intp)), known


def _looked_up(asked: np.ndarray, ids: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        if ids.dtype.kind == "O":  # objects need not have an order
            table = {id: position for position, id in enumerate(ids.tolist())}
            places = [table.get(id, -1) for id in asked.ravel().tolist()]
            found = np.array(places, dtype=np.intp).reshape(asked.shape)
            return found, np.asarray(found >= 0)
        if asked.dtype.kind != "O" and _family(asked) != _family(ids):
            raise TypeError(f"{_family(asked)} cannot be compared with {_family(ids)}")
        found, known = _searched(asked, ids, np.arange(len(ids)))
        if not known.all():  # perhaps the ids are not sorted; to check that each time takes long
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
    with np.errstate(invalid="ignore"):  # NaN, cast to an integer, is then found to be unknown
        # The cast may cut text or wrap numbers; so the ids that are found are compared below.
        alike = asked.astype(ids.dtype)
    place = np.searchsorted(ids, alike, sorter=order)
    found = np.asarray(order[np.minimum(place, len(ids) - 1)])
    return found, np.asarray(ids[found] == asked, dtype=bool)


def _family(ids: np.ndarray) -> str:
    names = {"U": "text", "S": "bytes", "m": "durations", "M": "dates"}
    return names.get(ids.dtype.kind, "numbers")


def _first(ids: np.ndarray) -> str:
    return ", ".join(map(repr, ids[:3].tolist()))


def named(found: np.ndarray, ids: np.ndarray | None) -> np.ndarray:
    """Translate positions back into ids; -1 becomes the placeholder of `NOBODY`."""
    if ids is None:
        return found
    names = ids[found]
    names[found < 0] = np.array(NOBODY.get(ids.dtype.kind, -1)).astype(ids.dtype)
    return names
