"""Boltzmann machines: the model whose moments are those of the data."""

import naive_sampling as naive
import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from strads import BoltzmannMachine

pytestmark = pytest.mark.usefixtures("shared_engine")
J = np.array([[0.0, 0.8, 0.0, 0.0], [0.8, 0.0, -0.6, 0.0], [0.0, -0.6, 0.0, 0.5],
              [0.0, 0.0, 0.5, 0.0]])  # fmt: skip
H = np.array([0.3, 0.0, -0.4, 0.2])


def data(samples=1500):
    states, _, p = naive.exact(J, H)
    return states[np.random.default_rng(0).choice(len(states), size=samples, p=p)]


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("method", "sweeps"),
    [("persistent", 1), pytest.param("contrastive", 4, marks=pytest.mark.slow)],
)
def test_moments_of_the_model_are_those_of_the_data(method, sweeps):
    X = data()
    machine = BoltzmannMachine(
        J, method=method, n_sweeps=sweeps, n_chains=1500, max_iter=300, learning_rate=0.2
    ).fit((X + 1) // 2)
    found = machine.couplings_.toarray()
    assert np.array_equal(found != 0, J != 0) and np.array_equal(found, found.T)
    states, _, p = naive.exact(found, machine.fields_)
    model = np.einsum("a,ai,aj->ij", p, states, states)
    np.testing.assert_allclose(model[J != 0], (X.T @ X / len(X))[J != 0], atol=0.05)
    np.testing.assert_allclose(p @ states, X.mean(axis=0), atol=0.05)
    assert machine.history_[-1]["mismatch"] < machine.history_[0]["mismatch"]


def test_a_penalty_shrinks_couplings_and_scores_tell_models_apart():
    X = data(200)
    given = {"n_chains": 50, "max_iter": 40, "learning_rate": 0.3}
    plain, shrunk = (BoltzmannMachine(J, l2=l2, **given).fit(X) for l2 in (0.0, 1.0))
    assert np.abs(shrunk.couplings_.data).sum() < np.abs(plain.couplings_.data).sum()
    energies = [naive.energy(plain.couplings_.toarray(), plain.fields_, x) for x in X[:5]]
    np.testing.assert_allclose(plain.energy(X[:5]), energies)
    assert plain.score(X) > plain.score(-X)
    states, _, p = naive.exact(plain.couplings_.toarray(), plain.fields_)
    at = {tuple(s): np.log(q) for s, q in zip(states, p, strict=True)}
    expected = 0.0  # of the first sample: Σ ln p(s_i | the others)
    for i in range(4):
        other = X[0].copy()
        other[i] *= -1
        expected -= np.log1p(np.exp(at[tuple(other)] - at[tuple(X[0])]))
    assert plain.score_samples(X[:1])[0] == pytest.approx(expected)


@pytest.mark.compiles
def test_check_estimator():
    model = BoltzmannMachine(max_iter=2, n_chains=3, n_workers=1)
    results = check_estimator(model, on_fail=None, on_skip=None)
    assert {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"} == {}
    assert sum(r["status"] == "passed" for r in results) >= 35


def test_graphs_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"graph has shape \(4, 4\), but X has 3 features"):
        BoltzmannMachine(J).fit(data(9)[:, :3])
    with pytest.raises(ValueError, match="'binarize'"):
        BoltzmannMachine(binarize=np.nan).fit(np.ones((3, 2)))
    with pytest.raises(ValueError, match="graph is not symmetric"):
        BoltzmannMachine(np.triu(J)).fit(data(9))
