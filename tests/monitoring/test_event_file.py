"""The file of events: bounded, flushed, in order, and never torn."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strads.monitoring import Thinning, event, read_events
from strads.monitoring.folder.event_file import EventFile
from strads.monitoring.folder.metrics import write_metrics


def step(number, run=0, **more):
    told = {"seconds": number / 10, "figures": {"gap": 1.0 / number}, "updates": number}
    return event("step", run=run, step=number, **told, skipped=0, **more)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 6), st.integers(1, 3000))
def test_thinning_keeps_few_and_each_stands_for_a_power_of_two(whole, block, blocks, count):
    thinning = Thinning(whole, block, blocks)
    kept = [number for number in range(1, count + 1) if thinning.due()]
    assert len(kept) == thinning.kept <= whole + block * blocks
    apart = [b - a for a, b in zip([0, *kept], kept, strict=False)]
    expected = [1] * whole + [2**k for k in range(1, blocks + 1) for _ in range(block)]
    assert apart == expected[: len(apart)]
    assert thinning.full == (len(kept) == whole + block * blocks)


def test_a_fit_has_at_most_ten_thousand_steps_and_its_last_one(tmp_path):
    file = EventFile(tmp_path / "events.jsonl")
    count = 12_345
    for number in range(1, count + 1):
        file(step(number))
    file(event("run_end", run=0))
    file.close()
    *steps, end = read_events(tmp_path / "events.jsonl")
    assert end["event"] == "run_end"
    assert len(steps) < 10_000 and steps[-1]["step"] == count
    assert [one["step"] for one in steps[:5000]] == list(range(1, 5001))
    told = 0
    for one in steps:  # those left out are counted
        told += 1 + one["skipped"]
        assert told == one["step"]


def test_visits_that_are_left_out_count_in_the_next_ones(tmp_path):
    file = EventFile(tmp_path / "events.jsonl")
    about = {"run": 0, "phase": "main", "axis": "w", "size": 4}
    for number in range(1, 4):
        visits = {"counts": [number, 1], "counted": number + 1, "visits": 2 * number + 2}
        file(event("visits", step=number, **about, **visits))
    file(event("run_end", run=0))
    visits, _ = read_events(tmp_path / "events.jsonl")
    assert (visits["counts"], visits["counted"], visits["visits"]) == ([6, 3], 9, 18)
    assert visits["step"] == 3


def test_every_line_is_there_at_once_and_a_torn_one_goes(tmp_path):
    path = tmp_path / "events.jsonl"
    file = EventFile(path)
    file(event("fit"))
    assert len(read_events(path)) == 1
    with path.open("ab") as torn:  # as a process leaves it that was killed
        torn.write(b'{"event":"step","ti')
    again = EventFile(path)
    again(event("fit"))
    assert [one["event"] for one in read_events(path)] == ["fit", "fit"]
    path.write_bytes(b'{"event":')
    EventFile(path)
    assert path.read_bytes() == b""


def test_a_full_disk_ends_the_file_and_not_the_run(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    file = EventFile(tmp_path / "events.jsonl")
    monkeypatch.setattr(os, "write", full)
    with pytest.warns(RuntimeWarning, match="its further events are lost") as told:
        file(step(1))
        file(step(2))
    assert len(told) == 1
    file.close()


def test_metrics_have_a_row_for_every_step(tmp_path):
    file = EventFile(tmp_path / "events.jsonl")
    file(event("fit"))
    file(step(1))
    file({**step(2), "figures": {"gap": 0.5, "objective": float("inf")}})
    file(event("fit"))
    file(step(1, run=3))
    file.close()
    write_metrics(tmp_path)
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [
        "fit,run,step,seconds,updates,gap,objective", "0,0,1,0.1,1,1.0,", "0,0,2,0.2,2,0.5,inf",
        "1,3,1,0.1,1,1.0,",
    ]  # fmt: skip
