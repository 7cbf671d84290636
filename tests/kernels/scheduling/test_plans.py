"""Planned sweeps: which ids a list has, when it is left, and what follows where all ids matter."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rounds import blocks_of, dispatch, flat, make_world, start

from strads.engine import Auto
from strads.kernels.scheduling.plans import ALARM, BINS, FREQUENT, LIST, PASSES, WHOLE

KINDS = {"whole": WHOLE, "list": LIST, "frequencies": FREQUENT}


def policy_of(size, workers=1, **options):
    """A policy whose leases are whole sweeps of one worker alone."""
    options = {"lease": 200, "micro": 200, **options}
    return start(Auto("x", **options), make_world(size, workers, look_ahead=0))


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
