"""Kernels of supervised topic models: factors, draws with them, and the weights of labels."""

import naive_supervised as twin
import naive_topics as naive
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, invgauss, kstest, norm

from strads.kernels.lanes import LANES, padded
from strads.kernels.topics import dense
from strads.kernels.topics.groups import sum_groups
from strads.kernels.topics.lists import PAIRS, Lists, add_topic
from strads.kernels.topics.supervised.exponents import (
    DEEPEST,
    Exponents,
    expect_label,
    move_token,
    raise_factors,
)
from strads.kernels.topics.supervised.normals import inverse_gaussian, normal
from strads.kernels.topics.supervised.posterior import add_document, begin_posterior, draw_weights
from strads.kernels.topics.supervised.separation import (
    add_counts,
    add_list,
    dual_step,
    measure_counts,
    measure_list,
    score_counts,
    score_list,
)
from strads.kernels.topics.supervised.tilt import (
    Tilt,
    draw_among_all,
    draw_tilted,
    drop_tilted,
    factor_of,
    tilt_document,
)

JIT = not numba.config.DISABLE_JIT
DRAWS = 6000 if JIT else 300
FEW = settings(max_examples=min(settings.default.max_examples, 12))
#: Ways to draw. Those from lists take the compiler long: they are compiled in whole programs.
DRAWN = [
    "dense",
    *(pytest.param(way, marks=pytest.mark.compiles) for way in ("sparse", "among_all")),
]
seeds = st.integers(0, 2**32 - 1)


# -- random numbers --------------------------------------------------------------------------------


def test_normal_numbers():
    found = [normal(5, t, t % 3) for t in range(DRAWS)]
    assert kstest(found, norm.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("mean", "shape"), [(0.02, 0.6), (1.5, 0.6), (40.0, 0.6)])
def test_inverse_gaussian_numbers(mean, shape):
    found = [inverse_gaussian(mean, shape, 7, t) for t in range(DRAWS)]
    assert kstest(found, invgauss(mu=mean / shape, scale=shape).cdf).pvalue > 1e-3


def test_an_infinite_mean_is_the_limit_of_large_ones():
    near = [inverse_gaussian(1e12, 0.6, 7, t) for t in range(20)]
    np.testing.assert_allclose([inverse_gaussian(np.inf, 0.6, 7, t) for t in range(20)], near, 1e-3)


# -- exponents -------------------------------------------------------------------------------------


@FEW
@given(seed=seeds, topics=st.sampled_from([1, 3, 20]), labels=st.integers(1, 3))
def test_exponents_follow_the_tokens(seed, topics, labels):
    rng = np.random.default_rng(seed)
    n_d = rng.integers(0, 3, topics)
    n_d[0] += 1
    length = int(n_d.sum())
    signs, pulls = rng.choice([-1.0, 1.0], labels), rng.uniform(0.01, 2.0, labels)
    coef = rng.normal(size=(labels, topics))
    wide = naive.widened(coef, np.float32)
    given = Exponents(np.zeros((2, wide.shape[1]), np.float32), np.zeros((2, labels), np.float32),
                      wide)  # fmt: skip
    for y in range(labels):
        score = float(coef[y] @ n_d)
        expect_label(given, 1, y, signs[y], pulls[y], score, length, 1.5, 2.0, topics)
    expected = twin.exponents(n_d, signs, pulls, coef, 1.5, 2.0)
    np.testing.assert_allclose(given.values[1, :topics], expected, rtol=1e-4, atol=1e-4)
    # One token leaves and another one enters; the length of the document stays what it was.
    move_token(given, 1, 0, -1)
    move_token(given, 1, topics - 1, 1)
    moved = n_d.copy()
    moved[0] -= 1
    moved[-1] += 1
    expected = twin.exponents(moved, signs, pulls, coef, 1.5, 2.0)
    np.testing.assert_allclose(given.values[1, :topics], expected, rtol=1e-4, atol=1e-4)
    assert not given.values[0].any()


def test_factors_are_never_zero():
    values = naive.widened(np.array([[0.0, 3.0, -500.0]]), np.float32)
    factors = np.zeros((2, 16), np.float32)
    raise_factors(values, 0, factors, 1, 3)
    np.testing.assert_allclose(factors[1, :3], np.exp([-3.0, 0.0, -DEEPEST]), rtol=1e-6)
    assert not factors[0].any()
    assert not factors[1, 3:].any()


# -- draws -----------------------------------------------------------------------------------------


class Document:
    """A document with topics, factors, and a word whose token is to be drawn."""

    def __init__(self, seed, topics, scale=1.0):
        rng = np.random.default_rng(seed)
        self.topics = topics
        self.n_d = rng.integers(0, 4, topics) * (rng.random(topics) < 0.5)
        self.q = rng.uniform(0.01, 1.0, topics).astype(np.float32)
        self.alpha = rng.uniform(0.2, 1.5, topics).astype(np.float32)
        self.slopes = scale * rng.normal(size=(1, 2)).astype(np.float32)
        self.coef = rng.normal(size=(2, topics)).astype(np.float32)
        exponents = (self.slopes @ self.coef)[0].astype(np.float64)
        self.factors = np.exp(exponents - exponents.max())
        self.law = twin.token_law(self.n_d, self.q, self.alpha, self.factors)
        self.wide = {name: naive.widened(getattr(self, name), np.float32)
                     for name in ("q", "alpha", "factors")}  # fmt: skip

    def lists(self):
        """Return a list of the topics, and what is kept of the factors."""
        vectors = padded(self.topics) // LANES
        lists = Lists(np.zeros(1, np.int64), np.zeros(1, np.int32),
                      np.zeros((vectors, PAIRS), np.uint16))  # fmt: skip
        for k in np.repeat(np.arange(self.topics), self.n_d):
            add_topic(lists, 0, k)
        tilt = Tilt(
            np.zeros((vectors, LANES), np.float32), np.zeros((1, LANES), np.uint16),
            np.zeros((1, LANES), np.float32), np.zeros(1, np.float32), self.slopes,
            np.array([[0, 1]], np.uint16), np.array([2], np.int32),
            naive.widened(self.coef, np.float32), np.zeros((vectors + 1, LANES), np.float32),
            np.zeros((3, LANES)),
        )  # fmt: skip
        work = np.zeros_like(self.wide["q"])
        tilt_document(lists, tilt, 0, self.wide["alpha"], work, self.topics)
        return lists, tilt

    def dense(self):
        """Draw topics by dense counts."""
        counts = naive.widened(self.n_d, np.uint16)
        sums = np.zeros((padded(self.topics) // LANES, LANES), np.float32)
        for t in range(DRAWS):
            u = dense.uniform(3, t)
            yield dense.draw_topic(self.wide["q"], counts, 0, self.wide["alpha"], sums, u,
                                   self.topics, self.wide["factors"], 0)  # fmt: skip

    def sparse(self):
        """Draw topics by a list, from which each is taken again."""
        lists, tilt = self.lists()
        vectors = padded(self.topics) // LANES
        groups, sums = np.zeros((1, padded(vectors)), np.float32), np.zeros_like(tilt.sums)
        smooth = sum_groups(self.wide["q"], self.wide["alpha"], groups)
        for t in range(DRAWS):
            k = draw_tilted(self.wide["q"], lists, tilt, 0, self.wide["alpha"], groups, smooth,
                            sums, 3, t, self.topics)  # fmt: skip
            yield k
            drop_tilted(lists, tilt, 0, k)

    def among_all(self):
        """Draw topics by the factors of all topics; those of the list as well."""
        _, tilt = self.lists()
        factors = np.array([factor_of(tilt, 0, k) for k in range(self.topics)])
        own = (self.n_d * self.q * factors).sum()
        listed = np.random.default_rng(0)
        share = self.n_d * self.q * factors
        for t in range(DRAWS):
            k = draw_among_all(self.wide["q"], tilt, 0, self.wide["alpha"], own,
                               dense.uniform(3, t), self.topics)  # fmt: skip
            yield k if k >= 0 else listed.choice(self.topics, p=share / own)


@pytest.mark.parametrize("draws", DRAWN)
@pytest.mark.parametrize(("topics", "scale"), [(1, 1.0), (2, 1.0), (17, 0.0), (40, 1.0), (40, 4.0)])
def test_draws_have_the_law_of_the_twin(draws, topics, scale):
    document = Document(topics, topics, scale)
    found = np.bincount([*getattr(document, draws)()], minlength=topics)
    expected = document.law * found.sum()
    rare = expected < 5.0
    assert found[expected < 1e-6 * found.sum()].sum() == 0
    merged = [np.r_[each[~rare], each[rare].sum()] for each in (found, expected)]
    if not rare.any():
        merged = [each[:-1] for each in merged]
    if len(merged[0]) > 1:
        assert chisquare(*merged).pvalue > 1e-3


@pytest.mark.compiles
@FEW
@given(seed=seeds, topics=st.sampled_from([1, 2, 16, 17, 40]))
def test_lists_keep_the_factors_of_their_topics(seed, topics):
    document = Document(seed, topics, 2.0)
    lists, tilt = document.lists()
    exponents = (document.slopes @ document.coef)[0]
    order = np.argsort(-exponents, kind="stable")
    size = min(LANES, topics - 1)
    assert tilt.peaks[0, :size].tolist() == order[:size].tolist()
    assert tilt.reference[0] == pytest.approx(exponents[order[size]], abs=1e-5)
    expected = document.alpha[order[:size]] * np.expm1(exponents[order[:size]] - tilt.reference[0])
    np.testing.assert_allclose(tilt.excess[0, :size], expected, rtol=1e-3, atol=1e-5)
    assert not tilt.excess[0, size:].any()
    present = [k for k in range(topics) if document.n_d[k] > 0]
    for k in np.random.default_rng(seed).permutation(present):
        for _ in range(document.n_d[k]):
            drop_tilted(lists, tilt, 0, k)
        n = lists.length[0]
        listed = lists.pairs[:, :LANES].ravel()[:n]
        kept = tilt.factors.ravel()[:n]
        np.testing.assert_allclose(kept, [factor_of(tilt, 0, i) for i in listed], rtol=1e-5)
    assert lists.length[0] == 0


# -- weights of labels -----------------------------------------------------------------------------


@FEW
@given(seed=seeds, topics=st.sampled_from([2, 20]))
def test_both_kinds_of_counts_agree(seed, topics):
    rng = np.random.default_rng(seed)
    n_d = rng.integers(0, 3, topics)
    n_d[-1] += 1
    counts = naive.widened(n_d, np.uint16)
    rows = padded(topics) // LANES
    lists = Lists(np.zeros(1, np.int64), np.zeros(1, np.int32), np.zeros((rows, PAIRS), np.uint16))
    for k in np.repeat(np.arange(topics), n_d):
        add_topic(lists, 0, k)
    coef = rng.normal(size=(2, topics))
    one, other = (naive.widened(coef, np.float32) for _ in range(2))
    for found in (measure_counts(counts, 0), measure_list(lists, 0)):
        assert found == (n_d.sum(), n_d @ n_d)
    for found in (score_counts(counts, 0, one, 1), score_list(lists, 0, one, 1)):
        assert found == pytest.approx(coef[1] @ n_d, rel=1e-4, abs=1e-4)
    add_counts(counts, 0, 0.3, one, 1)
    add_list(lists, 0, 0.3, other, 1)
    coef[1] += 0.3 * n_d
    for found in (one, other):
        np.testing.assert_allclose(found[:, :topics], coef, rtol=1e-4, atol=1e-4)


@FEW
@given(seed=seeds, cost=st.sampled_from([0.1, 5.0]))
def test_a_step_is_the_best_of_its_dual_variable(seed, cost):
    rng = np.random.default_rng(seed)
    shares, signs = rng.dirichlet(np.ones(3), 6), rng.choice([-1.0, 1.0], 6)
    lengths = rng.integers(1, 9, 6).astype(float)
    n = shares * lengths[:, None]
    a = rng.uniform(0.0, cost, 6)
    score = float(n[2] @ (shares.T @ (a * signs)))
    a[2] = dual_step(a[2], score, signs[2], lengths[2], float(n[2] @ n[2]), cost, 2.0)
    best = twin.dual(shares, signs, a, 2.0)
    for other in np.clip(a[2] + np.array([-1e-3, 1e-3, -0.1, 0.1]), 0.0, cost):
        changed = a.copy()
        changed[2] = other
        assert twin.dual(shares, signs, changed, 2.0) <= best + 1e-9


@FEW
@given(seed=seeds, topics=st.integers(1, 5))
def test_weights_are_drawn_from_their_posterior(seed, topics):
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 4, (6, topics))
    curvature, slope = rng.uniform(0.1, 2.0, 6), rng.normal(size=6)
    precision, linear = np.empty((topics, topics)), np.empty(topics)
    counts = naive.widened(n, np.uint16)
    begin_posterior(precision, linear)
    listed = np.zeros(topics, np.int64)
    for d in range(6):
        add_document(counts, d, curvature[d], slope[d], precision, linear, listed)
    P, v = np.eye(topics) + (n.T * curvature) @ n, n.T @ slope
    coef = np.zeros((3, padded(topics)), np.float32)
    draw_weights(precision, linear, coef, 2, 11)
    noise = np.array([normal(11, 2 * topics + i) for i in range(topics)])
    # L⁻ᵀε has the covariance P⁻¹ if P = LLᵀ.
    expected = np.linalg.solve(P, v) + np.linalg.solve(np.linalg.cholesky(P).T, noise)
    np.testing.assert_allclose(coef[2, :topics], expected, rtol=1e-4, atol=1e-4)
    assert not coef[:2].any()
