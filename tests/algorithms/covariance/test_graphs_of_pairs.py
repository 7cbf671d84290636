"""Neighbourhood selection and CONCORD: optimality judged outside, schedules, runs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_covariance import covariances, lasso_gap, pair_objective, pair_violation
from processes import nothing_left
from regressions import JIT
from rounds import make_world
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso
from sklearn.utils.estimator_checks import check_estimator

from strads import CONCORD, NeighbourhoodSelection, default_engine
from strads.algorithms.covariance.neighbours.program import Neighbours
from strads.algorithms.covariance.pairs.program import PairDescent, scale_of
from strads.algorithms.covariance.pairs.tournament import Tables, Tournament
from strads.engine import allocate_lease
from strads.kernels.covariance.pairings import blocks_at

pytestmark = pytest.mark.usefixtures("shared_engine")
FEW = settings(max_examples=max(5, settings.default.max_examples // 5))
P = 15 if JIT else 5


def chain(seed=0, n=60, p=P):
    X = np.random.default_rng(seed).normal(size=(n, p))
    X[:, 1:] += 0.7 * X[:, :-1]
    return X


# -- neighbourhood selection -----------------------------------------------------------------------


@FEW
@given(seed=st.integers(0, 1000), alpha=st.sampled_from([0.02, 0.2, 0.6]))
def test_every_variable_has_its_lasso(seed, alpha):
    X = chain(seed)
    S = np.cov(X.T, bias=True)
    model = NeighbourhoodSelection(alpha, tol=1e-9).fit(X)
    b = model.coef_.toarray()
    assert model.certified_ and not np.diag(b).any()
    for j in range(P):
        np.testing.assert_allclose(lasso_gap(S, j, alpha, b[j]), model.dual_gap_[j], atol=1e-8)
    j = seed % P
    others = np.delete(X - X.mean(axis=0), j, axis=1)
    theirs = Lasso(alpha, tol=1e-10, max_iter=100_000).fit(others, X[:, j] - X[:, j].mean())
    np.testing.assert_allclose(np.delete(b[j], j), theirs.coef_, atol=1e-4)
    linked = b != 0
    either = NeighbourhoodSelection(alpha, rule="or", tol=1e-9).fit(X).adjacency_.toarray()
    np.testing.assert_array_equal(model.adjacency_.toarray(), linked & linked.T)
    np.testing.assert_array_equal(either, linked | linked.T)


def test_neighbours_in_parts_without_races(monkeypatch):
    monkeypatch.setattr("strads.algorithms.covariance.neighbours.program.FEW", 2)
    given_ = {"S": covariances(p=P), "penalty": 0.1, "tolerance": 1e-8}
    options = {"executor": "serial", "epochs": 16}
    one = default_engine().run(Neighbours(**given_), workers=1, **options)
    three = default_engine().run(Neighbours(**given_), workers=3, check=True, **options)
    assert one.status == "converged" and len(one.history) == P // 2
    np.testing.assert_array_equal(one.state["b"], three.state["b"])


def test_neighbours_of_constants_and_sweeps_used_up(tmp_path):
    X = chain()
    X[:, 1] = 3.0
    model = NeighbourhoodSelection(0.1).fit(X)
    b = model.coef_.toarray()
    assert model.certified_ and not b[1].any() and not b[:, 1].any()
    S = np.cov(X.T, bias=True)
    given_ = NeighbourhoodSelection(0.1, covariance="precomputed").fit(S)
    np.testing.assert_allclose(given_.coef_.toarray(), b, atol=1e-9)
    model.save(tmp_path / "model.npz")
    loaded = NeighbourhoodSelection.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.adjacency_.toarray(), model.adjacency_.toarray())
    with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
        short = NeighbourhoodSelection(0.01, tol=1e-13, max_iter=1).fit(chain())
    assert short.verdict_ == "max_iter"


# -- the tournament --------------------------------------------------------------------------------


@FEW
@given(
    p=st.integers(2, 12),
    shift=st.integers(0, 2),
    workers=st.integers(1, 4),
    lease=st.integers(1, 9),
    micro=st.integers(1, 5),
    share=st.sampled_from([0.1, 0.5, 1.0]),
)
def test_no_two_workers_share_a_variable_and_an_epoch_has_every_active_pair(
    p, shift, workers, lease, micro, share
):
    tables = Tables(p, shift)
    schedule = Tournament("pairs", tables=tables, lease=lease, micro=micro)
    world = make_world(tables.pairs, workers)
    policy = schedule.start(world)
    active = np.arange(tables.pairs)
    if share < 1.0:
        active = np.flatnonzero(np.random.default_rng(p).random(len(active)) < share)
        policy.activate(active)
    if len(active) == 0:
        return
    made = allocate_lease(workers, schedule.capacity(world), schedule.micro_max(world))
    seen = []
    for _ in range(policy.epoch_rounds()):
        policy.fill(made)
        for m in range(made.info[0]):
            parts = [made.ids[q, made.cuts[q, m] : made.cuts[q, m + 1]] for q in range(workers)]
            met = [
                {b for t in ids // tables.each for b in blocks_at(t, tables.blocks)}
                for ids in parts
            ]
            assert sum(map(len, met)) == len(set().union(*met))
            seen += np.concatenate(parts).tolist()
    assert sorted(seen) == active.tolist()


# -- CONCORD ---------------------------------------------------------------------------------------


@FEW
@given(seed=st.integers(0, 1000), alpha=st.sampled_from([0.05, 0.3, 1.0]), odd=st.booleans())
def test_concord_is_optimal(seed, alpha, odd):
    X = chain(seed, p=P - odd)
    S = np.cov(X.T, bias=True)
    model = CONCORD(alpha, tol=1e-8).fit(X)
    omega = model.precision_
    np.testing.assert_array_equal(omega, omega.T)
    assert model.verdict_ == "stationary" and np.diag(omega).min() > 0.0
    assert pair_violation(S, omega, alpha) <= 1e-8 * max(scale_of(S), 1.0) + 1e-12
    np.testing.assert_allclose(model.objective_, pair_objective(S, omega, alpha), rtol=1e-9)
    rng = np.random.default_rng(seed)
    for _ in range(3):  # no other matrix nearby is better
        move = 1e-3 * rng.normal(size=omega.shape)
        assert pair_objective(S, omega + move + move.T, alpha) >= model.objective_ - 1e-9


def pairs(workers, **options):
    S = covariances(p=9)
    options = {"executor": "serial", "epochs": 4, **options}
    return default_engine().run(PairDescent(S, 0.2, scale_of(S)), workers=workers, **options)


def test_matchings_give_the_same_bits_for_any_number_of_workers_without_races():
    one, three = pairs(1), pairs(3, check=True)
    np.testing.assert_array_equal(one.state["omega"], three.state["omega"])


@pytest.mark.slow  # few other tests compile these kernels
@pytest.mark.processes
def test_graphs_by_processes_have_the_bits_of_serial_runs():
    with nothing_left():
        X = chain()
        for kind in (CONCORD, NeighbourhoodSelection):
            one, two = (kind(0.1, n_workers=n).fit(X) for n in (1, 2))
            assert two.statistics_["executor"] == "processes"
            found, other = (getattr(m, "precision_", None) for m in (one, two))
            if found is None:
                found, other = one.coef_.toarray(), two.coef_.toarray()
            np.testing.assert_array_equal(found, other)
        default_engine().close()


def test_concord_saves_and_warns(tmp_path):
    S = covariances(p=5)
    model = CONCORD(0.2, covariance="precomputed").fit(S)
    model.save(tmp_path / "model.npz")
    loaded = CONCORD.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.precision_, model.precision_)
    with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
        assert CONCORD(0.01, max_iter=1, tol=1e-12).fit(chain()).verdict_ == "max_iter"
    with pytest.raises(ValueError, match="no positive, finite variance"):
        CONCORD(0.1).fit(np.ones((4, 3)))


@pytest.mark.parametrize("estimator", [NeighbourhoodSelection(), CONCORD()])
@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="takes long without the JIT")
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_conventions_of_graphs(estimator):
    check_estimator(estimator)
