"""Samples of Ising and Potts models against exact distributions, and what a fit says of them."""

import naive_sampling as naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from regressions import JIT
from sklearn.utils.estimator_checks import check_estimator

from strads import GraphSampler, from_maxcut, from_qubo

pytestmark = pytest.mark.usefixtures("shared_engine")
CHAINS = 150 if JIT else 40
FEW = settings(max_examples=max(3, settings.default.max_examples // 5))
#: Differences from exact values are at most so many standard errors.
ERRORS = 5.0
seeds = st.integers(0, 2**31 - 1)


def couplings(sites, seed=0, real=False):
    """Random couplings: of each pair with a chance of a third."""
    rng = np.random.default_rng(seed)
    J = np.triu(rng.choice([-1.0, 0.0, 0.0, 1.0], size=(sites, sites)), 1)
    J *= rng.normal(size=J.shape) if real else 0.5
    return J + J.T


def sampled(J, h, states=2, **given):
    options = {"n_sweeps": 40, "burn_in": 20, "n_chains": CHAINS, "temperature": 1.3}
    return GraphSampler(states, **options | given).fit(sp.csr_array(J), h)


def assert_close(found, expected, spread):
    """Within some standard errors of the mean; samples of one chain count as a single one."""
    np.testing.assert_array_less(np.abs(found - expected), ERRORS * spread / np.sqrt(CHAINS) + 1e-9)


# -- the distribution ------------------------------------------------------------------------------


@pytest.mark.parametrize("real", [False, True], ids=["levels", "fields"])
def test_an_ising_model_has_its_exact_moments(real):
    sites = 16 if JIT else 8
    J, h = couplings(sites, real=real), np.random.default_rng(1).choice([-0.5, 0.0, 0.5], sites)
    found = sampled(J, h)
    states, energies, p = naive.exact(J, h, 1.3)
    assert_close(found.magnetization_, p @ states, 1.0)
    pairs = np.einsum("a,ai,aj->ij", p, states, states, optimize=True)
    assert_close(found.pair_moments_.toarray()[J != 0], pairs[J != 0], 1.0)
    spread = np.sqrt(p @ energies**2 - (p @ energies) ** 2)
    assert_close(found.energy_, p @ energies, spread)
    assert found.best_energy_ == pytest.approx(energies.min())
    np.testing.assert_allclose(found.marginals_.sum(axis=1), 1.0)


@pytest.mark.parametrize("real", [False, True], ids=["levels", "fields"])
def test_a_potts_model_has_its_exact_moments(real):
    J = couplings(6, seed=2, real=real)
    h = np.random.default_rng(3).choice([0.0, 0.5, 1.0], (6, 3))
    found = sampled(J, h, 3)
    states, energies, p = naive.exact(J, h, 1.3)
    expected = np.stack([p @ (states == a) for a in range(3)], axis=1)
    assert_close(found.marginals_, expected, 0.5)
    equal = np.einsum("a,aij->ij", p, states[:, :, None] == states[:, None, :])
    assert_close(found.pair_moments_.toarray()[J != 0], equal[J != 0], 0.5)
    spread = np.sqrt(p @ energies**2 - (p @ energies) ** 2)
    assert_close(found.energy_, p @ energies, spread)


@pytest.mark.parametrize("temperature", [1.5, 2.3, 4.0])
def test_the_energy_of_a_torus_is_that_of_its_transfer_matrix(temperature):
    side = 6 if JIT else 4
    found = sampled(naive.torus(side), None, temperature=temperature, burn_in=60, collect="none")
    means = found.energies_.mean(axis=0)
    expected = naive.torus_energy(side, 1.0 / temperature)
    assert abs(means.mean() - expected) <= ERRORS * means.std() / np.sqrt(CHAINS)
    assert found.n_colours_ == 2


@FEW
@given(seeds, st.sampled_from([2, 3]), st.booleans())
def test_every_draw_is_balanced(seed, q, real):
    """One site is drawn with the chances that the energies of its states say."""
    rng = np.random.default_rng(seed)
    J, temperature = couplings(5, seed, real), float(rng.uniform(0.5, 3.0))
    h = rng.choice([-0.5, 0.5], 5) if q == 2 else rng.choice([0.0, 0.5], (5, q))
    state = rng.integers(0, q, 5)
    state = 2 * state - 1 if q == 2 else state
    site, clamped = int(rng.integers(5)), state.astype(float)
    clamped[site] = np.nan
    chains = 4000 if JIT else 400
    found = GraphSampler(
        q, n_sweeps=1, burn_in=0, n_chains=chains, temperature=temperature, random_state=seed
    ).fit(J, h, clamped=clamped)
    values = (-1, 1) if q == 2 else range(q)
    energies = np.array([naive.energy(J, h, np.where(np.arange(5) == site, a, state))
                         for a in values])  # fmt: skip
    weights = np.exp(-(energies - energies.min()) / temperature)
    expected = weights / weights.sum()
    spread = np.sqrt(expected * (1.0 - expected) / chains)
    assert np.all(np.abs(found.marginals_[site] - expected) <= ERRORS * spread + 1e-9)
    others = np.arange(5) != site
    assert np.all(found.states_[:, others] == state[others])


# -- what a fit says of its samples ----------------------------------------------------------------


@FEW
@given(seeds, st.sampled_from([2, 4]), st.booleans(), st.integers(1, 3), st.integers(1, 4))
def test_moments_and_energies_are_those_of_the_states(seed, q, real, thin, chains):
    J = couplings(7, seed, real)
    rng = np.random.default_rng(seed)
    h = rng.normal(size=7) if q == 2 else rng.normal(size=(7, q))
    h = h if real else np.rint(h)
    given = {"n_states": q, "burn_in": 2, "thin": thin, "n_chains": chains, "random_state": seed}
    fits = [GraphSampler(n_sweeps=k * thin, **given).fit(J, h) for k in (1, 2, 3)]
    last = fits[-1]
    assert last.n_iter_ == 2 + 3 * thin and last.n_samples_ == 3 * chains
    states = np.concatenate([fit.states_ for fit in fits])
    for row, fit in zip(last.energies_, fits, strict=True):
        np.testing.assert_allclose(
            row, [naive.energy(J, h, state) for state in fit.states_], atol=1e-9
        )
    assert last.best_energy_ == pytest.approx(naive.energy(J, h, last.best_state_))
    assert last.best_energy_ <= last.energies_.min() + 1e-9
    values = (-1, 1) if q == 2 else range(q)
    shares = np.stack([(states == a).mean(axis=0) for a in values], axis=1)
    np.testing.assert_allclose(last.marginals_, shares)
    for i, j in zip(*last.pair_moments_.nonzero(), strict=True):
        pair = states[:, i] * 1.0 * states[:, j] if q == 2 else states[:, i] == states[:, j]
        assert last.pair_moments_[i, j] == pytest.approx(pair.mean())


def test_what_is_not_collected_is_absent():
    J = couplings(6)
    fitted = GraphSampler(n_sweeps=2, collect="pairs").fit(J)
    assert fitted.pair_moments_.nnz == np.count_nonzero(J)
    fitted.set_params(collect="sites").fit(J)
    assert hasattr(fitted, "marginals_") and not hasattr(fitted, "pair_moments_")
    fitted.set_params(collect="none").fit(J)
    assert not hasattr(fitted, "marginals_") and not hasattr(fitted, "magnetization_")
    stored = sp.coo_array(([0.0, 0.0], ([0, 1], [1, 0])), shape=(3, 3)).tocsr()
    assert GraphSampler(n_sweeps=2).fit(stored).pair_moments_.nnz == 2


def test_chains_go_on_from_given_states():
    J = couplings(6)
    start = np.array([1, -1, 1, 1, -1, -1])
    cold = GraphSampler(n_sweeps=1, burn_in=0, temperature=1e-3, n_chains=2)
    found = cold.fit(np.zeros((6, 6)), 0.5 * start, init=-start)
    np.testing.assert_array_equal(found.states_, [start, start])
    assert found.best_energy_ == -3.0
    first = cold.fit(J, init=start)
    assert first.energies_[0, 0] <= naive.energy(J, np.zeros(6), start)


def test_clamped_sites_stay_when_a_fit_resumes_with_other_workers(tmp_path):
    J = np.kron(np.eye(8), 1.0 - np.eye(3))
    clamped = np.full(24, np.nan)
    clamped[::5] = 1.0

    def fails(step):
        if step.epoch == 3:
            raise KeyError("broken off")

    given = {"n_sweeps": 6, "burn_in": 1, "n_chains": 20, "checkpoint": tmp_path / "fit"}
    with pytest.raises(KeyError):
        GraphSampler(**given, n_workers=1, callbacks=fails).fit(J, clamped=clamped)
    model = GraphSampler(**given, n_workers=3, resume_from=tmp_path / "fit")
    model.fit(J, clamped=clamped)
    assert model.n_iter_ == 7 and np.all(model.marginals_[::5, 1] == 1.0)
    free = np.isnan(clamped)
    assert np.all(model.marginals_[free, 0] > 0.0)


# -- annealing -------------------------------------------------------------------------------------


@FEW
@given(seeds)
def test_a_qubo_is_its_ising_model(seed):
    rng = np.random.default_rng(seed)
    Q = np.triu(rng.integers(-3, 4, (6, 6))).astype(float)
    J, h, offset = from_qubo(Q if seed % 2 else sp.csr_array(Q))
    bits = (np.array(naive.exact(np.zeros((6, 6)), np.zeros(6))[0]) + 1) // 2
    values = np.einsum("ai,ij,aj->a", bits, Q, bits)
    for x, value in zip(bits[::7], values[::7], strict=True):
        assert naive.energy(J.toarray(), h, 2 * x - 1) + offset == pytest.approx(value)
    cooling = GraphSampler(
        n_sweeps=60, burn_in=0, n_chains=10, temperature=np.geomspace(4.0, 0.1, 30),
        collect="none", random_state=seed,
    )  # fmt: skip
    assert cooling.fit(J, h).best_energy_ + offset == pytest.approx(values.min())
    W = np.abs(Q + Q.T)
    J, h, offset = from_maxcut(W)
    cuts = [W[np.ix_(s > 0, s < 0)].sum() for s in 2 * bits - 1]
    found = cooling.fit(J, h)
    side = found.best_state_ > 0
    assert -(found.best_energy_ + offset) == pytest.approx(W[np.ix_(side, ~side)].sum())
    assert -(found.best_energy_ + offset) == pytest.approx(max(cuts))


def test_temperatures_share_the_sweeps():
    fitted = GraphSampler(n_sweeps=5, burn_in=2, temperature=[3.0, 1.0]).fit(couplings(4))
    assert [row["temperature"] for row in fitted.history_] == [3.0] * 5 + [1.0] * 2
    together = GraphSampler(n_sweeps=6, burn_in=3, temperature=[3.0, 2.0, 1.0], thin=3)
    rows = together.fit(couplings(4)).history_
    assert [row["temperature"] for row in rows] == [3.0, 2.0, 1.0]
    assert len(together.energies_) == 2


def test_zeros_may_be_stored_on_one_side():
    J = sp.csr_array(([0.0, 1.0, 1.0], ([0, 0, 1], [2, 1, 0])), shape=(3, 3))
    sampler = GraphSampler(n_sweeps=2, n_workers=1).fit(J)
    assert sampler.pair_moments_.nnz == 4
    assert J.nnz == 3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("q", [2, 3])
def test_tiny_temperatures_and_huge_couplings_draw_the_likelier_state(q):
    """Sites 0 to 3 are a chain that aligns; site 4 is free, and has no preference."""
    J = np.diag([1e300, 1e300, 1e300, 0.0], 1)
    states, h = q - 1, np.zeros(5) if q == 2 else np.zeros((5, q))
    sampler = GraphSampler(q, n_sweeps=60, temperature=1e-300, n_workers=1).fit(J + J.T, h)
    assert sampler.best_energy_ == -3e300
    assert (0.0 < sampler.marginals_[4]).all()
    assert states in sampler.states_ or len(np.unique(sampler.states_[0, :4])) == 1


# -- conventions -----------------------------------------------------------------------------------


@pytest.mark.compiles
def test_check_estimator():
    model = GraphSampler(n_sweeps=2, burn_in=1, n_workers=1)
    results = check_estimator(model, on_fail=None, on_skip=None)
    assert {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"} == {}
    assert sum(r["status"] == "passed" for r in results) >= 40


LOPSIDED = np.triu(np.ones((3, 3)), 1)


@pytest.mark.parametrize(
    ("given", "arguments", "says"),
    [
        ({}, (LOPSIDED,), r"J is not symmetric, as at \(0, 1\): give each coupling"),
        ({}, (np.ones((2, 3)),), r"J has shape \(2, 3\): couplings are a square matrix"),
        ({}, (couplings(4), np.zeros(3)), r"h has shape \(3,\): the fields of 4 sites"),
        ({"n_states": 3}, (couplings(4), np.zeros(4)), r"needs a field for every state"),
        ({"temperature": [1.0, 0.0]}, (couplings(4),), "temperature holds 0: temperatures must"),
        ({"n_sweeps": 1, "temperature": [2.0, 1.0]}, (couplings(4),), "from 1 to n_sweeps=1"),
        ({"n_states": 3}, (couplings(4), np.zeros((4, 1))), r"needs a field for every state"),
        ({}, (couplings(4), 1.0), r"h=1.0 is no array: the fields of 4 sites"),
        ({}, (1e308 * (1.0 - np.eye(4)),), "J and h are so large that energies overflow"),
        ({"n_sweeps": 2**31}, (couplings(4),), "fewer than 2.31; raise thin"),
    ],
)  # fmt: skip
def test_bad_input_is_named(given, arguments, says):
    with pytest.raises(ValueError, match=says):
        GraphSampler(**given).fit(*arguments)


def test_bad_states_are_named():
    J = couplings(3)
    for more, says in (
        ({"clamped": [1.0, np.nan]}, r"clamped has shape \(2,\)"),
        ({"clamped": [1.0, np.nan, 0.5]}, "clamped holds 0.5: states are -1 and 1"),
        ({"clamped": {0: 1.0}}, "clamped is no array of numbers"),
        ({"clamped": np.ones(3)}, "clamped fixes every site"),
        ({"init": [0, 1, 1]}, "init holds 0: states are -1 and 1"),
        ({"init": np.ones((5, 3))}, r"init has shape \(5, 3\)"),
    ):
        with pytest.raises(ValueError, match=says):
            GraphSampler(n_sweeps=2).fit(J, **more)
    with pytest.raises(ValueError, match="states are whole numbers from 0 to 2"):
        GraphSampler(3, n_sweeps=2).fit(J, init=[0, 1, 3])


def test_a_fitted_sampler_is_saved_and_loaded(tmp_path):
    fitted = GraphSampler(n_sweeps=3, n_chains=2).fit(couplings(5), np.ones(5))
    fitted.save(tmp_path / "model.npz")
    loaded = GraphSampler.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.states_, fitted.states_)
    assert (loaded.pair_moments_ != fitted.pair_moments_).nnz == 0
