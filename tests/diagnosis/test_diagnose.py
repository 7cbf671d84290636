"""``strads.diagnose`` and ``strads.diagnose_run``: what they return, and what they refuse."""

import dataclasses
import json
import math

import numpy as np
import pytest
import scipy.sparse as sp

import strads
from strads.diagnosis import machine
from strads.diagnosis.dependence import Dependence
from strads.diagnosis.finished import judge_run
from strads.diagnosis.machine import Machine
from strads.diagnosis.size import Size, standard_deviations
from strads.diagnosis.trials.parts import Parts
from strads.diagnosis.trials.problems import problem_of
from strads.diagnosis.trials.speedup import TimeModel
from strads.diagnosis.verdict import judge
from strads.engine import DataError

BUDGET = {"seconds": 0.2}


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    """A machine that nobody measures, so that no test depends on how busy this one is."""
    known = Machine(2, 10**10, 1e10, 1.5e10, 1e-5, 1e-6)
    monkeypatch.setattr("strads.diagnosis.diagnose.measure_machine", lambda: known)
    monkeypatch.setattr("strads.diagnosis.trials.trial.MOST_PAIRS", 1)
    return known


@pytest.fixture
def regression():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 90))
    return X, X[:, :4].sum(axis=1) + 0.1 * rng.normal(size=60)


@pytest.fixture
def stars():
    rng = np.random.default_rng(0)
    X = rng.integers(1, 6, (40, 30)) * (rng.random((40, 30)) < 0.5)
    return sp.csr_array(X)


def check(found, problem):
    assert found.problem == problem
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["problem"] == problem
    assert found.verdict.limits in ("size", "movement", "dependence", "none")
    assert found.verdict.workers in (1, 2)
    assert found.movement.speedup[1] == 1.0
    assert set(found.movement.speedup) == {1, 2, 4, 8, 16, 32, 64}
    assert all(value > 0.0 for value in found.movement.speedup.values())
    assert found.trial.one.busy > 0.0
    told = str(found)
    for title in ("Size", "Movement", "Dependence", "Verdict", found.verdict.sentence):
        assert title in told


@pytest.mark.processes
@pytest.mark.usefixtures("shared_engine")
def test_each_problem_is_diagnosed(regression, stars):
    X, y = regression
    found = strads.diagnose(sp.csc_array(X), y, **BUDGET)
    check(found, "lasso")
    assert found.size.variables == 90
    assert found.trial.two.workers == 2
    assert found.verdict.settings["alpha"] == pytest.approx(
        np.abs(X.T @ (y - y.mean())).max() / 60 / 20
    )
    check(strads.diagnose(X, np.sign(y), problem="logistic", C=0.1, **BUDGET), "logistic")
    svm = strads.diagnose(X, np.sign(y), problem="svm", C=0.1, **BUDGET)
    check(svm, "svm")
    assert svm.verdict.limits == "size"  # two classes have one model, which one worker fits
    assert svm.movement.speedup[64] == 1.0
    mf = strads.diagnose(
        stars.astype(float), problem="mf", n_components=4, max_iter=3, tol=0.0, **BUDGET
    )
    check(mf, "mf")
    assert mf.trial.one.steps == 3.0
    assert mf.verdict.settings == {
        "n_components": 4, "max_iter": 3, "tol": 0.0, "n_workers": mf.verdict.workers
    }  # fmt: skip
    check(strads.diagnose(stars, problem="lda", n_components=4, max_iter=3, **BUDGET), "lda")


def test_a_diagnosis_without_workers(regression):
    """The solver, interpreted or not, is asked for one worker and for two."""
    X, y = regression
    found = strads.diagnose(X[:, :20], y, alpha=0.5, **BUDGET)
    check(found, "lasso")
    assert found.size.shape == (60, 20)


def test_the_default_penalty_leaves_weights(regression):
    X, y = regression
    alpha = strads.diagnose(X, y, **BUDGET).verdict.settings["alpha"]
    assert np.count_nonzero(strads.Lasso(alpha, n_workers=1).fit(X, y).coef_) > 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"problem": "lars"}, "problem='lars'"),
        ({"seconds": 0.0}, "seconds=0.0"),
        ({"n_workers": 2}, "'n_workers'"),
        ({"C": 1.0}, "'C' is no parameter of Lasso"),
        ({"alpha": -1.0}, "alpha"),
        ({"problem": "mf"}, "leave y out"),
    ],
)
def test_wrong_arguments_are_named(regression, change, says):
    with pytest.raises(ValueError, match=says):
        strads.diagnose(*regression, **change)


@pytest.mark.parametrize(
    ("X", "y", "says"),
    [
        (np.zeros((3, 2)), None, "needs a target"),
        (np.zeros((3, 2)), np.zeros(2), "2 entries"),
        (np.zeros(3), np.zeros(3), "shape"),
        (np.array([["a"]]), np.zeros(1), "give numbers"),
        (np.array([[1.0], [np.nan]]), np.zeros(2), "X contains NaN"),
        (np.ones((2, 1)), np.array([1.0, np.inf]), "y contains infinity"),
        (np.ones((2, 1)), np.array([1.0, 2.0]), "give alpha"),
    ],
)
def test_wrong_data_are_named(X, y, says):
    with pytest.raises(ValueError, match=says):
        strads.diagnose(X, y)


def test_negative_counts_are_refused():
    with pytest.raises(DataError, match="negative"):
        strads.diagnose(sp.csr_array(np.array([[-1, 2]])), problem="lda")


@pytest.mark.parametrize("layout", [np.asarray, sp.csc_array])
def test_scales_are_those_of_columns_that_vary(regression, layout):
    X = regression[0].copy()
    X[:, 3] *= 1e5
    X[:, 4] = 7.3
    scales = np.delete(X, 4, axis=1).std(axis=0)
    assert standard_deviations(layout(X)) == pytest.approx((scales.min(), scales.max()))
    assert standard_deviations(layout(np.full((5, 2), 0.1))) is None


def test_a_model_that_does_not_fit_is_limited_by_size():
    size = Size((10, 10), 100, 10, 800, 2000, 1000)
    assert not size.fits
    assert dataclasses.replace(size, memory_left=2000).fits


@pytest.mark.processes
@pytest.mark.usefixtures("shared_engine")
def test_the_machine_is_measured_once(monkeypatch):
    monkeypatch.setattr(machine, "COPIED", 1 << 20)
    monkeypatch.setattr(machine, "available_cores", lambda: 2)
    machine._measured.cache_clear()
    first = machine.measure_machine()
    assert 0.0 < first.bandwidth <= first.bandwidth_all
    assert first.launch_seconds > 0.0
    assert first.round_seconds >= 0.0
    monkeypatch.setattr(machine, "bandwidth", None)  # a second measurement would fail
    assert machine.measure_machine().bandwidth == first.bandwidth
    machine._measured.cache_clear()


def test_one_core_has_no_rounds_to_measure(monkeypatch):
    monkeypatch.setattr(machine, "COPIED", 1 << 20)
    monkeypatch.setattr(machine, "available_cores", lambda: 1)
    machine._measured.cache_clear()
    assert math.isnan(machine.measure_machine().round_seconds)
    machine._measured.cache_clear()


def verdict_of(one, two, rejected, scales=None):
    rhos = dict.fromkeys((0.1, 0.3, 0.5), 0.0)
    dependence = Dependence("", 1, 0.0, 0.0, 0.0, rhos, rhos, rejected, 1.0, 1)
    size = Size((10, 10), 100, 10, 800, 2000, 10**6, scales)
    times = TimeModel(one, two, 2, 0.0, 2.0)
    return judge(problem_of("lasso"), size, times, dependence, {"alpha": 0.1})


def test_each_cause_can_be_the_verdict():
    one = Parts(alone=1.0, busy=4.0, scheduled=4.0, updates=100)
    few = {0.1: 0.9, 0.3: 0.2, 0.5: 0.0}
    found = verdict_of(one, Parts(workers=2, alone=1.0, busy=4.0), few)
    assert (found.limits, found.workers, found.rho) == ("none", 2, 0.3)
    assert found.settings == {"alpha": 0.1, "n_workers": 2}
    found = verdict_of(one, Parts(workers=2, alone=4.0, busy=4.0), few)
    assert (found.limits, found.workers) == ("size", 1)
    found = verdict_of(one, Parts(workers=2, alone=1.0, busy=4.0, waiting=3.0), few)
    assert (found.limits, found.workers) == ("movement", 1)
    many = Parts(workers=2, alone=1.0, busy=9.0, scheduled=9.0, updates=225)
    found = verdict_of(one, many, {0.1: 0.9, 0.3: 0.8, 0.5: 0.1})
    assert (found.limits, found.rho) == ("dependence", 0.5)
    assert found.settings["schedule"].rho == 0.5
    assert strads.Lasso(**found.settings).fit(np.eye(4), np.arange(4.0)).certified_
    assert found.losses.dependence > found.losses.movement


def test_uneven_columns_are_told():
    one, two, few = Parts(busy=4.0), Parts(workers=2, busy=4.0), {0.3: 0.0}
    assert "differ much in scale" in verdict_of(one, two, few, (1.0, 2e3)).sentence
    assert "scale" not in verdict_of(one, two, few, (1.0, 9e2)).sentence


# -- finished runs -------------------------------------------------------------------------------


def run_with(alone=0.0, waiting=0.0, starved=0.0, deferred=0, dispatched=100):
    """Statistics of a run of two workers and a second of work each."""
    row = {"busy_seconds": 1.0, "waiting_seconds": waiting, "starved_seconds": starved,
           "seconds": 1.0 + waiting + starved, "updates": 100}  # fmt: skip
    phase = {"launches": 2, "seconds": row["seconds"], "promised": 0.0, "updates": 200,
             "sync_seconds": waiting, "starved_seconds": starved}  # fmt: skip
    schedule = {"dispatched": dispatched, "deferred": deferred, "micro_rounds": 50}
    run = {"phases": {"main": phase}, "processes": {"worker 0": row, "worker 1": row},
           "schedules": {"main": schedule}, "seconds": alone + row["seconds"]}  # fmt: skip
    return [run], [{"restraints": 1.0}], alone + row["seconds"]


def test_the_cause_of_a_run_is_what_it_waited_for():
    assert judge_run(*run_with()).limits == "none"
    assert judge_run(*run_with(alone=8.0)).limits == "size"
    assert judge_run(*run_with(waiting=3.0)).limits == "movement"
    assert judge_run(*run_with(starved=3.0)).limits == "movement"
    found = judge_run(*run_with(starved=3.0, deferred=900))
    assert found.limits == "dependence"
    assert "90%" in found.advice
    assert found.restrained == 1
    assert "larger ρ" in str(found)


def test_a_run_of_one_worker_is_not_told_to_use_one():
    statistics, history, seconds = run_with(alone=8.0)
    del statistics[0]["processes"]["worker 1"]
    assert judge_run(statistics, history, seconds).advice.startswith("Nothing: one worker")


@pytest.mark.processes
@pytest.mark.usefixtures("shared_engine")
def test_a_fitted_model_and_its_folder_tell_the_same(regression, tmp_path):
    X, y = regression
    model = strads.Lasso(0.1, n_workers=2).fit(sp.csc_array(X), y)
    found = strads.diagnose_run(model)
    assert found.workers == 2
    assert found.parts.busy > 0.0
    json.dumps(found.to_dict(), allow_nan=False)
    record = {"statistics": model.statistics_, "history": model.history_,
              "seconds": found.losses.seconds}  # fmt: skip
    (tmp_path / "run.json").write_text(json.dumps(record, default=lambda v: v.item()))
    assert strads.diagnose_run(tmp_path).parts.busy == pytest.approx(found.parts.busy)


def test_models_of_several_classes_have_several_runs():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 5)), rng.integers(3, size=60)
    model = strads.SparseLogisticRegression(C=0.1, n_workers=1).fit(X, y)
    found = strads.diagnose_run(model)
    assert found.workers == 1
    assert "One worker ran" in found.sentence


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no run\.json"):
        strads.diagnose_run(tmp_path)
    (tmp_path / "run.json").write_text('{"statistics": {}, "seconds": 1}')
    with pytest.raises(DataError, match="no statistics"):
        strads.diagnose_run(tmp_path)
    with pytest.raises(DataError, match="statistics_"):
        strads.diagnose_run(strads.Lasso())
