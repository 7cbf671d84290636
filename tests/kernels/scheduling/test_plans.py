"""Planned sweeps: which ids a list has, when it is left, and what follows where all ids matter."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounds import blocks_of, dispatch, flat, make_world, start

from strads.engine import Auto
from strads.kernels.scheduling.plans import (
    ALARM,
    BINS,
    FREQUENT,
    LEAST_VISITS,
    LIST,
    PASSES,
    TURNS,
    WHOLE,
)

# Whole policies, of which the compiler would make a variant for these tests alone. Compiled runs of
# them: tests/engine/schedules/test_adaptive.py.
pytestmark = pytest.mark.compiles

KINDS = {"whole": WHOLE, "list": LIST, "frequencies": FREQUENT}


def policy_of(size, workers=1, least=1, **options):
    """A policy whose leases are whole sweeps of one worker alone, each list swept once."""
    options = {"lease": 200, "micro": 200, **options}
    policy, make = start(Auto("x", **options), make_world(size, workers, look_ahead=0))
    policy.book.settings[LEAST_VISITS] = least
    return policy, make


def squares(gain):
    """The changes that stand for gains."""
    return lambda ids: np.sqrt(2.0 * gain[ids])


def listed_naively(gain, cover):
    """The ids of the bins, from the largest gains down, that make the share of all gains."""
    top = gain.max()
    if top <= 0.0:
        return []
    bins = {j: min(int(math.log2(top / g)), BINS - 1) for j, g in enumerate(gain) if g > 0.0}
    so_far, last = 0.0, -1
    while last < BINS - 1 and so_far < cover * gain[gain > 0.0].sum() * (1.0 - 1e-12):
        last += 1
        so_far += sum(gain[j] for j, b in bins.items() if b == last)
    return [j for j, b in bins.items() if b <= last]


@given(
    st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1e3)), min_size=1, max_size=30),
    st.sampled_from([0.5, 0.9, 0.999]),
    st.sampled_from([0.3, 0.8, 1.0]),
)
def test_a_list_has_what_made_nearly_all_of_the_gain(gain, cover, most):
    gain = np.array(gain)
    policy, make = policy_of(len(gain), cover=cover, most_listed=most)
    whole, _ = dispatch(policy, make, 2, change=squares(gain))
    assert sorted(flat(blocks_of(whole))) == list(range(len(gain)))
    book = policy.book
    told = np.array(book.gain)  # half the squares of the changes, rounded
    expected = listed_naively(told, cover)
    decision = policy.decisions()[1]
    if 0 < len(expected) <= most * len(gain):
        assert decision["kind"] == "list"
        assert decision["visits"] == len(expected)
        assert sorted(book.listed[: len(expected)]) == expected
    else:
        assert decision["kind"] == "whole"


def test_a_list_is_left_when_it_no_longer_pays():
    gain = np.where(np.arange(20) < 4, 1.0, 1e-9)
    policy, make = policy_of(20, worth=0.3)
    for t in range(5):  # the listed ids gain less and less; the mean follows within some sweeps
        dispatch(policy, make, 1, change=squares(gain * 0.02**t))
    kinds = [row["kind"] for row in policy.decisions()]
    assert kinds == ["whole", "list", "list", "list", "whole"]
    rates = [row["gain_before"] for row in policy.decisions()]
    assert np.isclose(rates[1], gain.mean())


def test_a_list_that_goes_on_gaining_is_left_in_the_end():
    gain = np.where(np.arange(20) < 4, 1.0, 1e-9)
    policy, make = policy_of(20)
    dispatch(policy, make, PASSES + 2, change=squares(gain))
    kinds = [row["kind"] for row in policy.decisions()]
    assert kinds == ["whole", *["list"] * PASSES, "whole"]


@pytest.mark.parametrize(("least", "turns"), [(1, 1), (9, 2), (1e9, 5)])
def test_a_short_list_is_swept_several_times_in_a_round(least, turns):
    gain = np.where(np.arange(20) < 4, 1.0, 1e-9)
    policy, make = policy_of(20, least=least)
    leases = dispatch(policy, make, 2 + PASSES // turns, change=squares(gain))
    assert len(flat(blocks_of(leases[1]))) == 4 * turns <= 20
    visited = [row["visits"] for row in policy.decisions() if row["kind"] == "list"]
    assert visited == [4 * turns] * (PASSES // turns)
    assert policy.decisions()[-1]["kind"] == "whole"


def test_a_list_is_swept_at_most_so_many_times_in_a_round():
    policy, make = policy_of(40, least=1e9)
    gain = np.where(np.arange(40) < 1, 1.0, 1e-9)
    leases = dispatch(policy, make, 2, change=squares(gain))
    assert flat(blocks_of(leases[1])).tolist() == [0] * TURNS


def test_what_an_update_costs_decides_how_often_a_list_is_swept():
    def least(costs):
        world = replace(make_world(4, 1, look_ahead=0), costs=costs)
        policy = Auto("x", lease=1000, micro=1000).start(world)
        return policy.book.settings[LEAST_VISITS]

    light, heavy = np.array([10.0, 20.0, 30.0, 20.0]), np.array([1e5, 2e5, 3e5, 2e5])
    assert least(light) == 200.0 and least(heavy) < 1.0
    assert least(None) == least(np.ones(4)) == 128.0


def test_where_all_ids_matter_there_is_no_list():
    policy, make = policy_of(20)
    leases = dispatch(policy, make, 30, change=lambda ids: np.ones(ids.shape))
    kinds = [row["kind"] for row in policy.decisions()]
    assert "list" not in kinds
    assert kinds.count("whole") > kinds.count("frequencies") > 0
    counts = np.bincount(np.concatenate([flat(blocks_of(lease)) for lease in leases]))
    assert np.all(counts == 30)


def test_a_promise_that_grows_is_an_alarm_that_restrains():
    gain = np.ones(20)
    policy, make = policy_of(20, rho=0.2)
    dispatch(policy, make, 2, change=squares(gain))
    dispatch(policy, make, 12, change=squares(gain * (2.0 * ALARM)))
    assert policy.statistics()["alarms"] >= 1
    dispatch(policy, make, 1)
    assert policy.statistics()["rho"] < 0.2
