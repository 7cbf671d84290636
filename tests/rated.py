"""Ratings to test with, and what a list of them means."""

from hypothesis import strategies as st

TABLE = [(7, 30, 4.0), (2, 10, 0.0), (7, 10, 2.5), (11, 20, -1.0)]
#: Words that no delimiter splits and that are no integers.
WORDS = st.text("abcÄß日-_.'", min_size=1, max_size=5)
VALUES = st.floats(-100, 100, width=32)


def table(ratings):
    """What a Ratings stands for: (user, item) → rating, in its order."""
    users, items = ratings.user_ids[ratings.users], ratings.item_ids[ratings.items]
    keys = zip(users.tolist(), items.tolist(), strict=True)
    return dict(zip(keys, ratings.values.tolist(), strict=True))


def last(rows):
    """The same, of rows."""
    kept = {}
    for user, item, value in rows:
        kept.pop((user, item), None)  # a later rating also takes a later place
        kept[user, item] = value
    return kept
