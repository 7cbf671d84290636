"""Runs as events: what they say, and that they change nothing of the run."""

import json
import os
import signal

import numpy as np
import pytest
from processes import nothing_left
from programs import NNLS, Counting, Failing, assert_same_bits, counting, nnls_problem

from strads import Checkpoint, Engine, Instrument, Recorder, RunFolder, TimeBudget, run
from strads.engine import DataError, KernelError, ProgramError, Span
from strads.monitoring import Follower, Observer, read_events
from strads.monitoring.folder.trace import Trace

EXECUTORS = ["serial", pytest.param("processes", marks=pytest.mark.processes)]


class Seen(Follower):
    """Keeps events."""

    def __init__(self):
        self.events = []

    def __call__(self, given):
        self.events.append(given)

    def observer(self):
        return Observer([self], visits=True)

    def of(self, kind):
        return [one for one in self.events if one["event"] == kind]


@pytest.fixture(scope="module")
def engine():
    with nothing_left(), Engine(2) as made:
        yield made


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_run_tells_what_it_does_and_does_the_same(engine, executor):
    given, seen, recorder = nnls_problem(), Seen(), Recorder()
    plain = engine.run(NNLS(**given), epochs=5, executor=executor, workers=2)
    told = engine.run(
        NNLS(**given), epochs=5, executor=executor, workers=2, instruments=[seen, recorder]
    )
    assert_same_bits(plain, told)
    kinds = [one["event"] for one in seen.events]
    assert kinds[:2] == ["fit", "run"] and kinds[-2:] == ["run_end", "fit_end"]
    assert kinds.count("step") == 5
    (begun,), (end,) = seen.of("run"), seen.of("run_end")
    assert begun["executor"] == executor and begun["workers"] == 2
    assert (
        begun["phases"]["main"] | {"axis": "cols", "schedule": "Priority", "rho": 0.3}
        == (begun["phases"]["main"])
    )
    assert begun["pids"]["leader"] == os.getpid()
    assert ("worker 1" in begun["pids"]) == (executor == "processes")
    assert begun["data"]["A"]["shape"] == [400, 40]
    assert [one["figures"] for one in seen.of("step")] == plain.history
    assert seen.of("step")[-1]["updates"] == end["statistics"]["phases"]["main"]["updates"]
    assert end["status"] == told.status == seen.of("fit_end")[0]["verdict"]
    counted = sum(sum(one["counts"]) for one in seen.of("visits"))
    ids = np.concatenate([
        np.concatenate([r.ids[w, r.cuts[w, 0] : r.cuts[w, -1]] for w in range(2)])
        for r in recorder.log()
    ])  # fmt: skip
    visits = seen.of("visits")
    assert sum(one["visits"] for one in visits) == len(ids)
    assert counted == sum(one["counted"] for one in visits) <= len(ids)
    all_counts = np.bincount(ids, minlength=40)
    assert np.all(sum(np.array(one["counts"]) for one in visits) <= all_counts)


def test_equal_data_have_equal_digests():
    def digest(**changed):
        seen = Seen()
        run(NNLS(**{**nnls_problem(), **changed}), epochs=1, executor="serial", instruments=seen)
        return {name: one["digest"] for name, one in seen.of("run")[0]["data"].items()}

    assert digest() == digest()
    other = nnls_problem()["b"]
    other[-1] += 1.0
    assert {name for name, one in digest(b=other).items() if one != digest()[name]} == {"b"}


def test_the_folder_of_a_program(tmp_path):
    folder = RunFolder(tmp_path / "run")
    result = run(
        NNLS(**nnls_problem()), epochs=4, executor="serial",
        instruments=[folder, Checkpoint(tmp_path / "saved", every=2)],
    )  # fmt: skip
    assert set(os.listdir(folder.path)) == {
        "run.json", "events.jsonl", "metrics.csv", "trace.json"
    }  # fmt: skip
    events = read_events(folder.path / "events.jsonl")
    assert [one["step"] for one in events if one["event"] == "checkpoint"] == [2, 4]
    record = json.loads((folder.path / "run.json").read_text())
    assert record["state"] == "ended" and record["verdict"] == result.status == "epochs"
    assert record["program"] == "NNLS" and record["machine"]["cores"] >= 1
    assert len((folder.path / "metrics.csv").read_text().splitlines()) == 5
    with pytest.raises(DataError, match="holds a run already, and no run is overwritten"):
        run(
            NNLS(**nnls_problem()),
            epochs=1,
            executor="serial",
            instruments=[RunFolder(tmp_path / "run")],
        )
    assert json.loads((folder.path / "run.json").read_text()) == record


def test_the_spans_of_a_trace_are_within_each_other(tmp_path):
    folder = RunFolder(tmp_path / "run")
    run(NNLS(**nnls_problem()), epochs=3, executor="serial", instruments=[folder])
    entries = json.loads((tmp_path / "run" / "trace.json").read_text())["traceEvents"]
    spans = [one for one in entries if one["ph"] == "X"]
    assert {one["name"] for one in spans} > {
        "prepare: compile", "run 0: NNLS", "step 1", "step 3", "main", "measure", "busy"
    }  # fmt: skip
    assert min(one["ts"] for one in spans) == 0.0
    (whole,) = (one for one in spans if one["name"].startswith("run 0"))
    steps = [one for one in spans if one["name"].startswith("step")]
    launches = [one for one in spans if one["name"] in ("main", "measure")]
    assert len(steps) == 3 and len(launches) == 6

    def within(inner, outer):
        return outer["ts"] - 1 <= inner["ts"] and (
            inner["ts"] + inner["dur"] <= outer["ts"] + outer["dur"] + 1
        )

    assert all(within(one, whole) for one in steps)
    assert all(any(within(one, step) for step in steps) for one in launches)


def test_a_long_run_has_a_trace_that_is_thinned(monkeypatch):
    monkeypatch.setattr("strads.monitoring.folder.trace.MOST", 100)
    trace = Trace()
    row = {"seconds": 1.0, "busy_seconds": 0.5, "waiting_seconds": 0.5}
    for step in range(1000):
        spans = [Span("main", step, step + 1.0, {"worker 0": row})]
        trace.take_step(0, step, step, step + 1.0, spans, {"objective": 1.0}, {"worker 0": 7})
    entries = [one for one in trace._entries() if one.get("args", {}).get("run") == 0]
    assert 5 <= len(entries) <= 25
    apart = np.diff([one["ts"] for one in entries])
    assert len(set(apart.round(3))) == 1  # equally spaced over the whole run


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), "1"])
def test_a_budget_is_positive(seconds):
    with pytest.raises(ProgramError, match="positive number of seconds"):
        TimeBudget(seconds)


def test_a_budget_ends_a_run_which_can_go_on(tmp_path):
    given = {"epochs": 6, "executor": "serial", "resume_from": tmp_path}
    whole = run(NNLS(**nnls_problem()), epochs=6, executor="serial")
    budget = TimeBudget(1e-9)
    saves = [budget, Checkpoint(tmp_path)]
    first = run(NNLS(**nnls_problem()), instruments=saves, **given)
    assert first.status == "max_seconds" and budget.used_up and len(first.history) == 1
    rest = run(NNLS(**nnls_problem()), instruments=[TimeBudget(1e9), Checkpoint(tmp_path)], **given)
    assert rest.status == whole.status
    np.testing.assert_array_equal(rest.state["w"], whole.state["w"])


def test_a_run_that_fails_says_why(tmp_path):
    with pytest.raises(KernelError):
        run(
            counting(Failing, trap=3),
            epochs=3,
            executor="serial",
            instruments=[RunFolder(tmp_path / "r")],
        )
    *_, ended, fit = read_events(tmp_path / "r" / "events.jsonl")
    assert ended["status"] == fit["verdict"] == "failed" and "KernelError" in ended["error"]
    assert json.loads((tmp_path / "r" / "run.json").read_text())["state"] == "failed"


def test_events_take_no_more_than_their_share(monkeypatch):
    seen = Seen()
    monkeypatch.setattr("strads.monitoring.observer.FIRST_STEPS", 10)
    monkeypatch.setattr("strads.monitoring.observer.SHARE", 0.0)
    run(counting(), epochs=50, executor="serial", instruments=seen)
    steps = seen.of("step")
    assert [one["step"] for one in steps] == [*range(1, 11), 50]
    assert steps[-1]["skipped"] == 39


@pytest.mark.processes
def test_a_death_is_told(engine):
    class Kill(Instrument):
        def after_step(self, run, step):
            if step.epoch == 1:
                os.kill(run.executor.pids()["worker 1"], signal.SIGKILL)

    seen = Seen()
    program = counting(Counting)
    engine.run(program, epochs=3, executor="processes", instruments=[Kill(), seen])
    (death,) = seen.of("death")
    assert death["process"] == "worker 1" and death["signal"] == signal.SIGKILL
