"""Parts of multinomial logistic regression, against naive ones in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import entr, logsumexp
from softmaxes import hessian, softmax

from strads import run
from strads.algorithms.linear.multinomial.expansion import EXPANDING, Expansion
from strads.algorithms.linear.multinomial.intercepts import best_intercepts
from strads.algorithms.linear.multinomial.members import FIRST, choose_members
from strads.algorithms.linear.multinomial.program import MultinomialNewton
from strads.algorithms.linear.multinomial.softmax import SoftmaxLoss
from strads.algorithms.linear.solver.gram_form.rounds import GRAM_ROUNDS

seeds = given(seed=st.integers(0, 2**32 - 1))


def drawn(seed, n=7, p=4, classes=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.7)
    y = np.append(np.arange(classes), rng.integers(0, classes, size=n - classes))
    return rng, X, y, rng.choice([0.5, 1.0, 2.0], size=n)


@seeds
def test_loss_and_its_derivatives(seed):
    rng, _, y, _ = drawn(seed)
    f = rng.normal(size=(len(y), 3)) * 10.0 ** rng.integers(-2, 3)
    local = SoftmaxLoss().at(f, y)
    rows = np.arange(len(y))
    np.testing.assert_allclose(local.value, logsumexp(f, axis=1) - f[rows, y], atol=1e-12)
    np.testing.assert_allclose(local.curvature, softmax(f), atol=1e-14)
    np.testing.assert_allclose(local.theta, np.eye(3)[y] - softmax(f), atol=1e-14)
    step = 1e-6 * rng.normal(size=f.shape)
    change = SoftmaxLoss().value(f + step, y) - SoftmaxLoss().value(f - step, y)
    np.testing.assert_allclose(change, -2.0 * (local.theta * step).sum(axis=1), atol=1e-9)


@seeds
def test_dual_is_the_entropy_and_the_conjugate(seed):
    rng, _, y, _ = drawn(seed)
    loss, f = SoftmaxLoss(), 3.0 * rng.normal(size=(len(y), 3))
    local = loss.at(f, y)
    scale = rng.random()
    entropy = entr(np.eye(3)[y] - scale * local.theta).sum(axis=1)
    np.testing.assert_allclose(loss.dual(scale * local.theta, y), entropy, atol=1e-12)
    # Fenchel and Young: φ(f) + φ*(−θ) = −θf at θ = −φ'(f)
    product = (local.theta * f).sum(axis=1)
    np.testing.assert_allclose(local.value - loss.dual(local.theta, y), -product, atol=1e-11)
    assert np.all(loss.dual_error(local.theta, y) > 0.0)


@seeds
def test_best_intercepts(seed):
    rng, _, y, weight = drawn(seed)
    loss, xw = SoftmaxLoss(), 4.0 * rng.normal(size=(len(y), 3))
    b, local = best_intercepts(loss, xw, y, weight, np.zeros(3))
    np.testing.assert_allclose(weight @ local.theta, 0.0, atol=1e-9)
    assert abs(b.sum()) < 1e-9
    found = minimize(lambda b: weight @ loss.value(xw + b, y), np.zeros(3), tol=1e-12)
    assert weight @ local.value <= found.fun + 1e-9


class Expanded(Expansion):
    """Expands the loss at given probabilities, once."""

    phases = {**EXPANDING, "descend": GRAM_ROUNDS}

    def setup(self, rng):
        self.alpha = self.tol = 0.0
        self.carrying[:] = 1

    def cycle(self):
        self.take(self.pairs)
        yield from self.expand(self.probability, self.damping)
        yield "predict"
        used = slice(0, self.count)
        self.found = self.G[used, used].astype(np.float64), self.curvature[used].copy()
        self.predicted = self.predictions[:9].copy()
        self.stop()

    def progress(self):
        return {}


Expanded.phases = {
    name: phase
    for name, phase in MultinomialNewton.phases.items()
    if name not in ("lengths", "score")
}


@pytest.mark.parametrize(
    ("store", "workers"),  # dense X is compiled for this test alone
    [(np.asfortranarray, 1), (sp.csc_array, 1),
     pytest.param(np.asfortranarray, 2, marks=[pytest.mark.processes, pytest.mark.slow]),
     pytest.param(sp.csc_array, 2, marks=pytest.mark.processes)],
)  # fmt: skip
@pytest.mark.parametrize("centred", [0, 1])
def test_expansion(store, centred, workers):
    for seed in range(4):
        rng, X, _, weight = drawn(seed, n=9, p=8)
        pairs = rng.choice(24, size=21, replace=False)  # more than a tile
        probability, w = softmax(2.0 * rng.normal(size=(9, 3))), rng.normal(size=(8, 3))
        program = Expanded(
            X=store(X), classes=3, row_weight=weight, w=w, centred=centred, ridge=0.5
        )
        program.pairs, program.probability, program.damping = pairs, probability, 0.1
        result = run(program, workers=workers, epochs=1, seed=0)
        members = result.state["members"][:21]
        assert set(members) == set(pairs)
        assert np.all(np.diff(members % 3) >= 0)
        H = hessian(X, members, 0.9 * probability + 0.1 / 3, weight)
        expected = H[:21, :21]
        if centred:
            expected = expected - H[:21, 21:] @ np.linalg.pinv(H[21:, 21:]) @ H[21:, :21]
        expected = expected + 0.5 * np.eye(21)
        G, curvature = program.found
        np.testing.assert_allclose(G, expected, atol=1e-5)
        np.testing.assert_allclose(curvature, np.diag(expected), atol=1e-9)
        np.testing.assert_allclose(program.predicted, X @ w, atol=1e-12)
        moved = rng.normal(size=21)
        shift = program.intercepts_moved(moved)
        if centred:  # the best intercepts after the move: no slope is left
            np.testing.assert_allclose(H[21:, :21] @ moved + H[21:, 21:] @ shift, 0.0, atol=1e-9)
        else:
            np.testing.assert_array_equal(shift, 0.0)


class Watched(MultinomialNewton):
    """Keeps what the first full pass has found."""

    def judge(self):
        self.found = {name: self.state[name].copy() for name in ("score", "top", "length")}
        return super().judge()


@seeds
def test_scores(seed):
    rng, X, y, weight = drawn(seed)
    w = rng.normal(size=(4, 3)) * (rng.random((4, 3)) < 0.5)
    program = Watched(
        X=sp.csc_array(X), label=y, row_weight=weight, alpha=0.1, beta=0.2, tol=1e9,
        max_epochs=1, centred=0, w=w,
    )  # fmt: skip
    run(program, workers=1, epochs=2, seed=0)
    theta = np.eye(3)[y] - softmax(X @ w)
    expected = X.T @ (weight[:, None] * theta) - 0.2 * len(y) * w
    np.testing.assert_allclose(program.found["score"], expected, atol=1e-12)
    np.testing.assert_allclose(program.found["top"], np.abs(expected).max(axis=1), atol=1e-12)
    np.testing.assert_allclose(program.found["length"], np.sqrt(weight @ X**2), atol=1e-12)


@seeds
def test_members(seed):
    rng = np.random.default_rng(seed)
    score = rng.normal(size=(60, 5))
    w = rng.normal(size=(60, 5)) * (rng.random((60, 5)) < rng.choice([0.02, 0.5, 0.9]))
    most = int(rng.choice([40, 10**6]))
    chosen = choose_members(score, w, 0.5, 1e-3, most, positive=False)
    assert np.all(np.diff(chosen) > 0)
    held = np.flatnonzero(w)
    violators = np.flatnonzero(np.abs(score) > 0.5)
    room = min(max(FIRST, 2 * len(held)), most)
    assert len(chosen) <= room
    if len(held) <= room:
        assert set(held) <= set(chosen)
        left = np.setdiff1d(violators, chosen)
        added = np.setdiff1d(chosen, held)
        if len(left):  # those left out violate less than those taken
            assert len(chosen) == room
            size = np.abs(score).ravel()
            assert size[left].max() <= size[added].min()
