"""Fitted factor models against naive twins; factors are set by hand, folding in is ridge."""

import json
import pickle
import warnings
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from strads.algorithms.factorization.fitted import predictor as factor_predictor
from strads.algorithms.factorization.fitted.model import FactorModel
from strads.algorithms.factorization.fitted.withhold import withhold
from strads.engine.errors import DataError

N_USERS, N_ITEMS, K = 7, 11, 3


class Ridge(FactorModel):
    """A model with items from an SVD and users by ridge regression."""

    def __init__(self, n_components=K, *, reg=0.1, weights=None, random_state=None, callbacks=None):
        self.n_components = n_components
        self.reg = reg
        self.weights = weights
        self.random_state = random_state
        self.callbacks = callbacks

    def fit(self, X, y=None):
        X = self._ratings(X, reset=True)
        k = min(self.n_components, X.shape[1])
        svd = TruncatedSVD(k, algorithm="randomized", random_state=0).fit(X)
        self.item_factors_ = np.ascontiguousarray(svd.components_.T)
        self.item_biases_, self.global_mean_ = np.zeros(X.shape[1]), 0.0
        self.user_factors_, self.user_biases_ = self._fold_in(X)
        self.seen_ = X
        self.n_iter_ = 1
        return self

    def _fold_in(self, X):
        factors = np.empty((X.shape[0], self.item_factors_.shape[1]), self.item_factors_.dtype)
        for u in range(X.shape[0]):
            part = slice(X.indptr[u], X.indptr[u + 1])
            items = X.indices[part]
            h = self.item_factors_[items]
            b = X.data[part] - self.item_biases_[items] - self.global_mean_
            factors[u] = np.linalg.solve(h.T @ h + self.reg * np.eye(h.shape[1]), h.T @ b)
        return factors, np.zeros(len(factors), factors.dtype)


class Other(Ridge):
    """A subclass that differs only in its name."""


def made(seed=0, dtype=np.float64, ids=False, kind=Ridge):
    rng = np.random.default_rng(seed)
    model = kind()
    model.user_factors_ = rng.normal(size=(N_USERS, K)).astype(dtype)
    model.item_factors_ = rng.normal(size=(N_ITEMS, K)).astype(dtype)
    model.user_biases_ = rng.normal(size=N_USERS).astype(dtype)
    model.item_biases_ = rng.normal(size=N_ITEMS).astype(dtype)
    model.global_mean_ = 3.25
    model.seen_ = sp.random_array(
        (N_USERS, N_ITEMS), density=0.4, format="csr", random_state=seed, dtype=dtype
    )
    model.n_features_in_ = N_ITEMS
    model.n_iter_ = 5
    model.history_ = [{"rmse": 1.5, "epoch": 0}, {"rmse": np.float64(0.1), "epoch": 1}]
    if ids:
        model.user_ids_ = np.array([f"u{u:02}" for u in range(N_USERS)])
        model.item_ids_ = np.arange(N_ITEMS) * 10 + 7
    return model


def everything(model):
    """Naive twin: all predictions, entry by entry."""
    return np.array(
        [
            [
                model.global_mean_ + model.user_biases_[u] + model.item_biases_[i]
                + sum(float(a) * float(b) for a, b in zip(w, h, strict=True))
                for i, h in enumerate(model.item_factors_)
            ]
            for u, w in enumerate(model.user_factors_)
        ]
    )  # fmt: skip


def naive_recommendations(scores, hidden, n, items=None):
    items = range(len(scores)) if items is None else sorted(set(items))
    best = sorted((i for i in items if i not in hidden), key=lambda i: (-scores[i], i))[:n]
    return best + [-1] * (n - len(best)), [*scores[best], *[-np.inf] * (n - len(best))]


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


# Recommendations


@pytest.mark.parametrize("items", [None, [8, 2, 2, 5]])
@pytest.mark.parametrize("filter_seen", [True, False])
@pytest.mark.parametrize("n", [1, 4, N_ITEMS + 2])
def test_recommendations(n, filter_seen, items):
    model = made()
    found, scores = model.recommend(np.arange(N_USERS), n, filter_seen=filter_seen, items=items)
    assert found.shape == scores.shape == (N_USERS, n)
    for u, row in enumerate(everything(model)):
        hidden = set(model.seen_[[u]].indices.tolist()) if filter_seen else set()
        expected = naive_recommendations(row, hidden, n, items)
        assert found[u].tolist() == expected[0]
        np.testing.assert_allclose(scores[u], expected[1], rtol=1e-12)
        one, score = model.recommend(u, n, filter_seen=filter_seen, items=items)
        assert one.tolist() == expected[0]
        assert score.shape == (n,)
    assert model.recommend([], n)[0].shape == (0, n)


def test_equal_items_come_by_column():
    model = made()
    model.item_factors_[:] = 0.0
    model.item_biases_[:] = np.arange(N_ITEMS) % 2
    assert model.recommend(0, 11, filter_seen=False)[0].tolist() == [
        1,
        3,
        5,
        7,
        9,
        0,
        2,
        4,
        6,
        8,
        10,
    ]


@pytest.mark.parametrize(
    ("ids", "nobody"),
    [
        (np.arange(N_ITEMS) + 40, -1),
        (np.arange(N_ITEMS).astype(np.uint8), 255),
        (np.array([f"i{i}" for i in range(N_ITEMS)]), ""),
        (np.array([f"i{i}" for i in range(N_ITEMS)], dtype=object), None),
        (np.array([f"i{i}" for i in range(N_ITEMS)]).astype("S"), b""),
    ],
)
def test_recommendations_have_names(ids, nobody):
    model = made()
    plain, _ = model.recommend([0, 1], N_ITEMS)
    model.item_ids_ = ids
    found, scores = model.recommend([0, 1], N_ITEMS)
    assert found.dtype == ids.dtype
    assert found.tolist() == [[nobody if i < 0 else ids[i] for i in row] for row in plain]
    assert (scores == -np.inf).any()
    assert model.recommend(0, 1, items=[ids[3]], filter_seen=False)[0].tolist() == [ids[3]]


def test_wrong_recommendations():
    model = made()
    with pytest.raises(ValueError, match="at least 1"):
        model.recommend(0, 0)
    with pytest.raises(ValueError, match=r"not of shape \(1, 1\)"):
        model.recommend([[0]])
    with pytest.raises(ValueError, match=r"items\[1\]: 99 is unknown"):
        model.recommend(0, items=[0, 99])
    assert model.recommend(0, 2, items=[])[0].tolist() == [-1, -1]


@pytest.mark.parametrize("filter_seen", [True, False])
def test_recommendations_for_new_users(filter_seen):
    model = made()
    model.user_biases_[:] = 0.0
    X = model.seen_.copy()
    found, scores = model.recommend_for(X, 4, filter_seen=filter_seen)
    model.user_factors_ = model.transform(X)
    known, known_scores = model.recommend(np.arange(N_USERS), 4, filter_seen=filter_seen)
    np.testing.assert_array_equal(found, known)
    np.testing.assert_array_equal(scores, known_scores)


def test_similar():
    model = made()
    model.item_factors_[4] = 0.0
    h = model.item_factors_
    norms = np.linalg.norm(h, axis=1)
    for i in range(N_ITEMS):
        cosines = np.array(
            [h[i] @ h[j] / (norms[i] * norms[j]) if norms[i] * norms[j] else 0 for j in range(11)]
        )
        expected = naive_recommendations(cosines, {i}, N_ITEMS)
        found, values = model.similar_items(i, N_ITEMS)
        assert found.tolist() == expected[0]
        np.testing.assert_allclose(values, expected[1], atol=1e-14)
    users, _ = model.similar_users(np.arange(N_USERS), 3)
    assert [row.tolist() for row in users] == [
        model.similar_users(u, 3)[0].tolist() for u in range(N_USERS)
    ]
    with pytest.raises(ValueError, match="item: 11 is unknown"):
        model.similar_items(11)


# Matrices


def test_fold_in():
    model = made()
    X = model.seen_
    factors, biases = model.fold_in(X)
    assert factors.shape == (N_USERS, K)
    assert not biases.any()
    np.testing.assert_array_equal(model.transform(X), factors)
    np.testing.assert_array_equal(model.transform(X.toarray()), factors)
    np.testing.assert_array_equal(model.transform(sp.csc_matrix(X)), factors)
    np.testing.assert_allclose(model.transform(X[[3]]), factors[[3]])


def test_stored_zeros_are_ratings_and_duplicates_are_summed():
    model = made()
    rated = sp.csr_array(([0.0, 1.0, 2.0], [4, 1, 1], [0, 3]), shape=(1, N_ITEMS))
    clean = sp.csr_array(([3.0, 0.0], [1, 4], [0, 2]), shape=(1, N_ITEMS))
    np.testing.assert_array_equal(model.transform(rated), model.transform(clean))
    assert rated.nnz == 3
    without = sp.csr_array(([3.0], [1], [0, 1]), shape=(1, N_ITEMS))
    assert not np.allclose(model.transform(rated), model.transform(without))


def test_a_matrix_that_points_outside_is_refused():
    X = sp.csr_array(([1.0], [1], [0, 1]), shape=(1, N_ITEMS))
    X.indices[0] = N_ITEMS
    with pytest.raises(ValueError, match="indices"):
        made().transform(X)
    with pytest.raises(ValueError, match="expecting 11 features"):
        made().transform(X[:, :5])


def test_inverse_transform():
    model = made()
    whole = everything(model)
    np.testing.assert_allclose(
        model.inverse_transform(model.user_factors_, model.user_biases_), whole
    )
    np.testing.assert_allclose(
        model.inverse_transform(model.user_factors_), whole - model.user_biases_[:, None]
    )
    with pytest.raises(ValueError, match="4 components, the model has 3"):
        model.inverse_transform(np.ones((2, 4)))


def test_rmse():
    model = made()
    X = model.seen_.copy()
    X.data[0] = 0.0
    expected = np.sqrt(
        np.mean([(everything(model)[u, i] - X[u, i]) ** 2 for u, i in zip(*model.seen_.nonzero())])
    )
    assert model.rmse(X) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="3 rows, the model was fitted to 7 users"):
        model.rmse(X[:3])
    with pytest.raises(ValueError, match="no rating"):
        model.rmse(sp.csr_array((N_USERS, N_ITEMS)))


@given(st.integers(0, 50))
def test_a_fifth_of_each_row_is_withheld(seed):
    X = sp.random_array((9, 13), density=0.4, format="csr", random_state=seed)
    X.data[: X.nnz // 3] = 0.0  # stored zeros are ratings
    known, withheld = withhold(X)
    counts, out = np.diff(X.indptr), np.diff(withheld.indptr)
    assert out.tolist() == [0 if n < 2 else max(1, n // 5) for n in counts]
    np.testing.assert_array_equal((known + withheld).toarray(), X.toarray())
    pattern = [
        sp.csr_array((np.ones(M.nnz), M.indices, M.indptr), X.shape) for M in (known, withheld)
    ]
    assert (pattern[0] + pattern[1]).max() == 1.0
    np.testing.assert_array_equal(np.diff(known.indptr) + out, counts)


def test_the_score_predicts_ratings_that_the_fold_in_has_not_seen():
    model = made()
    X = model.seen_[:4]  # the users of a score need not be those of the fit
    known, withheld = withhold(X)
    W, b = model.fold_in(known)
    predicted = W @ model.item_factors_.T + b[:, None] + model.item_biases_ + model.global_mean_
    errors = [predicted[u, i] - X[u, i] for u, i in zip(*withheld.nonzero())]
    assert model.score(X) == pytest.approx(-np.sqrt(np.mean(np.square(errors))), rel=1e-12)
    assert model.score(X) == model.score(X.toarray())
    with pytest.raises(ValueError, match="no row of X stores two ratings"):
        model.score(sp.eye_array(N_ITEMS).tocsr())


def test_ndcg():
    model = made()
    test = np.zeros((N_USERS, N_ITEMS))
    withheld = [(u, i) for u in (0, 2, 5) for i in range(N_ITEMS) if not model.seen_[u, i]]
    for u, i in withheld[::2]:
        test[u, i] = 1.0 + u
    test[1, 0] = -1.0  # disliked, so it is not relevant
    found, _ = model.recommend([0, 2, 5], 4)
    values = []
    for items, row in zip(found, test[[0, 2, 5]], strict=True):
        gain = sum(1 / np.log2(p + 2) for p, i in enumerate(items) if i >= 0 and row[i] > 0)
        values.append(gain / sum(1 / np.log2(p + 2) for p in range(min(4, (row > 0).sum()))))
    assert model.ndcg(sp.csr_array(test), 4) == pytest.approx(np.mean(values))
    assert 0 < np.mean(values) < 1
    with pytest.raises(ValueError, match="no relevant item"):
        model.ndcg(sp.csr_array((N_USERS, N_ITEMS)))


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


# Files


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ids", [False, True])
def test_a_file_keeps_every_bit(tmp_path, ids, dtype):
    model = made(dtype=dtype, ids=ids).set_params(reg=0.3, weights=np.arange(3.0), random_state=4)
    model.set_params(callbacks=[print])
    model.save(tmp_path / "model")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = Ridge.load(tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    kept = {name for name in vars(model) if name.endswith("_")}
    assert {name for name in vars(again) if name.endswith("_")} == kept
    for name in ("user_factors_", "item_factors_", "user_biases_", "item_biases_"):
        assert getattr(again, name).tobytes() == getattr(model, name).tobytes()
    assert again.global_mean_ == model.global_mean_
    assert again.history_ == model.history_
    assert (again.reg, again.random_state, again.callbacks) == (0.3, 4, None)
    np.testing.assert_array_equal(again.weights, model.weights)
    users = model.user_ids_ if ids else np.arange(N_USERS)
    for mine, theirs in zip(model.recommend(users, 20), again.recommend(users, 20), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    items = model.item_ids_ if ids else np.arange(N_ITEMS)
    expected = model.predict_ratings(users[:, None], items)
    assert again.predict_ratings(users[:, None], items).tobytes() == expected.tobytes()
    again.save(tmp_path / "model")  # overwrites the old file
    assert Ridge.load(tmp_path / "model").predict_ratings(users[0], items[0]) == expected[0, 0]


def test_arrays_lie_under_their_names(tmp_path):
    model = made()
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["item_factors_"], model.item_factors_)
        versions = json.loads(file["json"].tobytes())["versions"]
    assert {"strads", "numpy", "scikit-learn"} <= set(versions)


@pytest.mark.parametrize(
    "ids", [["é", "bb", "", "d", "e", "f", "g"], [3, 1, 2, 9, 8, 7, 6], [0.5, 1.5, 2.0, 3, 4, 5, 6]]
)
def test_objects_of_one_type_are_kept(tmp_path, ids):
    model = made()
    if isinstance(ids[0], float):
        ids = [float(i) for i in ids]
    model.user_ids_ = np.array(ids, dtype=object)
    model.save(tmp_path / "model.npz")
    again = Ridge.load(tmp_path / "model.npz").user_ids_
    assert again.dtype == object
    assert again.tolist() == ids


@pytest.mark.parametrize(
    "odd", [(1, "a"), (None, "a"), ("a\0", "b"), (1, 2.5), ((1,), (2,)), (True, False)]
)
def test_objects_of_several_types_are_refused(tmp_path, odd):
    model = made()
    model.user_ids_ = np.empty(N_USERS, dtype=object)
    model.user_ids_[:] = [odd[0]] * (N_USERS - 1) + [odd[1]]
    (tmp_path / "model.npz").write_bytes(b"old")
    with pytest.raises(DataError, match="user_ids_ holds objects of type"):
        model.save(tmp_path / "model.npz")
    assert (tmp_path / "model.npz").read_bytes() == b"old"


def test_other_attributes_that_cannot_be_kept_are_named(tmp_path):
    model = made()
    model.history_ = [{"solver": object()}]
    with pytest.raises(DataError, match=r"history_ cannot be saved: history_\[0\]\['solver'\]"):
        model.save(tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_parameter_that_is_an_object_is_left_out_with_a_warning(tmp_path):
    model = made().set_params(random_state=np.random.RandomState(0), reg=0.7)
    with pytest.warns(UserWarning, match="random_state=RandomState") as caught:
        model.save(tmp_path / "model.npz")
    assert caught[0].filename == __file__
    again = Ridge.load(tmp_path / "model.npz")
    assert (again.random_state, again.reg) == (None, 0.7)


def test_names_of_columns_are_kept(tmp_path):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(made().seen_.toarray(), columns=[f"film {i}" for i in range(N_ITEMS)])
    model = Ridge().fit(X)
    model.save(tmp_path / "model.npz")
    again = Ridge.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    with pytest.raises(ValueError, match="feature names"):
        again.transform(X.rename(columns={"film 0": "x"}))


def test_another_class(tmp_path):
    made().save(tmp_path / "model.npz")
    with pytest.raises(DataError, match="class Ridge: use Ridge.load"):
        Other.load(tmp_path / "model.npz")


def rewritten(path, change):
    """Change the header or the arrays of a saved model."""
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(arrays.pop("json").tobytes())
    change(header, arrays)
    np.savez(path, json=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h, a: h.update(format=2), "format 2, written by strads .*upgrade"),
        (lambda h, a: h.update(kind="a recipe"), "not a fitted model"),
        (lambda h, a: h["parameters"].update(colour=1), "colour"),
        (lambda h, a: h["attributes"].update(predict=1), "'predict' is not the name"),
        (lambda h, a: h["sparse"].update(__dict__=[1, 1]), "'__dict__' is not the name"),
        (lambda h, a: a.pop("item_factors_"), "item_factors_"),
        (lambda h, a: a.update(user_biases_=np.zeros(3)), "user_biases_ is of another shape"),
        (lambda h, a: a.pop("user_biases_"), "user_biases_ is missing"),
        (lambda h, a: a.update(user_ids_=np.zeros(3)), "user_ids_ is of another shape"),
        (lambda h, a: a["seen_.indices"].fill(N_ITEMS), "indices|index"),
    ],
)
def test_files_of_others(tmp_path, change, message):
    path = tmp_path / "model.npz"
    made().save(path)
    rewritten(path, change)
    with pytest.raises(DataError, match=message) as caught:
        Ridge.load(path)
    assert str(path) in str(caught.value)
    assert "Ridge.save" in str(caught.value)


def test_files_that_are_no_models(tmp_path):
    path = tmp_path / "model.npz"
    for write in (
        lambda: sp.save_npz(path, sp.csr_array((2, 2))),
        lambda: path.write_bytes(b""),
        lambda: path.write_text("user,item,rating\n"),
        lambda: np.savez(path, json=np.array([{}], dtype=object)),
        lambda: np.savez(path, json=np.frombuffer(b"[1]", np.uint8)),
        lambda: zipfile.ZipFile(path, "w").close(),
    ):
        write()
        with pytest.raises(DataError, match="cannot be loaded as Ridge"):
            Ridge.load(path)
    with pytest.raises(FileNotFoundError):
        Ridge.load(tmp_path / "missing.npz")


def test_damaged_files(tmp_path):
    path = tmp_path / "model.npz"
    made().save(path)
    whole = path.read_bytes()
    place = whole.index(made().item_factors_.tobytes()[:16])
    flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    for content in (flipped, whole[:-40], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be loaded as Ridge"):
            Ridge.load(path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    made().save(path)
    before = path.read_bytes()

    def full(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        made(seed=1).save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.npz"]


@pytest.mark.parametrize("dtype", [np.float32, np.int8])
def test_training_ratings_are_kept(tmp_path, dtype):
    model = made()
    model.seen_ = model.seen_.astype(dtype)
    model.seen_.data[0] = 0  # rated with 0
    model.save(tmp_path / "model.npz")
    again = Ridge.load(tmp_path / "model.npz").seen_
    assert isinstance(again, sp.csr_array)
    assert again.dtype == dtype
    assert again.shape == model.seen_.shape
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(again, part), getattr(model.seen_, part))


@pytest.mark.parametrize("dtype", [np.float64, np.dtype(np.float64), "float64"])
def test_a_parameter_that_is_a_type_is_kept_by_name(tmp_path, dtype):
    made().set_params(weights=dtype).save(tmp_path / "model.npz")
    assert Ridge.load(tmp_path / "model.npz").weights == "float64"
