"""A run read from its folder, whatever state the folder is in."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_runs import BEGUN, told_run

from strads.engine import DataError
from strads.monitoring import encode_event
from strads.reporting.reading import read_run
from strads.reporting.spending import spent


def write(folder: Path, *events: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    lines = "".join(f"{json.dumps(one)}\n" for one in events)
    (folder / "events.jsonl").write_text(lines)
    return folder


def test_all_of_a_run_is_there(tmp_path: Path) -> None:
    record = read_run(told_run(tmp_path / "a", deaths=1, message="slow"))
    assert (record.name, record.verdict, record.workers) == ("Lasso", "certified", 2)
    assert record.target == 1e-6
    assert record.seconds == pytest.approx(5.5)
    assert len(record.steps) == 40
    np.testing.assert_allclose(record.steps.figures["certificate"], 0.5 ** np.arange(1.0, 41.0))
    np.testing.assert_array_equal(record.steps.updates, 100.0 * np.arange(1, 41))
    np.testing.assert_allclose(record.steps.time - record.steps.seconds, 1.0)
    assert record.runs[0].axes == {"rows": 50, "features": 1000}
    assert len(record.details) == len(record.visits) == 40
    assert record.details[-1].processes["worker 1"]["busy_seconds"] == pytest.approx(2.0)
    assert record.warnings == ["slow"]
    assert record.deaths[0]["signal"] == "SIGKILL"
    assert record.settings["alpha"] == 0.1


def test_a_killed_run_is_read_as_far_as_it_came(tmp_path: Path) -> None:
    folder = told_run(tmp_path / "a", ended=False)
    path = folder / "events.jsonl"
    path.write_bytes(path.read_bytes()[:-30])  # within the last line
    record = read_run(folder)
    assert record.verdict is None
    assert record.wall == record.lasted == pytest.approx(5.0)
    assert len(record.visits) == 39


def test_seconds_and_updates_go_on_from_run_to_run(tmp_path: Path) -> None:
    def step(run: int, number: int) -> dict[str, Any]:
        return {"event": "step", "time": BEGUN + number, "run": run, "step": number,
                "seconds": float(number), "updates": 10 * number, "figures": {}}  # fmt: skip

    events = [{"event": "run", "time": BEGUN, "run": run} for run in (0, 1)]
    record = read_run(write(tmp_path / "a", *events, step(0, 1), step(0, 2), step(1, 1)))
    assert record.steps.seconds.tolist() == [1.0, 2.0, 3.0]
    assert record.steps.updates.tolist() == [10.0, 20.0, 30.0]


def test_compiling_within_a_run_counts_as_preparing(tmp_path: Path) -> None:
    def compiled(at: float, seconds: float, finished: bool) -> dict[str, Any]:
        return {"event": "compile", "time": BEGUN + at, "seconds": seconds, "finished": finished}

    def step(number: int, at: float) -> dict[str, Any]:
        return {"event": "step", "time": BEGUN + at, "run": 0, "step": number,
                "seconds": at - 1.0, "updates": number, "figures": {}}  # fmt: skip

    record = read_run(write(
        tmp_path / "a", {"event": "fit", "time": BEGUN},
        {"event": "run", "time": BEGUN + 1.0, "run": 0, "workers": 1,
         "prepare_seconds": {"a": 0.5}},
        compiled(2.0, 1.5, False), compiled(9.0, 8.5, True), step(1, 10.0), step(2, 11.0),
        {"event": "run_end", "time": BEGUN + 11.0, "run": 0, "statistics": {}, "seconds": 10.0},
        {"event": "fit_end", "time": BEGUN + 11.0, "verdict": "epochs", "seconds": 11.0},
    ))  # fmt: skip
    assert record.compiled == [(pytest.approx(0.5), pytest.approx(9.0))]
    np.testing.assert_allclose(record.steps.seconds, [1.0, 2.0])
    assert spent(record).kinds["preparing"] == pytest.approx(8.5)  # the rest overlaps


def test_figures_that_are_not_finite_or_missing(tmp_path: Path) -> None:
    steps = [
        {"event": "step", "time": BEGUN, "run": 0, "step": k, "figures": figures}
        for k, figures in enumerate(({"a": "inf"}, {"b": "nan"}, {"a": 1.0, "b": "text"}))
    ]
    record = read_run(write(tmp_path / "a", {"event": "fit", "time": BEGUN}, *steps))
    np.testing.assert_array_equal(record.steps.figures["a"], [math.inf, math.nan, 1.0])
    assert record.steps.headline() == "a"


WRONG = {
    "no JSON": "nonsense\n",
    "no object": "[1]\n",
    "no time": '{"event":"fit"}\n',
    "time is not finite": '{"event":"fit","time":NaN}\n',
    "figures are a list": '{"event":"step","time":1,"figures":[1]}\n',
    "updates are a text": '{"event":"step","time":1,"updates":"many"}\n',
    "a negative run": '{"event":"run","time":1,"run":-1}\n',
    "a run of half": '{"event":"run","time":1,"run":0.5}\n',
    "counts below zero": '{"event":"visits","time":1,"size":3,"counts":[-1]}\n',
    "counts without end": '{"event":"visits","time":1,"size":3,"counts":["inf"]}\n',
    "a text that is an object": '{"event":"warning","time":1,"message":{}}\n',
    "nothing at all": "",
    "deeply nested": '{"event":"fit","time":1,"x":' + "[" * 100_000 + "\n",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_damaged_file_is_an_error_in_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(WRONG[name])
    with pytest.raises(DataError) as told:
        read_run(tmp_path)
    assert len(str(told.value)) < 500


def test_a_damaged_record_is_an_error(tmp_path: Path) -> None:
    folder = told_run(tmp_path / "a")
    for content in ("[1]", "{", "[" * 100_000):
        (folder / "run.json").write_text(content)
        with pytest.raises(DataError, match=r"run\.json"):
            read_run(folder)


def test_another_folder_is_told_from_that_of_a_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no events.jsonl"):
        read_run(tmp_path)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
KEYS = ("run", "step", "seconds", "figures", "updates", "processes", "schedules", "active", "axes",
        "phases", "bytes", "counts", "size", "statistics", "verdict", "message", "target",
        "settings", "staleness", "memory", "prepare_seconds")  # fmt: skip
KINDS = ("fit", "run", "step", "detail", "visits", "death", "warning", "run_end", "fit_end")


@given(
    given_=st.lists(
        st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(KEYS), ANYTHING))
    )
)
def test_whatever_an_event_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, given_: list[tuple[str, dict[str, Any]]]
) -> None:
    from strads.reporting.compare import key_figures
    from strads.reporting.page.report import report

    folder = told_run(tmp_path_factory.mktemp("any") / "a", steps=2)
    with (folder / "events.jsonl").open("a") as file:
        for kind, entries in given_:
            line = encode_event({**entries, "event": kind, "time": BEGUN + 3.0})
            file.write(line + "\n")
    try:
        record = read_run(folder)
    except DataError:
        return
    assert report(record).startswith("<!DOCTYPE html>")
    assert key_figures(record)


def fit_of(pace: float, **run: Any) -> list[dict[str, Any]]:
    """Two steps of a fit that begins long after the one before it."""
    told = {"processes": {"worker 0": {"busy_seconds": 3.0 * pace}}}
    return [
        {"event": "fit", "time": BEGUN + 1000.0 * pace, "estimator": "Lasso"},
        {"event": "run", "time": BEGUN + 1000.0 * pace, "run": 0, **run},
        *({"event": "step", "time": BEGUN + 1000.0 * pace + k, "run": 0, "step": k, "seconds": k,
           "updates": 10 * pace * k, "figures": {"objective": 1.0 / k}} for k in (1, 2)),
        {"event": "detail", "time": BEGUN + 1000.0 * pace + 2.0, "run": 0, **told},
        {"event": "fit_end", "time": BEGUN + 1000.0 * pace + 3.0, "verdict": f"v{pace}",
         "seconds": 3.0},
    ]  # fmt: skip


def test_a_command_that_fits_twice_has_two_fits(tmp_path: Path) -> None:
    record = read_run(write(tmp_path / "a", *fit_of(1), *fit_of(2)))
    assert record.verdict == "v2"
    assert (record.seconds, record.lasted) == (6.0, 6.0)  # not the time between them
    assert record.steps.fit.tolist() == [1, 1, 2, 2]
    assert record.steps.run.tolist() == [0, 0, 1, 1]
    assert record.steps.seconds.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert record.steps.updates.tolist() == [10.0, 20.0, 40.0, 60.0]
    assert sum(d.processes["worker 0"]["busy_seconds"] for d in record.last_details()) == 9.0


def test_what_a_resumed_run_has_counted_before_counts_once(tmp_path: Path) -> None:
    """Updates and sums of a resumed run include those before its checkpoint; seconds do not."""
    record = read_run(write(tmp_path / "a", *fit_of(1), *fit_of(2, resumed_from="x.npz")))
    assert record.steps.fit.tolist() == [1, 1, 1, 1]
    assert record.steps.seconds.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert record.steps.updates.tolist() == [10.0, 20.0, 20.0, 40.0]
    assert [d.processes["worker 0"]["busy_seconds"] for d in record.last_details()] == [6.0]


def test_visits_that_were_counted_in_part_stand_for_all(tmp_path: Path) -> None:
    seen = {"event": "visits", "time": BEGUN, "run": 0, "phase": "main", "axis": "a", "size": 4,
            "counts": [1, 3], "counted": 4, "visits": 40}  # fmt: skip
    record = read_run(write(tmp_path / "a", {"event": "fit", "time": BEGUN}, seen))
    assert record.visits[0].counts.tolist() == [10.0, 30.0]
