"""Ratings: the encoded data equal those given; every error names the position."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rated import TABLE, VALUES, WORDS, last, table

from strads.datasets.ids import factorise
from strads.datasets.ratings import encode_ratings, split_ratings

INTEGERS = st.integers(0, 2**63 - 1) | st.integers(0, 6)


@given(st.lists(st.tuples(INTEGERS, WORDS, VALUES), min_size=1))
@example([(1, "a", 1.0), (1, "a", 2.0), (2, "a", 0.0), (1, "a", 3.0)])
def test_encoding_keeps_the_last_rating_of_every_pair(rows):
    ratings = encode_ratings(*map(list, zip(*rows, strict=True)))
    assert list(table(ratings).items()) == list(last(rows).items())
    assert len(ratings) + ratings.duplicates == len(rows)
    assert ratings.user_ids.tolist() == sorted({row[0] for row in rows})
    assert ratings.item_ids.tolist() == sorted({row[1] for row in rows})
    assert ratings.shape == (len(ratings.user_ids), len(ratings.item_ids))
    assert (ratings.users.dtype, ratings.values.dtype) == (np.int32, np.float32)


@given(
    st.sampled_from(["int8", "uint8", "int32", "uint32", "int64", "uint64"]).flatmap(
        lambda kind: st.tuples(
            st.just(kind),
            st.lists(st.integers(0, int(np.iinfo(kind).max))),
        )
    )
)
@example(("int8", [0, 127, 0]))
@example(("uint64", [2**64 - 1, 0]))
@example(("uint64", [2**64 - 1, 2**64 - 2]))
@example(("int64", [0, 2**63 - 1]))
@example(("int64", [2**63 - 1, 2**63 - 2]))
def test_integers_of_every_type_are_numbered_as_by_sorting(case):
    kind, ids = case
    codes, distinct = factorise(np.array(ids, dtype=kind))
    expected = np.unique(np.array(ids, dtype=kind))
    np.testing.assert_array_equal(distinct, expected)
    assert distinct.dtype == kind
    assert distinct[codes].tolist() == ids


@pytest.mark.parametrize("ids", [[3, -1, 2], np.array([0, -128], dtype=np.int8)])
def test_negative_ids_are_named(ids):
    with pytest.raises(ValueError, match=rf"^users\[1\] is {ids[1]}: .* must not be negative"):
        encode_ratings(ids, [0] * len(ids), [1.0] * len(ids))


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        (pd.Series(["b", "a", "b"]), "U"),
        (pd.Series(["b", "a", "b"], dtype="category"), "U"),
        (pd.Series([3, 1, 3], dtype="Int64"), "i"),
        (np.array(["b", "a", "b"], dtype="S3"), "S"),
        (np.array([2.5, 1.0, 2.5]), "f"),
        (np.array(["2024-02-01", "2024-01-01", "2024-02-01"], dtype="M8[D]"), "M"),
        (np.array([2**70, 1, 2**70], dtype=object), "O"),
        (np.array(["x\0", "x", "x\0"], dtype=object), "O"),
    ],
)
def test_ids_of_many_kinds(ids, kind):
    codes, distinct = factorise(ids)
    assert codes.tolist() == [1, 0, 1]
    assert distinct.dtype.kind == kind
    assert distinct[codes].tolist() == np.asarray(ids).tolist()


def test_ids_without_an_order_stay_in_theirs():
    codes, distinct = factorise(np.array(["b", 1, "a", 1], dtype=object))
    assert codes.tolist() == [0, 1, 2, 1]
    assert distinct.tolist() == ["b", 1, "a"]


@pytest.mark.parametrize(
    ("users", "items", "values", "says"),
    [
        ([1, 2], [1], [1.0, 2.0], "2, 1 and 2"),
        ([], [], [], "empty"),
        ([1, 2], [1, 2], [1.0, np.nan], "ratings[1] is nan"),
        ([1, 2], [1, 2], [-np.inf, 1.0], "ratings[0] is -inf"),
        ([1, 2], [1, 2], [1.0, 1e39], "ratings[1] is 1e+39"),
        ([1, 2], [1, 2], ["4", "5"], "ratings are of type"),
        ([1, 2], [1, 2], np.array([4, "5"], dtype=object), "ratings[1] is '5'"),
        ([1, 2], [1, 2], np.array([None, 5], dtype=object), "ratings[0] is nan"),
        ([1, 2], [1, 2], [[1.0, 2.0]], "ratings of shape"),
        ([1, 2], [1, 2], [1j, 2.0], "ratings are of type complex"),
        ([1, None], [1, 2], [1.0, 2.0], "users[1] is missing"),
        ([1, 2], ["a", None], [1.0, 2.0], "items[1] is missing"),
        ([1, 2], [np.nan, 2.0], [1.0, 2.0], "items[0] is missing"),
        ([1, 2], pd.Series(["a", pd.NA]), [1.0, 2.0], "items[1] is missing"),
        ([1, 2], np.array(["2024-01-01", "NaT"], "M8[D]"), [1.0, 2.0], "items[1] is missing"),
        ([1, -2], [1, 2], [1.0, 2.0], "users[1] is -2"),
        (np.array([-128, 127], "int8"), [1, 2], [1.0, 2.0], "users[0] is -128"),
        ([1, 2], pd.Series([0, -1], dtype="Int64"), [1.0, 2.0], "items[1] is -1"),
        ([[1, 2]], [1, 2], [1.0, 2.0], "users of shape"),
        ([1, 2], np.array([{}, {}]), [1.0, 2.0], "items hold an object"),
        ([1, 2j], [1, 2], [1.0, 2.0], "users of type complex"),
    ],
)
def test_a_wrong_array_is_named_with_the_place(users, items, values, says):
    with pytest.raises(ValueError) as caught:
        encode_ratings(users, items, values)
    assert says in str(caught.value)


def test_the_matrix_stores_ratings_of_zero():
    X = encode_ratings(*zip(*TABLE, strict=True)).matrix()
    assert X.shape == (3, 3)
    assert X.nnz == len(TABLE)
    assert X.dtype == np.float32
    assert X.has_canonical_format
    np.testing.assert_array_equal(X.toarray(), [[0, 0, 0], [2.5, 0, 4], [0, -1, 0]])


def test_ratings_are_frozen_and_brief():
    ratings = encode_ratings(*zip(*TABLE, strict=True))
    assert "4 of 3 items by 3 users" in repr(ratings)
    with pytest.raises(AttributeError):
        ratings.values = None


@given(st.integers(2, 60), st.floats(0.02, 0.98), st.integers(0, 9))
def test_a_split_is_a_partition_of_the_ratings(n, fraction, seed):
    ratings = encode_ratings(np.arange(n) % 7, np.arange(n), np.arange(n))
    if not 0 < round(fraction * n) < n:
        with pytest.raises(ValueError):
            split_ratings(ratings, fraction, seed)
        return
    train, test = split_ratings(ratings, fraction, seed)
    assert len(test) == round(fraction * n)
    assert table(train) | table(test) == table(ratings)
    assert sorted([*train.values, *test.values]) == list(range(n))
    assert train.shape == test.shape == ratings.shape
    assert train.matrix().shape == test.matrix().shape
    again, _ = split_ratings(ratings, fraction, seed)
    np.testing.assert_array_equal(again.values, train.values)


def test_seeds_differ_and_fractions_have_a_range():
    ratings = encode_ratings(np.arange(50), np.arange(50), np.arange(50))
    assert (
        split_ratings(ratings, 0.5, 0)[0].values.tolist()
        != split_ratings(ratings, 0.5, 1)[0].values.tolist()
    )
    for fraction in (0.0, 1.0, -1.0, np.nan):
        with pytest.raises(ValueError):
            split_ratings(ratings, fraction, 0)
