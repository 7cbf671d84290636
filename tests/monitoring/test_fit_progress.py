"""The state of a fit, folded from its events, and the time that it will still take."""

import copy
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from told import BEGUN, EVENTS, WILD, begin, converging, detail, row, step

from strads.monitoring import Progress, decode_event, encode_event
from strads.monitoring.live.course import LIMIT, Course, Sample, time_left
from strads.monitoring.live.run_state import SPENT


def folded(events):
    state = Progress()
    for one in events:
        state.add(one)
    return state


def last_fit(events):
    """Return the events since the last fit began."""
    begins = [k for k, one in enumerate(events) if one["event"] == "fit"]
    return events[begins[-1] :] if begins else events


def course(certificates, *, seconds=None):
    known = Course()
    for k, certificate in enumerate(certificates, start=1):
        at = float(k) if seconds is None else seconds[k - 1]
        known.add(Sample(k, at, 1000.0 * k, certificate))
    return known


# -- any events ------------------------------------------------------------------------------------


@given(events=EVENTS, now=st.floats(0, 4e9))
def test_events_in_any_order_are_taken(events, now):
    state = folded(events)
    kinds = [one["event"] for one in last_fit(events)]
    assert state.ended == ("fit_end" in kinds)
    assert state.death_count == kinds.count("death")
    estimate = state.left(now)
    assert estimate.reason
    assert estimate.seconds is None or 0.0 <= estimate.seconds < math.inf
    if state.run is not None:
        for shares in state.run.shares.values():
            assert shares.keys() == SPENT.keys()
            assert all(one >= 0.0 for one in shares.values())
            assert sum(shares.values()) <= 1.0 + 1e-9


@given(events=WILD)
def test_values_that_are_anything_are_taken(events):
    folded(events).left(BEGUN)


@given(events=EVENTS)
def test_what_nobody_knows_changes_nothing(events):
    known = [one for one in events if one["event"] not in ("something new", "visits")]
    plain = [{k: v for k, v in one.items() if k != "a new key"} for one in known]
    times = [one["time"] for one in last_fit(events)]
    state, other = folded(events), folded(plain)
    assert (state.begun, state.latest) == (min(times, default=None), max(times, default=None))
    for one in (state, other):
        one.begun = one.latest = None
    assert seen(state) == seen(other)


def seen(state):
    """All that is known, as something that can be compared."""
    known = copy.deepcopy(vars(state))
    known["_runs"] = {n: repr(one.course.steps.samples()) for n, one in known["_runs"].items()}
    run = {k: v for k, v in vars(known["run"]).items() if k != "course"} if known["run"] else None
    return repr({**known, "run": run})


def test_events_that_went_through_a_file_say_the_same():
    events = [*converging(), step(8, math.inf), row("fit_end", 9, verdict="ended", error=None)]
    assert seen(folded(decode_event(encode_event(one)) for one in events)) == seen(folded(events))


# -- what is known ---------------------------------------------------------------------------------


def test_a_fit_as_it_goes_on():
    state = folded(converging())
    run = state.run
    assert (state.estimator, run.program, run.workers, run.step) == ("Lasso", "LassoProgram", 2, 7)
    assert (run.certificate, run.first_certificate, state.bound) == (1e-7, 0.1, 1e-6)
    assert (run.updates, run.course.rate()) == (7_000_000, pytest.approx(1e6))
    assert run.active == {"descend": 1200}
    assert run.bytes == {"data": 3e8, "variable": 1e6}
    assert run.shares["worker 1"] == pytest.approx(dict(busy=0.6, waiting=0.2, scheduling=0.1))


def test_shares_are_of_the_time_since_the_last_detail():
    def spent(busy, waiting):
        return {"worker 0": {"busy_seconds": busy, "waiting_seconds": waiting}}

    events = [*begin(), step(1, 1.0), detail(1, spent(1.0, 0.0)), step(3, 0.5)]
    state = folded([*events, detail(3, spent(1.5, 1.0))])
    assert state.run.shares["worker 0"] == pytest.approx(
        dict(busy=0.25, waiting=0.5, scheduling=0.0)
    )


def test_the_scheduler_of_one_process_is_told_apart():
    row = {"seconds": 1.0, "busy_seconds": 0.75, "scheduling_seconds": 0.25}
    state = folded([*begin(), step(1, 1.0), detail(1, {"leader": row})])
    assert state.run.shares["leader"] == dict(busy=0.75, waiting=0.0, scheduling=0.25)


def test_a_run_begins_anew():
    state = folded([*converging(), *begin(run=1, tol=None)[1:], step(1, 0.5, run=1)])
    assert (state.runs, state.run.number, state.run.step) == (2, 1, 1)
    assert state.bound == 1e-6  # that of the fit
    assert state.run.shares == {}


def test_a_fit_begins_anew():
    ended = [*converging(), row("fit_end", 8, verdict="certified", error=None)]
    state = folded([*ended, *begin(20), step(1, 0.5, seconds=21)])
    assert (state.ended, state.verdict, state.runs, state.run.step) == (False, "", 1, 1)
    assert state.begun == BEGUN + 20


def test_a_death_is_told_in_words():
    death = dict(run=0, process="worker 1", pid=33, exit_code=None, phase="descend", last_round=3)
    state = folded([*begin(), row("death", 1, **death, signal=9, seconds=0.25)])
    assert state.deaths == [
        "worker 1 (pid 33) ended by SIGKILL in phase descend; replaced after 0.25 s"
    ]
    other = {**death, "signal": None, "exit_code": 3, "phase": None}
    assert folded([row("death", 1, **other)]).deaths == [
        "worker 1 (pid 33) ended with exit code 3; replaced"
    ]


def test_text_cannot_move_the_cursor():
    state = folded([row("warning", 0, message="a\x1b[2Jb\nc\ud800")])
    assert state.warnings == ["a [2Jb c "]


# -- the time that is left -------------------------------------------------------------------------


@given(
    rate=st.floats(0.1, 5.0), count=st.integers(3, 400), start=st.floats(-3.0, 3.0),
    beyond=st.floats(0.1, 50.0),
)  # fmt: skip
def test_a_certificate_that_falls_evenly_is_foretold(rate, count, start, beyond):
    logs = [start - rate * 0.1 * k for k in range(count)]
    known = course([math.exp(x) for x in logs], seconds=[0.1 * k for k in range(count)])
    target = math.exp(logs[-1] - rate * beyond)
    estimate = time_left(known, target=target, epochs=None, budget=None)
    assert (estimate.reason, estimate.at_most) == ("certificate", False)
    assert estimate.seconds == pytest.approx(beyond, rel=1e-6)


def test_the_slope_is_that_of_the_last_steps():
    slow = [0.5**k for k in range(20)]
    quick = [slow[-1] * 1e-1**k for k in range(1, 31)]
    estimate = time_left(course([*slow, *quick]), target=quick[-1] / 1e5, epochs=None, budget=None)
    assert estimate.seconds == pytest.approx(5.0, rel=1e-3)


@pytest.mark.parametrize(
    ("certificates", "limits", "expected"),
    [
        # Whichever is first.
        ([1, 0.1, 0.01], dict(target=1e-6, epochs=5), (2.0, "epochs", False)),
        ([1, 0.1, 0.01], dict(target=1e-6, budget=1.5), (1.5, "max_seconds", False)),
        ([1, 0.1, 0.01], dict(target=0.02), (0.0, "certificate", False)),
        # No target, or one that is no positive number.
        ([math.nan] * 3, dict(epochs=10), (7.0, "epochs", False)),
        ([1, 0.1, 0.01], dict(target=0.0, epochs=10), (7.0, "epochs", False)),
        ([math.nan] * 3, {}, (None, "nothing bounds the run", False)),
        # The certificate cannot tell.
        ([1, 0.1], dict(target=1e-6, epochs=100_000), (None, "too few steps yet", False)),
        ([1, 0.1], dict(target=1e-6, budget=9.0), (9.0, "max_seconds", True)),
        ([], dict(target=1e-6), (None, "too few steps yet", False)),
        ([1, 1, 1], dict(target=1e-6), (None, "the certificate does not fall", False)),
        ([1, 2, 4], dict(target=1e-6, epochs=10), (7.0, "epochs", True)),
        (
            [1, 0.1, 0.01, math.inf],
            dict(target=1e-6),
            (None, "the certificate does not fall", False),
        ),
        # Steps without a certificate do not hide those before.
        ([1, 0.1, 0.01, math.nan], dict(target=1e-3), (1.0, "certificate", False)),
    ],
)
def test_which_end_comes_first(certificates, limits, expected):
    known = {"target": None, "epochs": None, "budget": None, **limits}
    estimate = time_left(course(certificates), **known)
    seconds, reason, at_most = expected
    assert (estimate.reason, estimate.at_most) == (reason, at_most)
    assert estimate.seconds == (None if seconds is None else pytest.approx(seconds))


def test_a_budget_counts_from_the_begin_of_the_fit():
    state = folded([row("fit", 0, estimator="NMF", max_seconds=60.0), *begin(5, tol=None)[1:]])
    estimate = state.left(BEGUN + 20.0)
    assert (estimate.seconds, estimate.reason) == (40.0, "max_seconds")


@given(count=st.integers(1, 5000))
def test_few_steps_are_kept_of_many(count):
    known = course([1.0 / k for k in range(1, count + 1)])
    steps = [one.step for one in known.steps.samples()]
    assert len(steps) <= LIMIT + 1
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (1, count)


def test_rates_of_updates_over_a_run():
    known = Course()
    for k in range(21):  # slow at first, quick in the second half
        known.add(Sample(k + 1, float(k), 10.0 * k if k <= 10 else 100.0 + 90.0 * (k - 10), 1.0))
    assert known.rates(4) == pytest.approx([10.0, 10.0, 90.0, 90.0])
    assert known.rate() == pytest.approx(90.0)
