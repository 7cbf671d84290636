"""New users, new ratings, and ids of the user's own, in factorisation estimators."""

import naive_factors as naive
import numpy as np
import pytest
import scipy.sparse as sp
from small_factorizations import ITEMS, USERS, K, counts, implicit, mf, ratings

from strads import MatrixFactorization
from strads.datasets.ratings import encode_ratings

# -- new users, new ratings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"solver": "als"}, {"solver": "als", "regularization_scale": "plain"},
        {"solver": "ccd", "biases": False}, {"solver": "sgd"},
    ],
)  # fmt: skip
def test_fold_in_is_ridge_regression(given):
    model = mf(dtype="float64", regularization=0.2, **given).fit(ratings(5))
    new = ratings(6, users=7)
    new = sp.csr_array(sp.vstack([new, sp.csr_array((1, ITEMS))]))  # a user without ratings
    W, b = naive.least_squares(
        new, model.item_factors_, 0.2, c=model.item_biases_, mean=model.global_mean_,
        scaled=model.regularization_scale == "count", biased=model.biases,
    )  # fmt: skip
    factors, biases = model.fold_in(new)
    np.testing.assert_allclose(factors, W, atol=1e-6)
    np.testing.assert_allclose(biases, b, atol=1e-6)
    np.testing.assert_array_equal(model.transform(new), factors)


@pytest.mark.parametrize("confidence", ["stored", "linear"])
@pytest.mark.parametrize("nonnegative", [False, True])
def test_implicit_fold_in_is_the_best_row(confidence, nonnegative):
    constrained = {"solver": "ccd", "nonnegative": True} if nonnegative else {}
    model = implicit(
        confidence=confidence, dtype="float64", regularization=0.5, alpha=2.0, **constrained
    ).fit(counts(7))
    new, H = counts(8, users=3), model.item_factors_
    factors, _ = model.fold_in(new)
    confident, preferred = naive.MEANINGS[confidence](new.toarray(), naive.pattern(new))
    slope = (confident * (preferred - factors @ H.T)) @ H - 0.5 * factors
    if nonnegative:
        assert factors.min() >= 0.0
        assert slope[factors == 0.0].max(initial=-1.0) <= 1e-3
        slope = slope[factors > 0.0]
    np.testing.assert_allclose(slope, 0.0, atol=1e-3)


@pytest.mark.parametrize(
    "given", [{"solver": "sgd"}, {"solver": "als"}, {"solver": "ccd", "schedule": "priority"}]
)
def test_partial_fit_takes_in_new_users_and_ratings(given):
    X = ratings(9)
    model = mf(max_iter=40, tol=0.0, **given).fit(X)
    W, H, mean = model.user_factors_.copy(), model.item_factors_.copy(), model.global_mean_
    new = sp.csr_array(
        ([1.0, 4.5, 2.5], ([0, USERS + 1, USERS + 1], [0, 1, 2])), shape=(USERS + 2, ITEMS)
    )
    assert model.partial_fit(new) is model
    assert model.user_factors_.shape == (USERS + 2, K)
    assert model.user_biases_.shape == (USERS + 2,)
    assert model.global_mean_ == mean
    expected = np.vstack([X.toarray(), new.toarray()[USERS:]])
    expected[0, 0] = 1.0
    np.testing.assert_allclose(model.seen_.toarray(), expected, rtol=1e-6)
    assert model.seen_.nnz == X.nnz + 2
    assert len(model.history_) == 1
    for now, before in ((model.user_factors_[:USERS], W), (model.item_factors_, H)):
        assert 0.0 < np.linalg.norm(now - before) <= 0.3 * np.linalg.norm(before)
    assert not model.user_factors_[USERS].any()
    assert model.user_factors_[USERS + 1].any()
    np.testing.assert_allclose(model.predict_ratings(USERS, np.arange(ITEMS)),
                               mean + model.item_biases_, rtol=1e-5)  # fmt: skip


def test_partial_fit_holds_nothing_out():
    X = ratings(10)
    model = mf(early_stopping=True).fit(X)
    model.partial_fit(X)
    assert list(model.history_[0]) == ["train_rmse"]


def test_implicit_partial_fit():
    X = counts(10)
    model = implicit(max_iter=30, tol=0.0).fit(X)
    W = model.user_factors_.copy()
    new = sp.csr_array(([9.0, 2.0], ([1, USERS], [0, 1])), shape=(USERS + 1, ITEMS))
    model.partial_fit(new)
    assert model.user_factors_.shape == (USERS + 1, K)
    assert model.seen_[1, 0] == 9.0
    moved = np.linalg.norm(model.user_factors_[:USERS] - W)
    assert 0.0 < moved <= 0.5 * np.linalg.norm(W)
    assert model.user_factors_[USERS].any()


@pytest.mark.parametrize("make", [mf, implicit])
def test_the_first_partial_fit_is_a_fit(make):
    X = counts(11)
    one, other = make().fit(X), make().partial_fit(X)
    np.testing.assert_array_equal(one.user_factors_, other.user_factors_)


# -- ids -------------------------------------------------------------------------------------------


def named_ratings():
    X = ratings(12).tocoo()
    users = np.array([f"u{k:03}" for k in range(USERS)])[X.row]
    items = np.array([f"film {k:03}" for k in range(ITEMS)])[X.col]
    return users, items, np.round(X.data, 3)


def test_ratings_with_ids(tmp_path):
    users, items, values = named_ratings()
    rows, cols = (np.unique(ids, return_inverse=True)[1] for ids in (users, items))
    plain = mf(solver="als").fit(sp.csr_array((values, (rows, cols))))
    lines = [f"{u},{i},{v}" for u, i, v in zip(users, items, values, strict=True)]
    file = tmp_path / "ratings.csv"
    file.write_text("\n".join(["user,item,rating", *lines]) + "\n")
    for given in ((users, items, values), (file,), (encode_ratings(users, items, values),)):
        model = mf(solver="als").fit_ratings(*given)
        np.testing.assert_array_equal(model.user_ids_, np.unique(users))
        np.testing.assert_array_equal(model.item_ids_, np.unique(items))
        np.testing.assert_allclose(model.user_factors_, plain.user_factors_, rtol=1e-5)
        expected = plain.predict_ratings(rows[:9], cols[:9])
        np.testing.assert_allclose(model.predict_ratings(users[:9], items[:9]), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="nobody"):
        model.predict_ratings("nobody", items[0])
    assert model.fit(ratings(12)).user_ids_ is None


def test_bad_ratings_are_named():
    users, items, values = named_ratings()
    with pytest.raises(ValueError, match="items.*entries"):
        mf().fit_ratings(users, items[1:], values)
    values[4] = np.nan
    with pytest.raises(ValueError, match=r"ratings\[4\]"):
        mf().fit_ratings(users, items, values)


def test_recommendations_leave_out_what_was_seen():
    users, items, values = named_ratings()
    model = mf(solver="als").fit_ratings(users, items, values)
    user = users[0]
    seen = set(items[users == user].tolist())
    unseen = sorted(set(model.item_ids_.tolist()) - seen)
    found, scores = model.recommend(user, n=len(unseen))
    assert sorted(found.tolist()) == unseen
    predicted = np.sort(model.predict_ratings(user, np.array(unseen)))[::-1]
    np.testing.assert_allclose(scores, predicted, rtol=1e-5)
    everything, _ = model.recommend(user, n=ITEMS, filter_seen=False)
    assert set(everything.tolist()) == seen | set(unseen)


def test_what_nobody_rated_is_predicted_by_the_mean_until_somebody_does():
    X = sp.csr_array(([5.0, 1.0, 4.0], ([0, 0, 1], [0, 1, 0])), shape=(3, 3))
    model = MatrixFactorization(2, solver="sgd").fit(X)
    assert not model.user_factors_[2].any()
    assert not model.item_factors_[2].any()
    model.partial_fit(sp.csr_array(([5.0], ([3], [2])), shape=(4, 3)))
    assert model.item_factors_[2].any()
    assert model.user_factors_[3].any()


def test_partial_fit_names_what_cannot_go_on():
    X = sp.csr_array([[1.0, 2.0], [3.0, 0.0]])
    model = MatrixFactorization(2).fit(X)
    with pytest.raises(ValueError, match="^n_components=3, but the model was fitted with 2"):
        model.set_params(n_components=3).partial_fit(X)
    named = MatrixFactorization(2).fit_ratings(["a", "b", "a"], ["x", "y", "y"], [1.0, 2.0, 3.0])
    with pytest.raises(
        ValueError, match=r"^X has 3 rows, but the model knows 2 users, by their ids"
    ):
        named.partial_fit(sp.csr_array(np.ones((3, 2))))


def test_ids_may_be_places_in_a_matrix_of_a_given_shape():
    model = MatrixFactorization(2).fit_ratings([0, 3], [1, 2], [1.0, 2.0], shape=(5, 4))
    assert model.user_factors_.shape[0] == 5
    assert model.user_ids_ is None
    with pytest.raises(ValueError, match=r"^users has id 3, outside 0 … 2 of shape=\(3, 4\)"):
        MatrixFactorization(2).fit_ratings([0, 3], [1, 2], [1.0, 2.0], shape=(3, 4))
