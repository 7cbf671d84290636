"""Ratings in columns: refused where a matrix belongs, taken by ``fit_ratings``."""

import numpy as np
import pytest
import scipy.sparse as sp

from strads import ImplicitFactorization, MatrixFactorization
from strads.algorithms.factorization.rating_tables import demand_matrix
from strads.datasets import encode_ratings

pd = pytest.importorskip("pandas")
TABLE = np.array([[1, 10, 5.0], [1, 20, 3.0], [2, 10, 4.0], [3, 30, 0.5], [3, 10, 2.0]])
FRAME = pd.DataFrame(TABLE, columns=["userId", "movieId", "rating"])
TIMED = np.column_stack([TABLE, np.full(len(TABLE), 1.1e9)])
TEXT = [["ann", "x", 5.0], ["bob", "y", 3.0]]


def mf(**given):
    return MatrixFactorization(**{"n_components": 2, "max_iter": 1, "n_workers": 1} | given)


def implicit(**given):
    return ImplicitFactorization(**{"n_components": 2, "max_iter": 1, "n_workers": 1} | given)


@pytest.mark.parametrize("make", [mf, implicit])
@pytest.mark.parametrize(
    "table",
    [TABLE, TABLE.astype(int)[:3], TABLE.tolist(), TIMED, FRAME, FRAME.iloc[:, [2, 1, 0]],
     FRAME.rename(columns=str.upper), pd.DataFrame(TABLE), pd.DataFrame(TEXT), TEXT,
     np.array(TEXT, dtype=object), pd.DataFrame(TABLE[:, :2], columns=["user", "item"]),
     encode_ratings(FRAME), "ratings.csv"],
)  # fmt: skip
def test_a_table_is_no_matrix(make, table):
    with pytest.raises(ValueError, match=r"X must be a matrix of users × items.*fit_ratings\(X\)"):
        make().fit(table)


@pytest.mark.parametrize(
    "X",
    [
        sp.csr_array(TABLE),  # what the message says
        np.array([[5, 3, 0], [4, 0, 1], [0, 1, 5], [5, 3, 1]]),  # unknown ratings, equal pairs
        np.array([[5.0, 3.5, 1], [4, 2, 1], [2, 1, 5]]),  # halves are no ids
        np.array([[1, 2, 3], [3, 1, 2], [2, 3, 1]]),  # each "user" and "item" once
        np.column_stack([TABLE, TABLE[:, 2]]), TABLE[:, :2], np.tile(TABLE, 3),
        pd.DataFrame(np.eye(3), columns=["film 1", "film 2", "film 3"]), [[1.0, 2.0], [3.0]], 3,
    ],
)  # fmt: skip
def test_what_may_be_a_matrix_is_not_refused_as_a_table(X):
    assert demand_matrix(X) is None


@pytest.mark.parametrize(
    "table",
    [FRAME, FRAME.iloc[:, [2, 0, 1]], FRAME.assign(timestamp=7)[["timestamp", *FRAME]],
     FRAME.set_axis(["a", "b", "c"], axis=1), pd.DataFrame(TABLE), TABLE, TABLE.tolist(),
     FRAME.rename(columns={"userId": "user", "movieId": "asin", "rating": "stars"})],
)  # fmt: skip
def test_columns_by_name_or_by_place(table):
    model = mf().fit_ratings(table)
    assert model.user_ids_.tolist() == [1, 2, 3]
    assert model.item_ids_.tolist() == [10, 20, 30]
    expected = np.array([[5, 3, 0], [4, 0, 0], [2, 0, 0.5]])
    np.testing.assert_array_equal(model.seen_.toarray(), expected)


def test_ids_of_a_frame_may_be_text():
    frame = pd.DataFrame(TEXT, columns=["user", "item", "rating"])
    assert mf().fit_ratings(frame).recommend("ann", 1)[0].tolist() == ["y"]


WIDE = pd.DataFrame(np.ones((4, 51)))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (WIDE, "has 51 columns, '0'.*matrix of users × items, call fit"),
        (WIDE.to_numpy(), "51 columns without names"),
        (FRAME.set_axis(["a", "b", "c"], axis=1).assign(d=1), "'a', 'b', 'c', 'd': which of them"),
        (FRAME.assign(uid=1).drop(columns="userId").assign(customer=2), "Name them user, item"),
        (FRAME[["userId", "movieId"]], "Clicks without ratings are for ImplicitFactorization"),
        (TABLE[:, 0], "items are missing"),
        (pd.DataFrame({"user": ["a"], "item": [None], "rating": [1.0]}), r"items\[0\] is missing"),
    ],
)  # fmt: skip
def test_doubtful_tables_say_what_to_do(table, message):
    with pytest.raises(ValueError, match=message):
        mf().fit_ratings(table)


def test_ratings_that_are_missing():
    with pytest.raises(ValueError, match="ratings are missing.*ImplicitFactorization"):
        mf().fit_ratings([1, 2], [3, 4])


@pytest.mark.parametrize(
    "clicks",
    [([1, 1, 2, 1], [5, 6, 5, 5]), (pd.DataFrame({"item": [5, 6, 5, 5], "user": [1, 1, 2, 1]}),)],
)
def test_clicks_count_as_often_as_they_occur(clicks):
    model = implicit().fit_ratings(*clicks)
    np.testing.assert_array_equal(model.seen_.toarray(), [[2, 1], [1, 0]])
