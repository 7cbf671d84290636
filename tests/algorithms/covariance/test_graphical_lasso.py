"""The graphical Lasso: optimality judged outside, components, paths, and hard inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_covariance import (
    covariances,
    graphical_gap,
    graphical_objective,
    graphical_violation,
)
from processes import nothing_left
from regressions import JIT
from sklearn.covariance import GraphicalLasso as ScikitGraphicalLasso
from sklearn.covariance import GraphicalLassoCV as ScikitGraphicalLassoCV
from sklearn.covariance import graphical_lasso
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

from strads import Chaos, GraphicalLasso, GraphicalLassoCV, default_engine, graphical_lasso_path
from strads.algorithms.covariance import covariances as covariances_module
from strads.algorithms.covariance import newton_program
from strads.algorithms.covariance.large_blocks import first_dual_value
from strads.algorithms.covariance.newton_program import SparsePrecision

pytestmark = pytest.mark.usefixtures("shared_engine")
FEW = settings(max_examples=max(5, settings.default.max_examples // 5))
P = 20 if JIT else 7


def chain(seed=0, n=60, p=P):
    X = np.random.default_rng(seed).normal(size=(n, p))
    X[:, 1:] += 0.7 * X[:, :-1]
    return X


def program(workers, large=256):
    blocks = [covariances(seed, p) for seed, p in enumerate([9, 7, 5, 4, 2])]
    dual = [first_dual_value(S, 0.1) for S in blocks]
    return SparsePrecision(blocks, 0.1, [1e-7] * 5, dual, workers=workers, large=large)


def run(workers=2, large=256, **options):
    made = program(workers, large)
    options = {"executor": "serial", "epochs": 60, **options}
    return default_engine().run(made, workers=workers, partition=made.partition(), **options)


# -- the optimum -----------------------------------------------------------------------------------


@FEW
@given(
    seed=st.integers(0, 1000),
    n=st.integers(4, 40),
    alpha=st.sampled_from([0.02, 0.1, 0.5]),
    large=st.booleans(),
)
def test_the_result_is_optimal(seed, n, alpha, large):
    X = chain(seed, n, P // 2)
    S = np.cov(X.T, bias=True)
    with pytest.MonkeyPatch.context() as patch:
        if large:
            patch.setattr(newton_program.SparsePrecision.__init__, "__kwdefaults__",
                          {"starts": None, "workers": 1, "large": 3})  # fmt: skip
        model = GraphicalLasso(alpha, tol=1e-8).fit(X)
    theta = model.precision_
    assert model.verdict_ == "certified" and 0.0 <= model.dual_gap_ <= 1e-8
    assert graphical_gap(S, theta, alpha) <= 1e-6  # the best bound may be an earlier one
    assert graphical_violation(S, theta, alpha) <= 1e-3 * np.diag(S).max()
    np.testing.assert_allclose(model.objective_, graphical_objective(S, theta, alpha), rtol=1e-8)
    np.testing.assert_allclose(model.covariance_ @ theta, np.eye(len(S)), atol=1e-7)
    np.testing.assert_array_equal(theta, theta.T)


@pytest.mark.parametrize("alpha", [0.1, 0.4])
def test_agrees_with_scikit_learn(alpha):
    X = chain()
    ours = GraphicalLasso(alpha, tol=1e-9).fit(X)
    theirs = ScikitGraphicalLasso(alpha, tol=1e-9, enet_tol=1e-12, max_iter=1000).fit(X)
    # A gap of 1e-9 leaves about its root to the entries, in both.
    np.testing.assert_allclose(ours.precision_, theirs.precision_, atol=2e-4)
    np.testing.assert_allclose(ours.covariance_, theirs.covariance_, atol=2e-4)
    np.testing.assert_allclose(ours.location_, theirs.location_)
    np.testing.assert_allclose(ours.score(X), theirs.score(X), atol=1e-4)
    np.testing.assert_allclose(ours.mahalanobis(X), theirs.mahalanobis(X), rtol=1e-3)
    assert ours.error_norm(theirs.covariance_) < 1e-6


@FEW
@given(seed=st.integers(0, 1000), alpha=st.floats(0.05, 1.5))
def test_components_are_those_of_the_covariances(seed, alpha):
    X = np.random.default_rng(seed).normal(size=(12, P // 2))
    S = np.cov(X.T, bias=True)
    model = GraphicalLasso(alpha, tol=1e-6).fit(X)
    reached = np.linalg.matrix_power((np.abs(S) > alpha) | np.eye(len(S), dtype=bool), len(S))
    np.testing.assert_array_equal(model.labels_[:, None] == model.labels_, reached > 0)
    assert not model.precision_[reached == 0].any()
    counts = np.bincount(model.labels_)
    assert np.all(np.diff(counts) <= 0)
    alone = np.flatnonzero(counts[model.labels_] == 1)
    np.testing.assert_allclose(model.precision_[alone, alone], 1.0 / np.diag(S)[alone])


def test_covariances_by_blocks_give_the_same(monkeypatch):
    X = chain()
    whole = GraphicalLasso(0.4, tol=1e-9).fit(X)
    monkeypatch.setattr(covariances_module, "WHOLE", 3)
    monkeypatch.setattr(covariances_module, "WIDTH", 4)
    blocks = GraphicalLasso(0.4, tol=1e-9, sparse_output=True).fit(X)
    np.testing.assert_array_equal(blocks.labels_, whole.labels_)
    np.testing.assert_allclose(blocks.precision_.toarray(), whole.precision_, atol=1e-6)
    np.testing.assert_allclose(blocks.covariance_.toarray(), whole.covariance_, atol=1e-6)
    np.testing.assert_allclose(blocks.score(X), whole.score(X), atol=1e-7)
    np.testing.assert_allclose(graphical_lasso_path(X, 3)[0][0], largest(X))


def largest(X):
    S = np.abs(np.cov(X.T, bias=True))
    np.fill_diagonal(S, 0.0)
    return S.max()


def test_precomputed_covariances_and_warm_starts():
    X = chain()
    S = np.cov(X.T, bias=True)
    data = GraphicalLasso(0.2, tol=1e-9).fit(X)
    model = GraphicalLasso(0.4, covariance="precomputed", warm_start=True, tol=1e-9).fit(S)
    model.set_params(alpha=0.2).fit(S)
    np.testing.assert_allclose(model.precision_, data.precision_, atol=1e-4)
    np.testing.assert_array_equal(model.location_, 0.0)
    steps = model.fit(S).n_iter_
    assert steps <= 2 < data.n_iter_
    with pytest.raises(ValueError, match="set warm_start=False"):
        model.fit(S[:3, :3])


def test_centred_data():
    X = chain() + 5.0
    model = GraphicalLasso(0.1, assume_centered=True, tol=1e-9).fit(X)
    assert not model.location_.any()
    assert graphical_violation(X.T @ X / len(X), model.precision_, 0.1) < 1e-3


# -- inputs on which scikit-learn fails ------------------------------------------------------------


def copies():
    """Two variables are copies of others: S is singular, and the penalty small."""
    X = np.random.default_rng(0).normal(size=(50, 6))
    return np.cov(np.column_stack([X, X[:, 0], X[:, 1]]).T, bias=True), 1e-3


def equal_correlations():
    """Every correlation is 0.9999."""
    return np.full((5, 5), 0.9999) + 1e-4 * np.eye(5), 1e-3


@pytest.mark.parametrize("case", [copies, equal_correlations])
@pytest.mark.filterwarnings("ignore:Objective did not converge")
def test_what_scikit_learn_calls_non_spd_is_certified(case):
    S, alpha = case()
    with pytest.raises(FloatingPointError, match="Non SPD"):
        graphical_lasso(S, alpha)
    model = GraphicalLasso(alpha, covariance="precomputed", tol=1e-8).fit(S)
    assert model.certified_ and graphical_gap(S, model.precision_, alpha) <= 1e-5


def test_without_an_estimate_the_message_says_what_to_change():
    S = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    with pytest.raises(ValueError, match=r"eigenvalue -0\.8, and alpha=0\.01 .* Raise alpha, add"):
        GraphicalLasso(0.01, covariance="precomputed").fit(S)
    assert GraphicalLasso(0.6, covariance="precomputed").fit(S).certified_
    with pytest.raises(ValueError, match="alpha=0 is too small"):
        GraphicalLasso(0.0).fit(chain(n=4))
    constant = chain()
    constant[:, 2] = 7.0
    with pytest.raises(ValueError, match="variable 2 has no positive, finite variance"):
        GraphicalLasso(0.1).fit(constant)
    for wrong, words in ((np.ones((2, 3)), "square"), (np.array([[1.0, 2.0], [0.0, 1.0]]), "symm")):
        with pytest.raises(ValueError, match=words):
            GraphicalLasso(0.1, covariance="precomputed").fit(wrong)


def test_steps_that_were_used_up():
    with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
        model = GraphicalLasso(0.05, tol=1e-9, max_iter=2).fit(chain())
    S = np.cov(chain().T, bias=True)
    assert model.verdict_ == "max_iter" and np.isfinite(model.dual_gap_)
    best = GraphicalLasso(0.05, tol=1e-9).fit(chain())
    above = graphical_objective(S, model.precision_, 0.05) - best.objective_
    assert 0.0 < above <= model.dual_gap_


# -- paths and cross-validation --------------------------------------------------------------------


def test_a_path_has_the_solutions_of_its_penalties():
    X = chain()
    alphas, found, precisions, gaps = graphical_lasso_path(X, [0.1, 0.6, 0.3], tol=1e-8)
    np.testing.assert_array_equal(alphas, [0.6, 0.3, 0.1])
    assert np.all(gaps <= 1e-8)
    for alpha, covariance, theta in zip(alphas, found, precisions, strict=True):
        single = GraphicalLasso(alpha, tol=1e-8).fit(X)
        np.testing.assert_allclose(theta, single.precision_, atol=1e-4)
        np.testing.assert_allclose(covariance, single.covariance_, atol=1e-4)
    for wrong in (0, [], [-1.0], [np.nan]):
        with pytest.raises(ValueError, match="alphas"):
            graphical_lasso_path(X, wrong)


def test_cross_validation_takes_the_best_likelihood():
    X = chain(p=min(P, 5))
    model = GraphicalLassoCV(alphas=3, n_refinements=2, cv=3, tol=1e-6).fit(X)
    results = model.cv_results_
    assert len(results["alphas"]) == 6 and np.all(np.diff(results["alphas"]) < 0)
    assert model.alpha_ == results["alphas"][results["mean_test_score"].argmax()]
    rows = np.arange(len(X)) < 20
    fitted = GraphicalLasso(results["alphas"][2], tol=1e-8).fit(X[~rows])
    np.testing.assert_allclose(results["split0_test_score"][2], fitted.score(X[rows]), atol=1e-4)
    again = GraphicalLasso(model.alpha_, tol=1e-6).fit(X)
    np.testing.assert_array_equal(model.precision_, again.precision_)
    given_alphas = [0.5, 0.1]
    ours = GraphicalLassoCV(alphas=given_alphas, cv=3).fit(X)
    theirs = ScikitGraphicalLassoCV(alphas=given_alphas, cv=3).fit(X)
    assert ours.alpha_ == theirs.alpha_
    with pytest.raises(ValueError, match="alphas"):
        GraphicalLassoCV(alphas=[-1.0]).fit(X)


# -- the run ---------------------------------------------------------------------------------------


def test_no_races_and_the_same_bits_for_any_number_of_workers():
    one, three = run(1), run(3, check=True)
    assert one.status == three.status == "converged"
    for name in ("theta", "W", "dual", "objective"):
        np.testing.assert_array_equal(one.state[name], three.state[name])


@pytest.mark.processes
def test_processes_have_the_bits_of_a_serial_run_and_survive_deaths():
    with nothing_left():
        serial = run(2, large=8)
        two = run(2, large=8, executor="processes")
        np.testing.assert_array_equal(serial.state["theta"], two.state["theta"])
        chaos = Chaos(rate=20, modes=["kill"], most=2, seed=3)
        hurt = run(2, large=8, executor="processes", instruments=chaos)
        assert hurt.status == "converged"
        np.testing.assert_allclose(hurt.state["theta"], two.state["theta"], atol=1e-3)
        default_engine().close()


def test_saved_models_and_callbacks(tmp_path):
    model = GraphicalLasso(0.3, sparse_output=True).fit(chain())
    model.save(tmp_path / "model.npz")
    loaded = GraphicalLasso.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.precision_.toarray(), model.precision_.toarray())
    assert loaded.score(chain()) == model.score(chain())
    with pytest.warns(ConvergenceWarning, match="Go on"):
        stopped = GraphicalLasso(0.05, tol=1e-9, callbacks=lambda step: True).fit(chain())
    assert stopped.verdict_ == "callback" and stopped.n_iter_ == 1


@pytest.mark.parametrize("estimator", [
    GraphicalLasso(), pytest.param(GraphicalLassoCV(alphas=2, cv=2), marks=pytest.mark.slow)
])  # fmt: skip
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not JIT, reason="takes long without the JIT")
def test_scikit_learn_conventions(estimator):
    check_estimator(estimator)
