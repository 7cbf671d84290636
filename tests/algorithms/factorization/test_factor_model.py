"""Predictions and names of fitted factor models against naive twins; factors are set by hand."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from ridge_factors import N_ITEMS, N_USERS, Ridge, everything, made
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from strads.algorithms.factorization.fitted import predictor as factor_predictor

# Predictions


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_predictions(dtype, chunk, monkeypatch):
    monkeypatch.setattr(factor_predictor, "CHUNK", chunk)
    model, tol = made(dtype=dtype), 1e-5 if dtype is np.float32 else 1e-13
    expected = everything(model)
    users, items = np.arange(N_USERS), np.arange(N_ITEMS)
    whole = model.predict_ratings(users[:, None], items)
    assert whole.dtype == dtype
    np.testing.assert_allclose(whole, expected, rtol=0, atol=tol)
    np.testing.assert_array_equal(model.predict_ratings(users, items[:N_USERS]), np.diag(whole))
    np.testing.assert_array_equal(model.predict_ratings(2, items.astype(np.uint16)), whole[2])
    assert model.predict_ratings(2, 3) == whole[2, 3]
    assert np.shape(model.predict_ratings(2, 3)) == ()
    assert model.predict_ratings([], []).shape == (0,)


def test_predictions_do_not_depend_on_layout():
    model = made()
    users, items = np.arange(N_USERS)[:, None], np.arange(N_ITEMS)
    before = model.predict_ratings(users, items)
    model.user_factors_ = np.asfortranarray(model.user_factors_)
    model.item_factors_ = np.repeat(model.item_factors_, 2, axis=0)[::2]
    np.testing.assert_array_equal(model.predict_ratings(users, items), before)


def test_unknown_ids_leave_the_mean_and_what_is_known():
    model = made(ids=True)
    got = model.predict_ratings(["u01", "nobody", "u01", "nobody"], [17, 17, 1, 1], unknown="mean")
    expected = [
        everything(model)[1, 1], 3.25 + model.item_biases_[1], 3.25 + model.user_biases_[1], 3.25,
    ]  # fmt: skip
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    counted = made()
    assert counted.predict_ratings(-1, N_ITEMS, unknown="mean") == 3.25


@pytest.mark.parametrize(
    ("users", "items", "message"),
    [
        ([0, -1], [0, 0], r"users\[1\]: -1 is unknown; known ids are 0 … 6"),
        (0, N_ITEMS, r"items: 11 is unknown; known ids are 0 … 10"),
        (0.5, 0, "users must be integers from 0 to 6.*float64"),
        ("a", 0, "users must be integers"),
        ([True], 0, r"np.flatnonzero"),
        ([[1, 2], [3, -9]], 0, "users: -9 is unknown"),
        (2**63 + 1, 0, "9223372036854775809 is unknown"),
        ([0, 1, 2], [0, 1], r"users of shape \(3,\) and items of shape \(2,\) do not fit"),
    ],
)
def test_wrong_positions(users, items, message):
    with pytest.raises(ValueError, match=message):
        made().predict_ratings(users, items)


def test_wrong_option():
    with pytest.raises(ValueError, match="unknown='nan'"):
        made().predict_ratings(0, 0, unknown="nan")


def test_before_fitting():
    model = Ridge()
    X = sp.csr_array((2, 3))
    for call in (
        lambda: model.predict_ratings(0, 0), lambda: model.recommend(0), lambda: model.rmse(X),
        lambda: model.similar_users(0), lambda: model.similar_items(0), lambda: model.transform(X),
        lambda: model.score(X),
        lambda: model.save("x"), lambda: model.ndcg(X), lambda: model.recommend_for(X),
        lambda: model.inverse_transform([[1.0]]), lambda: model.get_feature_names_out(),
    ):  # fmt: skip
        with pytest.raises(NotFittedError):
            call()


# Ids of the user's own


@pytest.mark.parametrize(
    "ids",
    [
        np.array(["b", "cc", "a", "dddd", "e", "f", "g"]),
        np.array(["b", "cc", "a", "dddd", "e", "f", "g"], dtype=object),
        np.array([5, -3, 9, 0, 2**40, 7, 8]),
        np.array([5, 3, 9, 0, 200, 7, 8], dtype=np.uint8),
        np.array([5, 3, 9, 0, 0.5, 7, 8]),
        np.array([b"b", b"cc", b"a", b"dddd", b"e", b"f", b"g"]),
        np.datetime64("2001-01-01") + np.array([5, 3, 9, 0, 1, 7, 8]),
    ],
)
def test_ids_sorted_or_not(ids):
    model = made()
    whole = model.predict_ratings(np.arange(N_USERS), 4)
    model.user_ids_ = ids
    np.testing.assert_array_equal(model.predict_ratings(ids, 4), whole)
    np.testing.assert_array_equal(model.predict_ratings(ids.tolist()[::-1], 4), whole[::-1])
    np.testing.assert_array_equal(model.predict_ratings(ids.astype(object), 4), whole)
    order = np.argsort(ids)
    model.user_ids_ = ids[order]
    np.testing.assert_array_equal(model.predict_ratings(ids[order], 4), whole)
    assert model.similar_users(ids[0], 2)[0].dtype == ids.dtype


@pytest.mark.parametrize(
    ("ids", "asked", "message"),
    [
        (list("abcdefg"), ["a", "zz"], r"users\[1\]: 'zz' is unknown; known ids are 7, as 'a'"),
        (list("abcdefg"), ["aa"], "'aa' is unknown"),  # longer than all ids: must not be cut to "a"
        (list("abcdefg"), [1], "of type int64 cannot be looked up among ids of type <U1"),
        (range(7), ["1"], "of type <U1 cannot be looked up among ids of type int64"),
        (range(7), np.array(["x"], dtype=object), "cannot be looked up"),
        (np.arange(7, dtype=np.int8), [256], "256 is unknown"),  # must not wrap to 0
        (np.array(list("abcdefg"), dtype=object), [1], r"users\[0\]: 1 is unknown"),
        (np.array(list("abcdefg"), dtype=object), [{}], "cannot be looked up.*unhashable"),
        (range(7), [1.0, 1.5], r"users\[1\]: 1.5 is unknown"),
        (range(7), [np.nan], "nan is unknown"),
        (range(7), [b"1"], "bytes cannot be compared with numbers"),
        (list("abcdefg"), np.array([1, "a"], dtype=object), "1 is unknown"),
    ],
)
def test_unknown_names(ids, asked, message):
    model = made()
    model.user_ids_ = np.asarray(ids)
    with pytest.raises(ValueError, match=message):
        model.predict_ratings(asked, 0)


def test_text_of_any_length():
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("NumPy 1")
    asked = np.array(["u03", "u00"], dtype=np.dtypes.StringDType())
    assert made(ids=True)._users(asked).tolist() == [3, 0]


def test_text_and_numbers_mixed():
    model = made()
    model.user_ids_ = np.array(["a", 1, "1", 2.5, (0, 1), "b", 0], dtype=object)
    assert model._users(["1", 1, "a"]).tolist() == [2, 1, 0]
    assert model._users(1).tolist() == 1
    assert model._users(np.array([0, 1])).tolist() == [6, 1]
    with pytest.raises(ValueError, match=r"users\[1\]: '0' is unknown"):
        model.predict_ratings([0, "0"], 0)


@given(st.lists(st.text("ab0", max_size=3), unique=True, min_size=7, max_size=7), st.data())
def test_names_are_found_as_in_a_dictionary(ids, data):
    model = made()
    model.user_ids_ = np.array(ids)
    asked = data.draw(st.lists(st.text("ab0", max_size=4), min_size=1))
    places = {name: u for u, name in enumerate(ids)}
    got = model._users(asked, strict=False)
    assert got.tolist() == [places.get(name, -1) for name in asked]


def test_series_of_pandas():
    pd = pytest.importorskip("pandas")
    model = made(ids=True)
    frame = pd.DataFrame({"user": ["u03", "u00"], "item": [27, 7]})
    whole = everything(model)
    np.testing.assert_allclose(
        model.predict_ratings(frame.user, frame.item), [whole[3, 2], whole[0, 0]]
    )
    assert model.recommend(frame.user, 3)[0].shape == (2, 3)


# scikit-learn


def test_a_pipeline_with_a_classifier():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    taste = np.where(labels[:, None] == np.arange(20) % 2, 5.0, 1.0)
    X = sp.csr_array(np.where(rng.random((60, 20)) < 0.4, taste + rng.random((60, 20)), 0.0))
    pipeline = make_pipeline(Ridge(2), LogisticRegression()).fit(X[:40], labels[:40])
    assert pipeline.score(X[40:], labels[40:]) > 0.9
    assert pipeline[:-1].get_feature_names_out().tolist() == ["ridge0", "ridge1"]


def test_output_as_a_frame():
    pytest.importorskip("pandas")
    X = made().seen_
    frame = Ridge(2).set_output(transform="pandas").fit(X).transform(X)
    assert frame.columns.tolist() == ["ridge0", "ridge1"]
    assert frame.shape == (N_USERS, 2)


def test_a_copy_and_a_pickle():
    model = made(ids=True)
    assert clone(model).get_params() == model.get_params()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.recommend("u03")[0], model.recommend("u03")[0])


def test_the_conventions_of_scikit_learn():
    check_estimator(Ridge(n_components=1), on_skip=None)
