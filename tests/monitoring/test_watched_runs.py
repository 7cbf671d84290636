"""The arguments `run_dir`, `verbose` and `max_seconds` of runs of programs."""

import gc
import json

import pytest
from programs import NNLS, nnls_problem

from strads import Engine, Instrument, iterate, run
from strads.engine import DataError, ProgramError
from strads.monitoring import read_events


def record_of(folder):
    return json.loads((folder / "run.json").read_text())


def test_a_run_writes_its_folder_and_has_the_same_bits(tmp_path):
    given = {"epochs": 4, "executor": "serial", "workers": 2, "seed": 3}
    plain = run(NNLS(**nnls_problem()), **given)
    watched = run(NNLS(**nnls_problem()), run_dir=tmp_path / "run", **given)
    assert plain.history == watched.history
    record = record_of(tmp_path / "run")
    assert record["program"] == "NNLS" and record["verdict"] == "epochs" and record["n_iter"] == 4
    assert record["settings"] == {"workers": 2, "seed": 3, "tol": None, "epochs": 4}
    assert record["statistics"]["phases"]["main"]["updates"] > 0 and record["state"] == "ended"
    events = read_events(tmp_path / "run" / "events.jsonl")
    assert [one["event"] for one in events[:2]] == ["fit", "run"]
    assert [one["step"] for one in events if one["event"] == "step"] == [1, 2, 3, 4]
    with pytest.raises(DataError, match="no run is overwritten"):
        run(NNLS(**nnls_problem()), run_dir=tmp_path / "run", **given)
    assert record_of(tmp_path / "run") == record


def test_the_budget_ends_a_run_after_its_step():
    result = run(NNLS(**nnls_problem()), epochs=50, executor="serial", max_seconds=1e-9)
    assert result.status == "max_seconds" and len(result.history) == 1


def test_lines_are_printed_where_there_is_no_terminal(capsys):
    with Engine(workers=1, executor="serial") as engine:
        engine.run(NNLS(**nnls_problem()), epochs=2, verbose=2)
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("step") for line in lines) == 2
    assert lines[-1].startswith("epochs after")


class Fails(Instrument):
    def after_step(self, run, step):
        raise RuntimeError("the second step fails")


class FailsToPrepare(NNLS):
    def setup(self, rng):
        raise RuntimeError("no setup")


@pytest.mark.parametrize(
    ("program", "hook"), [(NNLS, Fails()), (FailsToPrepare, None)], ids=["step", "preparation"]
)
def test_a_run_that_fails_says_so_in_its_folder(program, hook, tmp_path):
    with pytest.raises(Exception, match=r"the second step fails|no setup"):
        run(
            program(**nnls_problem()), epochs=3, executor="serial", instruments=hook,
            run_dir=tmp_path / "run",
        )  # fmt: skip
    record = record_of(tmp_path / "run")
    assert record["state"] == record["verdict"] == "failed"
    assert "the second step fails" in record["error"] or "no setup" in record["error"]


def test_a_run_that_nobody_refers_to_is_abandoned(tmp_path):
    run = iterate(NNLS(**nnls_problem()), executor="serial", run_dir=tmp_path / "run")
    next(run)
    del run
    gc.collect()
    assert record_of(tmp_path / "run")["state"] == "abandoned"


@pytest.mark.parametrize(
    "given", [{"run_dir": 3}, {"verbose": -1}, {"verbose": "yes"}, {"max_seconds": "1"},
              {"max_seconds": 0}, {"max_seconds": float("nan")}],
)  # fmt: skip
def test_wrong_arguments_are_named(given):
    with pytest.raises(ProgramError, match=next(iter(given))):
        run(NNLS(**nnls_problem()), epochs=1, executor="serial", **given)
