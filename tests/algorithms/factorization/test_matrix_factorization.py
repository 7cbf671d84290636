"""Factorisation estimators: parameters, data, stops, workers, and scikit-learn."""

import numpy as np
import pytest
import scipy.sparse as sp
from processes import nothing_left
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator
from small_factorizations import JIT, USERS, K, counts, implicit, many_epochs, mf, nmf, ratings

from strads import ImplicitFactorization, MatrixFactorization, default_engine

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


@pytest.mark.slow  # by day the tests of programs compare executors
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


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3])
def test_gradient_steps_are_stable_for_ratings_of_any_scale(scale):
    rng = np.random.default_rng(0)
    X = sp.random_array((60, 40), density=0.3, format="csr", random_state=rng)
    X.data = np.round(X.data * 4 + 1) * scale
    model = MatrixFactorization(4, solver="sgd").fit(X)
    assert model.rmse(X) <= 1.02 * X.data.std()


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
