"""Factorisation estimators, tested by their objectives, naive twins, and scikit-learn."""

import naive_factors as naive
import numba
import numpy as np
import pytest
import scipy.sparse as sp
from processes import nothing_left
from sklearn.base import clone
from sklearn.decomposition import NMF as Reference
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from strads import NMF, ImplicitFactorization, MatrixFactorization, default_engine
from strads.datasets.ratings import encode_ratings

JIT = not numba.config.DISABLE_JIT
USERS, ITEMS, K = (40, 30, 4) if JIT else (12, 9, 3)
many_epochs = pytest.mark.skipif(not JIT, reason="many epochs: compiled only")


def ratings(seed=0, users=USERS, items=ITEMS, share=0.5):
    """Ratings near 3.5 of low rank, with one stored zero."""
    rng = np.random.default_rng(seed)
    full = 3.5 + rng.normal(size=(users, 2)) @ rng.normal(size=(2, items))
    known = rng.random(full.shape) < share
    known[0, 0] = True
    full[0, 0] = 0.0
    return sp.csr_array((full[known], np.nonzero(known)), shape=full.shape)


def counts(seed=0, users=USERS, items=ITEMS):
    X = ratings(seed, users, items, share=0.3)
    X.data = np.ceil(np.abs(X.data))
    return X


def mf(**given):
    return MatrixFactorization(**{"n_components": K, "n_workers": 1, "max_iter": 4} | given)


def implicit(**given):
    return ImplicitFactorization(**{"n_components": K, "n_workers": 1, "max_iter": 4} | given)


def nmf(**given):
    return NMF(**{"n_components": K, "n_workers": 1, "max_iter": 20} | given)


def objective(model, X):
    """The objective of :class:`MatrixFactorization`, as in its docstring."""
    lam, l1 = model.regularization, model.l1 / 2
    return naive.objective(
        X, "ratings", model.user_factors_, model.item_factors_, model.user_biases_,
        model.item_biases_, model.global_mean_, (lam, lam), (l1, l1),
        scaled=model.regularization_scale == "count",
    )  # fmt: skip


# -- parameters and data ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "given", "message"),
    [
        (mf, {"n_components": 0}, "n_components"), (mf, {"regularization": -1.0}, "regularization"),
        (mf, {"l1": -0.1}, "l1"), (mf, {"max_iter": 0}, "max_iter"), (mf, {"tol": -1.0}, "tol"),
        (mf, {"learning_rate": 0.0}, "learning_rate"), (mf, {"n_workers": 0}, "n_workers"),
        (mf, {"validation_fraction": 1.0}, "validation_fraction"), (mf, {"solver": "x"}, "solver"),
        (mf, {"n_iter_no_change": 0}, "n_iter_no_change"), (mf, {"callbacks": 3}, "callbacks"),
        (mf, {"regularization_scale": "x"}, "regularization_scale"),
        (mf, {"dtype": np.int32}, "dtype"), (mf, {"dtype": "float16"}, "dtype"),
        (mf, {"random_state": "x"}, "random_state"), (mf, {"schedule": "x"}, "schedule"),
        (mf, {"solver": "sgd", "l1": 0.1}, "solver='sgd' supports neither l1"),
        (mf, {"solver": "als", "nonnegative": True}, "solver='als' supports neither.*nonnegative"),
        (mf, {"solver": "als", "schedule": "priority"}, "schedule='priority'"),
        (mf, {"solver": "sgd", "regularization_scale": "plain"}, "regularization_scale='plain'"),
        (mf, {"early_stopping": True, "validation_fraction": 1e-9}, "validation_fraction"),
        (implicit, {"n_components": 0}, "n_components"), (implicit, {"alpha": 0.0}, "alpha"),
        (implicit, {"regularization": -1.0}, "regularization"),
        (implicit, {"confidence": "x"}, "confidence"), (implicit, {"solver": "sgd"}, "solver"),
        (implicit, {"nonnegative": True}, "nonnegative.*solver='ccd'"),
        (implicit, {"schedule": "priority"}, "schedules 'priority' and 'auto', need solver='ccd'"),
        (nmf, {"n_components": 0}, "n_components"), (nmf, {"l1_ratio": 2.0}, "l1_ratio"),
        (nmf, {"alpha_W": -1.0}, "alpha_W"), (nmf, {"alpha_H": "x"}, "alpha_H"),
    ],
)  # fmt: skip
def test_bad_parameters_are_named(make, given, message):
    with pytest.raises(ValueError, match=message):
        make(**given).fit(counts())


@pytest.mark.parametrize("make", [mf, implicit, nmf])
def test_bad_data_is_refused(make):
    X = counts()
    for bad, message in ((np.nan, "X contains NaN"), (np.inf, "X contains infinity")):
        spoilt = X.copy()
        spoilt.data[2] = bad
        with pytest.raises(ValueError, match=message):
            make().fit(spoilt)
    if make is not nmf:
        with pytest.raises(ValueError, match="X stores no entry"):
            make().fit(sp.csr_array(X.shape))
    if make is not mf:
        X.data[3] = -1.0
        with pytest.raises(ValueError, match="[Nn]egative"):
            make().fit(X)


def test_a_negative_confidence_is_named():
    X = counts()
    model = implicit().fit(X)
    bad = X.copy()
    u = USERS - 1
    bad.data[bad.indptr[u]] = -2.0
    message = rf"X\[{u}, {bad.indices[bad.indptr[u]]}\] is -2"
    for attempt in (implicit().fit, model.partial_fit, model.fold_in):
        with pytest.raises(ValueError, match=message):
            attempt(bad)


def test_bad_validation_is_refused():
    X = ratings()
    spoilt = X.copy()
    spoilt.data[1] = np.nan
    for validation, message in (
        (X[:-1], "validation has shape"), (X[:, 1:], "validation has shape"),
        (spoilt, "validation contains NaN"), (sp.csr_array(X.shape), "validation stores no rating"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            mf(early_stopping=True).fit(X, validation=validation)


@pytest.mark.parametrize("solver", ["sgd", "als", "ccd"])
def test_kinds_of_matrices_give_the_same_model(solver):
    X = ratings()
    X.data += 10.0  # a dense matrix has no stored zeros
    one = mf(solver=solver).fit(X)
    twice = sp.coo_array(  # duplicates add up
        (np.repeat(X.data, 2) / 2, tuple(np.repeat(ids, 2) for ids in X.tocoo().coords)), X.shape
    )
    before = X.copy()
    for kind in (sp.csc_matrix(X), X.toarray(), twice, X.astype(np.float32)):
        other = mf(solver=solver).fit(kind)
        np.testing.assert_allclose(other.user_factors_, one.user_factors_, rtol=1e-4, atol=1e-5)
        assert other.global_mean_ == pytest.approx(one.global_mean_)
    np.testing.assert_array_equal(X.data, before.data)


def test_a_stored_zero_is_a_rating():
    X = sp.csr_array(([5.0, 5.0, 0.0, 5.0], ([0, 0, 1, 1], [0, 1, 0, 1])), shape=(2, 2))
    model = mf(solver="als", max_iter=100, regularization=0.01).fit(X)
    assert model.global_mean_ == pytest.approx(3.75)
    assert model.predict_ratings(1, 0) == pytest.approx(0.0, abs=0.5)
    assert X[[1]].nnz == model.seen_[[1]].nnz == 2


# -- objectives ------------------------------------------------------------------------------------


def alternate_exactly(X, k, penalty, scaled, biased, sweeps):
    """Exact alternating least squares; returns its objective."""
    rng = np.random.default_rng(9)
    mean = X.data.mean() if biased else 0.0
    H, c = rng.normal(size=(X.shape[1], k)) * 0.3, np.zeros(X.shape[1])
    options = {"penalty": penalty, "mean": mean, "scaled": scaled, "biased": biased}
    for _ in range(sweeps):
        W, b = naive.least_squares(X, H, c=c, **options)
        H, c = naive.least_squares(X.T.tocsr(), W, c=b, **options)
    return naive.objective(X, "ratings", W, H, b, c, mean, (penalty, penalty), scaled=scaled)


@many_epochs
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("scale", ["count", "plain"])
def test_solvers_agree_with_exact_alternation(scale, biased):
    X = ratings(1, users=25, items=20)
    penalty = 0.1 if scale == "count" else 1.0
    exact = alternate_exactly(X, K, penalty, scale == "count", biased, sweeps=150)
    for solver, tolerance in (("als", 1e-3), ("ccd", 1e-3), ("sgd", 1e-2)):
        if solver == "sgd" and scale == "plain":
            continue
        model = mf(
            solver=solver, regularization=penalty, regularization_scale=scale, biases=biased,
            max_iter=500, tol=0.0, learning_rate=0.1,
        ).fit(X)  # fmt: skip
        assert objective(model, X) == pytest.approx(exact, rel=tolerance)


@pytest.mark.parametrize("solver", ["als", "ccd"])
@pytest.mark.parametrize("confidence", ["stored", "linear"])
def test_implicit_objective_is_the_dense_formula(confidence, solver):
    X = counts(2)
    model = implicit(confidence=confidence, solver=solver, alpha=2.0, regularization=0.3).fit(X)
    expected = naive.objective(
        X, confidence, model.user_factors_, model.item_factors_, penalty=(0.3, 0.3)
    )
    assert model.objective(X) == pytest.approx(expected, rel=1e-5)
    fewer = implicit(confidence=confidence, solver=solver, alpha=2.0, regularization=0.3)
    assert model.objective(X) < fewer.set_params(max_iter=1).fit(X).objective(X)


@many_epochs
@pytest.mark.parametrize("confidence", ["stored", "linear"])
def test_implicit_solvers_agree(confidence):
    X = counts(3)
    found = [
        implicit(confidence=confidence, regularization=3.0, max_iter=400, tol=0.0, **given)
        .fit(X)
        .objective(X)
        for given in (
            {"solver": "als"}, {"solver": "ccd"}, {"solver": "ccd", "schedule": "priority"}
        )
    ]  # fmt: skip
    assert found[1] == pytest.approx(found[0], rel=1e-3)
    assert found[2] == pytest.approx(found[0], rel=1e-3)


def test_constraints_are_kept():
    X = ratings(4)
    model = mf(nonnegative=True, biases=False).fit(X)  # the right solver is chosen
    assert min(model.user_factors_.min(), model.item_factors_.min()) >= 0.0
    assert model.user_factors_.max() > 0.0
    assert np.sqrt(np.mean((model.predict_ratings(*X.nonzero()) - X[X.nonzero()]) ** 2)) < 2.0
    sparse = mf(l1=0.05, max_iter=30).fit(X)
    assert 0.0 < np.mean(sparse.user_factors_ == 0.0) < 1.0
    both = implicit(solver="ccd", nonnegative=True, schedule="priority").fit(counts(4))
    assert both.item_factors_.min() >= 0.0
    assert "rows" in both.history_[-1]


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
    "given",
    [{"solver": "sgd"}, {"solver": "als"}, {"solver": "ccd", "schedule": "priority"}],
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


# -- stops, types, workers -------------------------------------------------------------------------


def held_error(model, X):
    return model.rmse(X)


@pytest.mark.parametrize("solver", ["sgd", "als"])
def test_the_best_factors_are_kept_whatever_ends_the_fit(solver):
    """Noise and hardly any penalty: the held-out error soon rises, and rises to the end."""
    X = ratings(13)
    X.data += np.random.default_rng(0).normal(size=X.nnz)
    chosen = np.random.default_rng(1).random(X.nnz) < 0.3
    parts = []
    for keep in (~chosen, chosen):
        entries = X.tocoo()
        ids = entries.row[keep], entries.col[keep]
        parts.append(sp.csr_array((entries.data[keep], ids), shape=X.shape))
    given = {"solver": solver, "n_components": 16, "regularization": 1e-4, "early_stopping": True}
    patient = {"n_iter_no_change": 100, "max_iter": 25}
    for limits in ({"n_iter_no_change": 2, "max_iter": 100}, patient):
        model = mf(tol=0.0, learning_rate=0.2, **given, **limits).fit(parts[0], validation=parts[1])
        errors = [figures["validation_rmse"] for figures in model.history_]
        assert min(errors) < errors[-1]
        assert model.n_iter_ == len(errors)
        assert held_error(model, parts[1]) == pytest.approx(min(errors), rel=1e-3)
        if limits is patient:
            assert len(errors) == 25
        else:
            assert len(errors) == int(np.argmin(errors)) + 3
    own = mf(early_stopping=True, validation_fraction=0.25, solver=solver).fit(X)
    assert "validation_rmse" in own.history_[-1]
    assert own.seen_.nnz == X.nnz


@pytest.mark.parametrize("make", [mf, implicit, nmf])
def test_a_callback_stops_a_fit(make):
    seen = []

    def enough(step):
        seen.append(step.epoch)
        return step.epoch == 2

    model = make(callbacks=enough, tol=0.0).fit(counts(14))
    assert seen == [1, 2]
    assert model.n_iter_ == len(model.history_) == 2


@pytest.mark.parametrize("make", [mf, implicit, nmf])
def test_a_standstill_ends_a_fit(make):
    model = make(tol=1e-2, max_iter=200).fit(counts(15))
    assert 2 <= model.n_iter_ < 200


@pytest.mark.parametrize("solver", ["sgd", "als", "ccd"])
def test_types_of_factors(solver):
    X = ratings(16)
    single, double = (mf(solver=solver, dtype=t).fit(X) for t in ("float32", np.float64))
    for model, dtype in ((single, np.float32), (double, np.float64)):
        for name in ("user_factors_", "item_factors_", "user_biases_", "item_biases_"):
            assert getattr(model, name).dtype == dtype
        assert model.predict_ratings([0], [1]).dtype == dtype
    np.testing.assert_allclose(single.user_factors_, double.user_factors_, atol=2e-3)


@pytest.mark.parametrize("given", [{"solver": "sgd"}, {"solver": "als"}, {"solver": "ccd"}])
def test_random_state_decides(given):
    X = ratings(17)
    one, two, other = (mf(random_state=s, **given).fit(X).user_factors_ for s in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    drawn = mf(random_state=np.random.RandomState(0), **given).fit(X)
    again = mf(random_state=np.random.RandomState(0), **given).fit(X)
    np.testing.assert_array_equal(drawn.user_factors_, again.user_factors_)


@pytest.mark.processes
def test_processes_repeat():
    X = ratings(18, users=96, items=64)
    with nothing_left():
        for solver in ("sgd", "als", "ccd"):
            one, two = (mf(n_workers=2, solver=solver).fit(X) for _ in range(2))
            assert one.statistics_["executor"] == "processes"
            np.testing.assert_array_equal(one.user_factors_, two.user_factors_)
            if solver != "sgd":
                alone = mf(n_workers=1, solver=solver).fit(X)
                np.testing.assert_array_equal(one.user_factors_, alone.user_factors_)
        default_engine().close()


# -- as an estimator -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [mf(solver="sgd", random_state=3), mf(solver="ccd", nonnegative=True, dtype=np.float64),
     implicit(confidence="linear")],
)  # fmt: skip
def test_saved_models_predict_alike_and_go_on(tmp_path, model):
    X = counts(19)
    model.fit(X).save(tmp_path / "model.npz")
    loaded = type(model).load(tmp_path / "model.npz")
    assert loaded.get_params() | {"dtype": ""} == model.get_params() | {"dtype": ""}
    u, i = np.arange(5)[:, None], np.arange(6)
    np.testing.assert_array_equal(loaded.predict_ratings(u, i), model.predict_ratings(u, i))
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
    for one, other in zip(loaded.recommend([0, 1], 3), model.recommend([0, 1], 3), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        loaded.partial_fit(X).user_factors_, model.partial_fit(X).user_factors_
    )


@pytest.mark.parametrize("make", [mf, implicit, nmf])
def test_clones_and_pipelines(make):
    X = counts(20)
    model = make(random_state=4)
    again = clone(model)
    assert again.get_params() == model.get_params()
    W = model.fit(X).transform(X)
    assert W.shape == (USERS, K)
    labels = np.arange(USERS) % 2
    pipeline = make_pipeline(again, LogisticRegression()).fit(X, labels)
    assert pipeline.predict(X).shape == (USERS,)
    assert list(again.get_feature_names_out()) == [
        f"{type(model).__name__.lower()}{k}" for k in range(K)
    ]


@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
@pytest.mark.parametrize("make", [nmf, mf, implicit])
def test_check_estimator(make):
    """All checks pass: there is nothing that the tags would have to excuse."""
    results = check_estimator(make(n_components=2), on_fail=None)
    failed = {r["check_name"]: str(r["exception"]) for r in results if r["status"] == "failed"}
    assert failed == {}
    assert sum(r["status"] == "passed" for r in results) >= 45


# -- NMF -------------------------------------------------------------------------------------------


def nmf_objective(X, W, H, alpha_W=0.0, alpha_H="same", l1_ratio=0.0):
    """The objective, as in scikit-learn's docstring."""
    n, p = X.shape
    alpha_H = alpha_W if alpha_H == "same" else alpha_H
    value = 0.5 * np.linalg.norm(X.toarray() - W @ H) ** 2
    for alpha, F, size in ((alpha_W, W, p), (alpha_H, H, n)):
        value += alpha * size * l1_ratio * np.abs(F).sum()
        value += 0.5 * alpha * size * (1.0 - l1_ratio) * np.sum(F * F)
    return value


@pytest.mark.compiled
@pytest.mark.parametrize(
    "penalties",
    [{}, {"alpha_W": 0.01}, {"alpha_W": 0.005, "alpha_H": 0.02, "l1_ratio": 0.5},
     {"alpha_W": 0.01, "l1_ratio": 1.0}],
)  # fmt: skip
def test_nmf_is_no_worse_than_the_reference(penalties):
    X = counts(21)
    limits = {"max_iter": 500, "tol": 1e-7} if JIT else {"max_iter": 40, "tol": 0.0}
    model = nmf(**limits, **penalties)
    W = model.fit_transform(X)
    H = model.components_
    assert W.dtype == H.dtype == np.float64
    assert min(W.min(), H.min()) >= 0.0
    reference = Reference(K, init="nndsvda", max_iter=2000, tol=1e-6, **penalties)
    W_reference = reference.fit_transform(sp.csr_matrix(X))
    best = nmf_objective(X, W_reference, reference.components_, **penalties)
    assert nmf_objective(X, W, H, **penalties) <= (1.01 if JIT else 1.1) * best
    distance = np.linalg.norm(X.toarray() - W @ H)
    assert model.reconstruction_err_ == pytest.approx(distance, rel=1e-6)
    np.testing.assert_allclose(model.inverse_transform(W), W @ H)


def test_nmf_transform_finds_the_best_rows():
    X, alpha = counts(22), 0.01
    model = nmf(alpha_W=alpha, l1_ratio=0.5).fit(X)
    new, H = counts(23, users=6), model.components_
    W = model.transform(new)
    slope = (new.toarray() - W @ H) @ H.T - alpha * ITEMS * 0.5 * (1.0 + W)
    scale = np.abs(new.toarray() @ H.T).max()
    assert W.min() >= 0.0
    assert slope[W == 0.0].max(initial=-1.0) <= 1e-3 * scale
    np.testing.assert_allclose(slope[W > 0.0], 0.0, atol=1e-3 * scale)


def test_nmf_of_float32_and_of_nothing():
    X = counts(24).astype(np.float32)
    model = nmf()
    assert model.fit_transform(X).dtype == np.float32
    assert model.transform(X).dtype == model.components_.dtype == np.float32
    nothing = nmf()
    assert not nothing.fit_transform(sp.csr_array((4, 3))).any()
    assert nothing.reconstruction_err_ == 0.0


@many_epochs
def test_more_components_than_rows_stay_finite_in_single_precision():
    """The mean matrix is then singular, and its inverse must not amplify rounding errors."""
    X = sp.random_array((20, 15), density=0.4, format="csr", random_state=np.random.default_rng(0))
    X.data = X.data * 4 + 1
    model = ImplicitFactorization(20, regularization=1e-6, max_iter=30, tol=0).fit(X)
    assert model.objective(X) < 1.0


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3])
def test_gradient_steps_are_stable_for_ratings_of_any_scale(scale):
    rng = np.random.default_rng(0)
    X = sp.random_array((60, 40), density=0.3, format="csr", random_state=rng)
    X.data = np.round(X.data * 4 + 1) * scale
    model = MatrixFactorization(4, solver="sgd").fit(X)
    assert model.rmse(X) <= 1.02 * X.data.std()


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


@many_epochs
def test_implicit_feedback_stops_at_its_best_ranking():
    X = counts(users=60, items=40)
    rng = np.random.default_rng(1)
    out = rng.random(X.nnz) < 0.2
    rows, cols = np.repeat(np.arange(60), np.diff(X.indptr)), X.indices
    held = sp.csr_array((X.data[out], (rows[out], cols[out])), shape=X.shape)
    known = sp.csr_array((X.data[~out], (rows[~out], cols[~out])), shape=X.shape)
    given = {"n_components": K, "max_iter": 40, "tol": 0, "early_stopping": True}
    model = ImplicitFactorization(**given, n_iter_no_change=2).fit(known, validation=held)
    reached = [figures["validation_ndcg"] for figures in model.history_]
    assert model.n_iter_ == int(np.argmax(reached)) + 3 or model.n_iter_ == 40
    assert model.ndcg(held) == pytest.approx(max(reached))
    assert ImplicitFactorization(**given).fit(X).history_[0]["validation_ndcg"] > 0.0
