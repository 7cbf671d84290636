"""Which columns of a table hold the users, the items and the ratings.

Columns are found by the names that a caller gives, or by well-known names in any order, or by their
places: user, item, rating. A table that does not look like ratings is refused: its first three
columns would otherwise be taken for them without a word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from strads.datasets.files.guards import short
from strads.engine import DataError

ROLES = ("user", "item", "rating")
#: A table of more columns is hardly one of ratings, so its columns must be named.
MOST = 5
#: Most names of columns to quote in a message.
QUOTED = 8

#: Names of columns that are no ratings, wherever they are.
TIME = re.compile(r"time|date", re.IGNORECASE)
_ID = r"(_?(id|ids|idx|index|key|name|no))?"
_USERS = "user customer reviewer visitor member person profile client listener reader"
_ITEMS = (
    "item movie film product book anime artist track song album game show article business recipe "
    "beer joke isbn asin parentasin sku video"
)
_COUNTS = "count play playcount click view listen purchase quantity weight minute"
#: Well-known names in small letters, without the marks between words: userid, movieid, rating.
KNOWN = {
    "user": re.compile(f"({'|'.join(_USERS.split())})s?{_ID}|uid"),
    "item": re.compile(f"({'|'.join(_ITEMS.split())})s?{_ID}"),
    "rating": re.compile(f"[a-z]*(rating|score)s?|stars?|values?|({'|'.join(_COUNTS.split())})s?"),
}


@dataclass(frozen=True)
class Columns:
    """The columns that a caller asks for.

    Attributes
    ----------
    user, item, rating : str, optional
        Names of columns, or, in a file without a header, their numbers from 0.
    ratings : {"needed", "optional", "ignored"}
        "optional": each row of a table without ratings is an observation, a click, and counts 1.
        "ignored": only users and items are read.
    """

    user: str | None = None
    item: str | None = None
    rating: str | None = None
    ratings: str = "needed"

    @property
    def clicks(self) -> bool:
        """Whether a table may lack ratings."""
        return self.ratings != "needed"

    @property
    def given(self) -> dict[str, str]:
        """The columns that the caller named, by their role."""
        return {role: name for role in ROLES if (name := getattr(self, role)) is not None}

    def named_in(self, names: Sequence[str]) -> bool:
        """Return whether a line is a header: it has well-known names, or names that were given."""
        found = [self._known(role, names) for role in ("user", "item")]
        asked = {name for name in self.given.values() if not name.isdigit()}
        return all(found) or (bool(asked) and asked <= set(names))

    def find(self, path: Path, names: Sequence[str] | None, count: int) -> tuple[int, ...]:
        """Find the places of the columns of users, items and, unless they are clicks, ratings.

        Parameters
        ----------
        path : Path
            The file, for messages.
        names : sequence of str, optional
            The names of all columns; None if the file has no header.
        count : int
            Number of columns.

        Returns
        -------
        tuple of int
            Places from 0 of users, items and ratings; two places if there are no ratings.

        Raises
        ------
        DataError
            If a column that was asked for is missing, or if it is not clear which are meant.
        """
        roles = ROLES[:2] if self.ratings == "ignored" else ROLES
        places = {role: self._asked(path, role, names, count) for role in roles}
        for role, place in places.items():
            if place is None and names is not None:
                found = [at for at in self._known(role, names) if at not in places.values()]
                places[role] = found[0] if len(found) == 1 else None
        if self.clicks and places.get("rating") is None and self._are_pairs(places, count):
            places.pop("rating", None)
        self._by_place(path, places, names, count)
        if len(set(places.values())) < len(places):
            raise DataError(f"{path}: the columns of {' and '.join(places)} must differ")
        return tuple(place for place in places.values() if place is not None)

    def named(self, names: Sequence[str]) -> tuple[int, ...] | None:
        """Return the places of columns with well-known names; None if that leaves a doubt."""
        found = [self._known(role, names) for role in ROLES]
        if self.clicks and not found[2]:
            found = found[:2]
        clear = all(len(places) == 1 for places in found)
        return tuple(place for (place,) in found) if clear else None

    def _known(self, role: str, names: Sequence[str]) -> list[int]:
        """Return the places of columns with a well-known name; of a column's exact name alone."""
        plain = [re.sub(r"[^a-z]", "", name.lower()) for name in names]
        found = [place for place, name in enumerate(plain) if KNOWN[role].fullmatch(name)]
        exact = [place for place in found if plain[place] in (role, f"{role}id")]
        return exact if len(exact) == 1 else found

    def _asked(self, path: Path, role: str, names: Sequence[str] | None, count: int) -> int | None:
        name = self.given.get(role)
        if name is None:
            return None
        if names is not None and name in names:
            if list(names).count(name) > 1:
                raise DataError(f"{path} has several columns {name!r}; rename all but one")
            return list(names).index(name)
        if names is None and name.isdigit() and int(name) < count:
            return int(name)
        has = f"the columns {listed(names)}" if names else f"{count} columns without names"
        hint = "" if names else f"; give --{role} a number from 0 to {count - 1}"
        raise DataError(f"{path} has no column {name!r} of {role}s: it has {has}{hint}")

    def _are_pairs(self, places: dict[str, int | None], count: int) -> bool:
        """Return whether a table has users and items alone, as far as its columns are known."""
        return count == 2 or None not in (places["user"], places["item"])

    def _by_place(
        self, path: Path, places: dict[str, int | None], names: Sequence[str] | None, count: int
    ) -> None:
        """Set columns that were not found by name to their usual places."""
        missing = [role for role, place in places.items() if place is None]
        if not missing:
            return
        usual = {role: ROLES.index(role) for role in places}
        clash = any(place not in (None, usual[role]) for role, place in places.items())
        clash |= "rating" in missing and names is not None and any(map(TIME.search, names[2:3]))
        # Without a header, a line with too few fields is a wrong line, whose number is told later.
        few = count < len(places) and (names is not None or bool(self.given))
        if clash or count > MOST or few:
            raise DataError(self._unclear(path, missing, names, count))
        places.update(usual)

    def _unclear(
        self, path: Path, missing: list[str], names: Sequence[str] | None, count: int
    ) -> str:
        has = f"the {count} columns {listed(names)}" if names else f"{count} columns without names"
        options = " ".join(f"--{role} COLUMN" for role in missing)
        message = (
            f"{path} has {has}; which hold the {', '.join(role + 's' for role in missing)}? Name "
            f"them with {options} (in Python {missing[0]}=…)"
        )
        if count > MOST:
            message += ". If it is a table of features, not of ratings, use strads fit lasso or nmf"
        elif missing == ["rating"] and not self.clicks:
            message += ". For clicks without ratings use strads fit implicit"
        return message


def listed(names: Sequence[str] | None) -> str:
    """Return names for a message: the first ones, if there are many."""
    shown = ", ".join(repr(short(name, 40)) for name in list(names or ())[:QUOTED])
    return shown + (", …" if len(names or ()) > QUOTED else "")


def looks_like_ratings(names: Sequence[str]) -> bool:
    """Return whether the names of columns are those of a table of ratings, and of nothing else."""
    columns = Columns()
    found = [columns._known(role, names) for role in ROLES]
    return all(found) and len(names) <= MOST
