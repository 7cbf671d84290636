"""The Lasso, tested by its duality gap, scikit-learn, and its invariances."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from real_data import DATA
from regressions import JIT, N, alpha_max, judge, make
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso as Reference
from sklearn.utils.estimator_checks import check_estimator

from strads import Lasso, default_engine
from strads.algorithms.linear.regression.coordinate import CoordinateLasso
from strads.algorithms.linear.solver.extrapolation import ORDER, Extrapolation
from strads.algorithms.linear.solver.lasso_program import WorkingSetLasso
from strads.engine import Correlation, Gram, Priority, Random, RoundRobin


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("ratio", [2, 10, 100])
@pytest.mark.parametrize("layout", ["csc", "csr", "coo-array", "C", "F"])
def test_gap_and_reference(layout, ratio, intercept):
    X, y = make()
    given = {
        "csc": sp.csc_matrix(X), "csr": sp.csr_array(X), "coo-array": sp.coo_array(X),
        "C": np.ascontiguousarray(X.toarray()), "F": np.asfortranarray(X.toarray()),
    }[layout]  # fmt: skip
    alpha = alpha_max(X, y, intercept) / ratio
    model = Lasso(alpha, fit_intercept=intercept, tol=1e-9).fit(given, y)
    assert model.dual_gap_ <= 1e-9
    assert judge(X, y, model.coef_, model.intercept_, alpha, intercept) <= 2e-9
    reference = Reference(alpha, fit_intercept=intercept, tol=1e-12, max_iter=10**6).fit(
        X.toarray(), y
    )
    scale = np.abs(reference.coef_).max()
    np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-4 * scale)
    np.testing.assert_allclose(model.intercept_, reference.intercept_, atol=1e-3)
    np.testing.assert_allclose(model.predict(given), X @ model.coef_ + model.intercept_)


#: Compiled code of its own for each: half a minute. Narrow values with wide indices, compiled, are
#: a case for both; the others are interpreted.
SEEN = pytest.mark.skipif(JIT, reason="compiled, narrow values with wide indices stand for all")


@pytest.mark.parametrize(
    ("dtype", "index"),
    [
        pytest.param(np.float32, np.int64, marks=pytest.mark.compiles),
        (np.float64, np.int32),  # as all other tests have them
        pytest.param(np.float32, np.int32, marks=SEEN),
        pytest.param(np.float64, np.int64, marks=SEEN),
    ],
)
def test_precisions(dtype, index):
    X, y = make(dtype=dtype)
    X = sp.csc_array((X.data, X.indices.astype(index), X.indptr.astype(index)), X.shape)
    alpha = alpha_max(X, y) / 20
    model = Lasso(alpha, tol=1e-6).fit(X, y)
    assert model.coef_.dtype == dtype
    assert judge(X, y, model.coef_, model.intercept_, alpha, True) <= 1e-4


@pytest.mark.parametrize("sparse", [True, False])
def test_positive(sparse):
    X, y = make(3)
    given = X if sparse else X.toarray()
    alpha = alpha_max(X, y) / 30
    model = Lasso(alpha, positive=True, tol=1e-9).fit(given, y)
    assert model.coef_.min() >= 0.0
    assert judge(X, y, model.coef_, 0.0, alpha, True, positive=True) <= 2e-9


def test_warm_start_needs_no_epochs_at_the_solution():
    X, y = make(2)
    model = Lasso(alpha_max(X, y) / 20, tol=1e-6, warm_start=True).fit(X, y)
    first = model.coef_.copy()
    model.fit(X, y)
    assert model.n_iter_ <= 1
    np.testing.assert_array_equal(model.coef_, first)


@pytest.mark.parametrize("sparse", [True, False])
def test_a_weight_from_before_on_a_column_that_is_zero_now_is_dropped(sparse):
    X, y = make(2)
    model = Lasso(alpha_max(X, y) / 20, warm_start=True).fit(X, y)
    used = np.flatnonzero(model.coef_)[:2]
    changed = X.toarray()
    changed[:, used[0]], changed[:, used[1]] = 0.0, 3.0
    model.fit(sp.csc_array(changed) if sparse else changed, y)
    assert not model.coef_[used].any()
    assert judge(changed, y, model.coef_, model.intercept_, model.alpha, True) <= 1e-6


def test_constant_and_empty_columns_weigh_nothing():
    X, y = make(4)
    X = sp.csc_array(sp.hstack([X, sp.csc_array((N, 1)), sp.csc_array(np.ones((N, 1)))]))
    model = Lasso(alpha_max(X, y) / 50, tol=1e-8).fit(X, y)
    assert model.coef_[-2] == 0.0
    assert model.coef_[-1] == 0.0


def test_zero_rows_and_zero_target():
    X, y = make(5)
    assert not np.any(Lasso(0.1).fit(X, np.zeros(N)).coef_)
    assert not np.any(Lasso(2 * alpha_max(X, y)).fit(X, y).coef_)


def test_not_converged_says_how_far():
    X, y = make(6)
    with pytest.warns(ConvergenceWarning, match="relative duality gap of"):
        Lasso(alpha_max(X, y) / 100, tol=1e-14, max_iter=1).fit(X, y)


def test_alpha_zero_warns_and_fits():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = X @ [1.0, 2.0, 3.0]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = Lasso(0, fit_intercept=False, max_iter=200).fit(X, y)
    assert any("alpha=0" in str(w.message) for w in caught)
    np.testing.assert_allclose(model.coef_, [1.0, 2.0, 3.0], rtol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"alpha": -1.0}, "alpha"), ({"n_workers": 0}, "n_workers"),
        ({"n_workers": 10**6}, "n_workers"), ({"tol": -1.0}, "tol"),
        ({"schedule": "magic"}, "schedule"), ({"max_iter": 0}, "max_iter"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(arguments, error):
    X, y = make()
    with pytest.raises(ValueError, match=error):
        Lasso(**arguments).fit(X, y)


def test_bad_data_is_refused():
    X, y = make()
    with pytest.raises(ValueError, match="inconsistent"):
        Lasso(0.1).fit(X, y[:-1])
    with pytest.raises(ValueError, match="NaN"):
        Lasso(0.1).fit(X, np.where(np.arange(N) == 3, np.nan, y))
    dense = X.toarray()
    dense[0, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        Lasso(0.1).fit(dense, y)
    with pytest.raises(ValueError):
        Lasso(0.1).fit(np.array([["a", "b"]] * N), y)


@pytest.mark.compiles
@given(seed=st.integers(0, 2**16), workers=st.integers(1, 4), ratio=st.sampled_from([3, 30]))
def test_plain_coordinates_descend(seed, workers, ratio):
    """Round-robin with one id a worker and a small ρ never raises the objective."""
    X, y = make(seed, n=30, p=12, density=0.5)
    y = y - y.mean()
    schedule = Priority("features", coupling=Correlation("X"), rho=0.9 / workers, lease=1)
    program = CoordinateLasso(X=X, y=y, alpha=alpha_max(X, y, False) / ratio, schedule=schedule)
    run = default_engine().iterate(program, workers=workers, executor="serial", epochs=8, seed=seed)
    objectives = [step.figures["objective"] for step in run]
    run.result()
    assert np.all(np.diff(objectives) <= 1e-9 * objectives[0])


@pytest.mark.compiles
@pytest.mark.parametrize("centred", [True, False])
def test_plain_coordinates_reach_the_optimum(centred):
    X, y = make(7, n=40, p=15)
    target = y - y.mean() if centred else y
    alpha = alpha_max(X, y, centred) / 10
    for schedule in (
        RoundRobin("features", lease=4), Random("features", lease=2),
        Priority("features", coupling=Correlation("X"), rho=0.3, lease=4, micro=2),
    ):  # fmt: skip
        program = CoordinateLasso(X=X, y=target, alpha=alpha, centred=centred, schedule=schedule)
        result = default_engine().run(program, workers=2, executor="serial", epochs=3000, tol=1e-8)
        assert result.status == "converged"
        assert judge(X, y, result.state["w"], 0.0, alpha, centred) <= 2e-8


def working_sets(X, y, alpha):
    return WorkingSetLasso(
        X=X, y=y - y.mean(), unit=np.ones(len(y)), alpha=alpha, tol=1e-9, max_epochs=10**4,
        centred=1,
    )  # fmt: skip


@pytest.mark.parametrize("workers", [1, 2])
def test_a_saved_fit_goes_on_with_the_same_bits(tmp_path, workers):
    X, y = make(9)
    alpha = alpha_max(X, y) / 100
    options = {"workers": workers, "executor": "serial", "epochs": 100}
    with default_engine().iterate(working_sets(X, y, alpha), **options) as steps:
        next(steps)
        steps.save(tmp_path / "fit.npz")
        undisturbed = steps.finish()
    saved = tmp_path / "fit.npz"
    result = default_engine().run(working_sets(X, y, alpha), resume_from=saved, **options)
    assert result.status == undisturbed.status == "converged"
    np.testing.assert_array_equal(result.state["w"], undisturbed.state["w"])
    assert [f["epochs"] for f in result.history] == [f["epochs"] for f in undisturbed.history]


@pytest.mark.usefixtures("shared_engine")
@pytest.mark.processes
@pytest.mark.parametrize("sparse", [True, False])
def test_processes_equal_serial(sparse):
    X, y = make(8)
    given = X if sparse else X.toarray()
    alpha = alpha_max(X, y) / 50
    serial = default_engine().run(
        working_sets(given, y, alpha), workers=2, executor="serial", epochs=100
    )
    processes = default_engine().run(working_sets(given, y, alpha), workers=2, epochs=100)
    assert processes.statistics["executor"] == "processes"
    np.testing.assert_array_equal(serial.state["w"], processes.state["w"])
    fits = [Lasso(alpha, n_workers=2, random_state=3).fit(given, y) for _ in range(3)]
    assert fits[0].statistics_["executor"] == "processes"
    if sparse:
        assert fits[0].statistics_["schedules"]["descend"]["dispatched"] > 0
    else:
        assert fits[0].history_[-1]["newton_systems"] > 0
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit.coef_, fits[0].coef_)
    assert judge(X, y, fits[0].coef_, 0.0, alpha, True) <= 2e-6


@pytest.mark.slow  # single precision is compiled for it alone
@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
def test_check_estimator():
    results = check_estimator(Lasso(), on_fail=None)
    failed = [r["check_name"] for r in results if r["status"] == "failed"]
    assert failed == []
    assert sum(r["status"] == "passed" for r in results) > 50


@pytest.mark.skipif(not (DATA / "golub").is_dir(), reason="real data sets are not on this machine")
@pytest.mark.skipif(not JIT, reason="compiled only")
def test_golub():
    with np.load(DATA / "golub" / "X.npz") as arrays:
        X = arrays["X"].astype(np.float64)
    y = np.load(DATA / "golub" / "y.npy").astype(np.float64)
    alpha = alpha_max(X, y) / 10
    model = Lasso(alpha, n_workers=1).fit(X, y)
    assert judge(X, y, model.coef_, 0.0, alpha, True) <= 2e-6


@given(seed=st.integers(0, 2**16), size=st.integers(1, 8))
def test_extrapolation_of_a_linear_sequence_lands_at_its_limit(seed, size):
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(size, size)))[0]
    contraction = basis @ np.diag(rng.uniform(-0.5, 0.9, size)) @ basis.T
    A, limit = rng.normal(size=(3, size)), rng.normal(size=size)
    v = limit + rng.normal(size=size)
    z = A @ v
    start = np.linalg.norm(v - limit)
    watched = Extrapolation(v, z)
    for step in range(1, 11):
        v[:] = limit + contraction @ (v - limit)
        z[:] = A @ v
        before = np.linalg.norm(v - limit)
        replaced = watched.step(lambda v, z: np.linalg.norm(v - limit))
        assert replaced <= (step % ORDER == 0)
        assert np.linalg.norm(v - limit) <= before
        np.testing.assert_allclose(z, A @ v, atol=1e-8)
    if size < ORDER:  # as many differences as dimensions: only the ridge makes the system solvable
        assert np.linalg.norm(v - limit) <= 1e-3 * start


@pytest.mark.parametrize("workers", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_harm_is_taken_back(workers):
    """Similar columns that move at once: every burst overshoots until the filter is stricter."""
    rng = np.random.default_rng(0)
    column = rng.normal(size=(40, 1))
    X = np.asfortranarray(column + 0.3 * rng.normal(size=(40, 64)))
    y = (column[:, 0] + 0.1 * rng.normal(size=40)) * 3
    lenient = Priority("chosen", rho=0.99, coupling=Gram("G", "curvature"), lease=64)
    program = WorkingSetLasso(
        X=X, y=y - y.mean(), unit=np.ones(40), alpha=alpha_max(X, y) / 500, tol=1e-5,
        max_epochs=10**4, centred=1, schedule=lenient,
    )  # fmt: skip
    with default_engine().iterate(program, workers=workers, executor="serial", epochs=200) as steps:
        objectives = [step.figures["objective"] for step in steps]
        result = steps.result()
    assert np.all(np.isfinite(objectives))
    assert np.all(np.diff(objectives) <= 1e-6 * objectives[0])
    assert result.figures["restraints"] > 0
    assert result.status == "converged"
