"""Recommendations, fold-in and scores of factor models against naive twins."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from ridge_factors import N_ITEMS, N_USERS, K, everything, made, naive_recommendations

from strads.algorithms.factorization.fitted.withhold import withhold


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
