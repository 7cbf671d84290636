"""Adaptive frequencies: how visits are spread over ids, and what is learnt from gains."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rounds import make_world

from strads.engine import AdaptiveFrequency
from strads.kernels.random import fold, uniform
from strads.kernels.scheduling.clearance import KEY
from strads.kernels.scheduling.frequencies import (
    GOLDEN,
    LEAST,
    MOST,
    RATE,
    SWEPT,
    observe_gains,
    shuffle,
    spread,
)


def new_book(size, workers=1, seed=0):
    """An empty book, as a policy of one id at a time has it; the policy itself is not compiled."""
    schedule = AdaptiveFrequency("x", lease=8, micro=8)
    return schedule.policy.new_book(make_world(size, workers, seed=seed, look_ahead=0), schedule)


def spread_naively(preference, rest, d):
    """The visits of a sweep in the order of the ids, in Python floats."""
    so_far, visits = 0.0, []
    total = 0.0
    for p in preference:
        total += float(p)
    for i, p in enumerate(preference):
        so_far += float(p)
        end = d if i == len(preference) - 1 else min(int(d * (so_far / total) + rest), d)
        visits += [i] * (end - len(visits))
    return visits


preferences = st.lists(st.floats(LEAST, MOST), min_size=1, max_size=40)


@given(preferences, st.integers(0, 10_000), st.integers(1, 3))
def test_a_sweep_has_each_share_rounded_up_or_down(preference, sweep, times):
    n, d = len(preference), times * len(preference)
    book = new_book(d)
    book.preference[:n] = preference
    book.queue[SWEPT, 0] = sweep
    spread(book, 0, np.arange(n), d)
    turns = sweep * GOLDEN
    assert book.visits.tolist() == spread_naively(preference, turns - math.floor(turns), d)
    counts = np.bincount(book.visits, minlength=n)
    shares = d * book.preference[:n] / sum(preference)
    assert counts.sum() == d
    assert np.all(counts >= np.floor(shares - 1e-9))
    assert np.all(counts <= np.ceil(shares + 1e-9))


def test_small_shares_add_up_to_a_visit():
    book = new_book(40)
    book.preference[:] = MOST
    book.preference[7] = LEAST
    seen = []
    for sweep in range(2000):
        book.queue[SWEPT, 0] = sweep
        spread(book, 0, np.arange(40), 40)
        seen += [sweep] if 7 in book.visits else []
    assert np.diff([0, *seen]).max() < 3 * MOST / LEAST


@given(st.integers(0, 30), st.integers(0, 2**31), st.integers(0, 100))
def test_a_shuffle_is_the_one_of_fisher_and_yates(n, seed, sweep):
    book = new_book(max(n, 1), seed=seed)
    book.visits[:n] = np.arange(n)
    book.queue[SWEPT, 0] = sweep
    key = np.uint64(fold(book.counts[KEY], sweep))
    expected = list(range(n))
    for k in range(n - 1, 0, -1):
        i = int(uniform(key, 0, k) * (k + 1))
        expected[k], expected[i] = expected[i], expected[k]
    shuffle(book, 0, n)
    assert book.visits[:n].tolist() == expected


class Twin:
    """Preferences and mean gain of one worker, by the rule as it is written."""

    def __init__(self, d):
        self.preference, self.mean, self.seen, self.d = [1.0] * d, 0.0, 0, d

    def learn(self, j, gain):
        g = gain if 0.0 <= gain < math.inf else 0.0
        self.seen += 1
        if self.seen <= self.d:
            self.mean += (g - self.mean) / self.seen
            return
        if self.mean > 0.0:
            with np.errstate(over="ignore"):
                grown = self.preference[j] * np.exp(RATE * (g / self.mean - 1.0))
            self.preference[j] = min(max(grown, LEAST), MOST)
        self.mean += (g - self.mean) / self.d


gains = st.one_of(st.floats(0, 10), st.sampled_from([0.0, -1.0, np.inf, np.nan, 1e200]))


@given(st.integers(1, 12), st.data())
def test_preferences_follow_the_rule(d, data):
    book, twin = new_book(d), Twin(d)
    for _ in range(4):
        ids = data.draw(st.lists(st.integers(0, d - 1), min_size=1, max_size=8))
        made = np.array([data.draw(gains) for _ in ids])
        with np.errstate(over="ignore"):
            observe_gains(book, np.array([ids]), np.array([[0, len(ids)]]), made[None, :], 1)
        for j, g in zip(ids, made, strict=True):
            twin.learn(j, g)
    np.testing.assert_allclose(book.preference, twin.preference, rtol=1e-12)
    np.testing.assert_allclose(book.mean[0], twin.mean, rtol=1e-12)
    assert np.all((book.preference >= LEAST) & (book.preference <= MOST))
