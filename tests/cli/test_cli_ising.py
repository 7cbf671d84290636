"""``strads fit ising``: files, output and errors."""

import numpy as np
import pytest
import scipy.sparse as sp
from commands import done, record_of, refused

import strads

RING = sp.csr_array(np.roll(np.eye(6), 1, axis=1) + np.roll(np.eye(6), -1, axis=1))


@pytest.fixture
def path(tmp_path):
    sp.save_npz(tmp_path / "ring.npz", RING)
    return tmp_path / "ring.npz"


def test_a_run_has_the_samples(path, tmp_path):
    np.save(tmp_path / "h.npy", np.full((6, 1), 0.5))
    told = done("fit", "ising", path, "--fields", tmp_path / "h.npy", "--sweeps", 6, "--burn-in", 2,
                "--chains", 3, "--temperature", 2, "--workers", 1, "--seed", 4,
                "--out", tmp_path / "run").stdout  # fmt: skip
    given = {"n_sweeps": 6, "burn_in": 2, "n_chains": 3, "temperature": 2.0, "random_state": 4}
    model = strads.GraphSampler(**given).fit(RING, np.full(6, 0.5))
    saved = strads.GraphSampler.load(tmp_path / "run" / "model.npz")
    np.testing.assert_array_equal(saved.states_, model.states_)
    for name in ("energies", "marginals", "best_state"):
        found = np.load(tmp_path / "run" / f"{name}.npy")
        np.testing.assert_array_equal(found, getattr(model, f"{name}_"))
    assert record_of(tmp_path / "run")["best_energy"] == model.best_energy_
    assert "6 sites, 6 couplings" in told and "best energy" in told


@pytest.mark.parametrize(("problem", "best"), [("maxcut", 6.0), ("qubo", 0.0)])
def test_other_problems_are_taken_as_they_are(path, tmp_path, problem, best):
    told = done("fit", "ising", path, "--problem", problem, "--sweeps", 40, "--chains", 4,
                "--temperature", 3, "--final-temperature", 0.1, "--collect", "none", "--quiet",
                "--workers", 1, "--out", tmp_path / "run").stdout  # fmt: skip
    assert f"{best:g}" in told
    state = np.load(tmp_path / "run" / "best_state.npy")
    x = state if problem == "qubo" else (state + 1) // 2
    value = x @ RING @ x if problem == "qubo" else 2 * x @ RING @ (1 - x) / 2
    assert value == best and set(state) <= ({0, 1} if problem == "qubo" else {-1, 1})


def test_bad_options_are_named(path):
    for options, says in (
        (("--problem", "sat"), "--problem sat: it must be one of ising, qubo, maxcut"),
        (("--problem", "qubo", "--states", 3), "--problem qubo has two states"),
        (("--final-temperature", 0), "--final-temperature 0.0: it must be above 0"),
        (("--states", 1), "states"),
    ):
        refused("fit", "ising", path, *options, says=says)
