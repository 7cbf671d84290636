"""The parts of a fit, the model of its time, and the causes of what is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strads.diagnosis.causes import losses_of
from strads.diagnosis.machine import Machine
from strads.diagnosis.trials.parts import Parts, parts_of
from strads.diagnosis.trials.speedup import WORKERS, TimeModel, model_of
from strads.diagnosis.trials.trial import Trial, median, spread

MACHINE = Machine(2, 10**9, 1e10, 1.5e10, 1e-5, 1e-6)
POSITIVE = st.floats(0.001, 10.0)


def run_of(workers, *, deferred=None, error=None):
    """Statistics of a run, as the engine has them."""
    phase = {
        "launches": 4, "seconds": 1.0, "promised": 2.0, "updates": 100,
        "sync_seconds": 0.1, "starved_seconds": 0.2,
    }  # fmt: skip
    processes = {
        f"worker {p}": {
            "seconds": 0.9, "busy_seconds": 0.6, "waiting_seconds": 0.1, "starved_seconds": 0.2,
            "updates": 50,
        }
        for p in range(workers)
    }  # fmt: skip
    schedule = {"rounds": 5, "micro_rounds": 10, "dispatched": 30}
    if deferred is not None:
        schedule["deferred"] = deferred
    run = {
        "workers": workers, "executor": "processes", "seconds": 1.5, "measure_seconds": 0.0,
        "prepare_seconds": {"layout": 0.1, "compile": 0.5, "start": 0.1},
        "phases": {"main": phase}, "processes": processes, "schedules": {"main": schedule},
        "bytes": {"data": {"X": 800}, "derived": {"G": 10**9, "r": 200}},
        "bytes_moved": 64,
    }  # fmt: skip
    return run if error is None else {**run, "parallelisation_error": error}


def test_parts_add_up_to_the_time_of_the_fit():
    parts = parts_of([run_of(2, deferred=10, error=0.5)], 2.5, [{"working_set": 10.0}, {}])
    assert parts.workers == 2
    assert parts.wall == pytest.approx(2.0)  # without compilation
    assert parts.launched == pytest.approx(1.0)
    assert parts.alone == pytest.approx(1.0)
    assert (parts.busy, parts.waiting, parts.starved) == pytest.approx((1.2, 0.1, 0.2))
    assert parts.handing == pytest.approx(0.1)
    assert parts.rejected == pytest.approx(0.25)
    assert parts.error == pytest.approx(0.25)
    assert parts.held == 800 + 200 + 4 * 100  # of the Gram matrix, the working set only
    assert (parts.rounds, parts.moved, parts.steps) == (10, 64, 2)


def test_runs_of_a_fit_are_added():
    one, both = (parts_of([run_of(2)] * k, 3.0 * k, []) for k in (1, 2))
    assert both.busy == pytest.approx(2.0 * one.busy)
    assert both.launched == pytest.approx(2.0 * one.launched)
    assert both.held == one.held


def test_a_serial_run_has_kernels_and_a_leader():
    run = run_of(0) | {"processes": {"leader": {"seconds": 1.0, "busy_seconds": 0.9}}}
    parts = parts_of([run], 2.5, [])
    assert parts.workers == 1
    assert (parts.busy, parts.waiting, parts.handing) == pytest.approx((1.0, 0.0, 0.0))
    assert parts.scheduled == 0.0


def test_the_spread_is_that_of_equal_fits():
    assert spread([Parts(wall=wall) for wall in (3.0, 2.0, 2.5)]) == pytest.approx(0.5)
    assert spread([Parts(wall=1.0)]) == 0.0


def test_the_median_is_one_of_the_fits():
    fits = [Parts(wall=wall) for wall in (3.0, 1.0, 2.0, 9.0)]
    assert median(fits).wall == 2.0


def model(one, two, cores=2):
    return TimeModel(one, two, cores, 0.0, 2.0)


@given(POSITIVE, POSITIVE, POSITIVE, POSITIVE, POSITIVE, POSITIVE)
def test_at_two_workers_the_model_is_the_trial(alone1, busy1, alone2, busy2, waiting, handing):
    one = Parts(alone=alone1, busy=busy1)
    two = Parts(workers=2, alone=alone2, busy=busy2, waiting=waiting, handing=handing)
    times = model(one, two)
    assert times.seconds(1) == pytest.approx(alone1 + busy1)
    assert times.seconds(2) == pytest.approx(alone2 + busy2 / 2 + waiting + handing)


def test_without_costs_the_speed_up_is_the_number_of_workers():
    times = model(Parts(busy=8.0), Parts(workers=2, busy=8.0), cores=64)
    assert [times.speedup(p) for p in WORKERS] == pytest.approx(WORKERS)
    assert times.best() == 64


def test_repeated_work_bounds_the_speed_up():
    times = model(Parts(busy=8.0), Parts(workers=2, busy=10.0), cores=64)
    assert times.repeated == pytest.approx(0.25)
    assert times.speedup(64) == pytest.approx(8.0 / (8.0 * (0.75 / 64 + 0.25)))


def test_workers_share_the_cores_there_are():
    times = model(Parts(busy=8.0), Parts(workers=2, busy=8.0), cores=2)
    assert times.speedup(8) == pytest.approx(2.0)
    assert times.best() == 2


def test_memory_bounds_the_speed_up():
    times = TimeModel(Parts(busy=8.0), Parts(workers=2, busy=8.0), 64, 1.0, 3.0)
    assert times.speedup(64) == pytest.approx(3.0)


def test_a_solver_that_divides_nothing_gains_nothing():
    times = model(Parts(busy=8.0), Parts(workers=1, busy=7.0))
    assert times.speedup(2) == times.speedup(64) == 1.0
    assert times.best() == 1


def test_a_trial_of_a_part_is_scaled_to_the_whole():
    one = Parts(alone=1.0, busy=2.0, steps=2.0)
    two = Parts(workers=2, alone=1.0, busy=2.0, waiting=0.5, handing=0.1, steps=2.0)
    trial = Trial(one, two, 0.5, False, 1, 0.0, 0.0, {})
    times = model_of(trial, MACHINE, 1e9, 20)
    assert times.seconds(1) == pytest.approx(2.0 + 10 * 4.0)
    assert times.seconds(2) == pytest.approx(2.0 + 10 * (2.0 + 1.0 + 0.1))
    assert times.in_memory == pytest.approx(1e9 * 20 / 1e10 / 40.0)


def test_losses_are_those_beyond_the_ideal_time():
    one = Parts(alone=1.0, busy=4.0, scheduled=2.0, updates=100)
    two = Parts(workers=2, alone=1.0, busy=6.0, scheduled=3.0, updates=150, waiting=0.2,
                starved=0.4, handing=0.3, dispatched=75, deferred=25)  # fmt: skip
    losses = losses_of(two, one)
    assert losses.ideal == pytest.approx(2.5)
    assert losses.size == pytest.approx(0.5)
    assert losses.dependence == pytest.approx(1.0 / 2 + 0.25 * 0.4)
    assert losses.movement == pytest.approx(1.0 / 2 + 0.2 + 0.3 + 0.75 * 0.4)
    assert losses.seconds == pytest.approx(
        losses.ideal + losses.size + losses.dependence + losses.movement
    )


@given(*[POSITIVE] * 4)
def test_without_a_fit_of_one_worker_losses_add_up_too(alone, busy, waiting, handing):
    losses = losses_of(Parts(workers=3, alone=alone, busy=busy, waiting=waiting, handing=handing))
    assert losses.size + losses.movement + losses.ideal == pytest.approx(losses.seconds)
    assert 0.0 < losses.efficiency <= 1.0
    assert np.isfinite(losses.seconds)


def test_copies_between_workers_are_movement():
    found = Parts(workers=2, busy=4.0)
    assert losses_of(found, copying=0.5).movement == pytest.approx(0.5)
    assert losses_of(found, copying=0.5).ideal == pytest.approx(1.5)
