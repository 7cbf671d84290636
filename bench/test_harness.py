"""What the comparisons share: the race, searches, files of results, processes and memory."""

import csv
import os
from dataclasses import dataclass

import pytest

from bench.harness import files, footprint, tables
from bench.harness.command import loaded, present
from bench.harness.memory import Memory, sizes
from bench.harness.race import Contest, Entry, show_race, tightened


@dataclass(kw_only=True)
class Lap(Entry):
    pace: float
    out: bool = False

    @property
    def reached(self):
        return not self.out and self.value <= 1.0


class Sprint(Contest):
    def __init__(self):
        self.order = []

    def calibrate(self, entry):
        return not entry.out

    def fit(self, entry):
        self.order.append(entry.solver)
        return entry.pace, "answer"

    def judge(self, entry, seconds, answer):
        return 0.5

    def cold(self, entry):
        return 9.0


def test_solvers_take_turns_and_the_quickest_entry_of_each_counts(capsys):
    sprint = Sprint()
    laps = [Lap(data="d", solver=name, pace=pace) for name, pace in (("a", 3), ("b", 2), ("a", 1))]
    laps.append(Lap(data="d", solver="c", pace=1, out=True))
    best = sprint.race(laps, repeats=2, cold=True)
    assert sprint.order == ["a", "b", "a"] * 2
    assert [(lap.solver, lap.median) for lap in best[:2]] == [("a", 1), ("b", 2)]
    assert best[2].solver == "c"
    assert not best[2].reached
    assert (best[0].cold, best[0].row()["warm"]) == (9.0, "1.000000 1.000000")
    assert best[2].cold != best[2].cold
    show_race("sprint", best, {"pace": lambda lap: str(lap.pace)})
    assert "2.00" in capsys.readouterr().out


def test_the_loosest_tolerance_that_will_do_is_taken():
    assert tightened(lambda tol: tol, 0.1, 1.0, tries=9, limit=60.0) == pytest.approx(0.09)
    floor = tightened(lambda tol: max(tol, 0.3), 0.1, 1.0, tries=9, limit=60.0)
    assert floor == pytest.approx(0.3)


def test_gains_of_a_second_worker(capsys):
    runs = [("one worker", 4.0), ("two workers", 2.0), ("two processes", 5.0)]
    footprint.show_gains([{"what": what, "each": each} for what, each in runs], "fits", "each")
    printed = capsys.readouterr().out
    assert all(gain in printed for gain in ("1.00", "2.00", "1.60"))


def test_rows_say_what_machine_they_come_from(tmp_path):
    for _ in range(2):  # the second file replaces the first
        file = tables.Rows("some", tmp_path)
        file.add(a=1, b=float("nan"))
        file.add(a=2, b=3.0)
    with (tmp_path / "some.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["a"] for row in rows] == ["1", "2"]
    assert all(row["cores"] == str(os.cpu_count()) for row in rows)
    assert tables.number(float("nan")) == tables.DASH


def test_a_file_gets_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "below" / "name"
    with pytest.raises(FileNotFoundError), files.written_whole(path):
        pass  # nothing was written
    assert list(path.parent.iterdir()) == []
    with files.written_whole(path) as part:
        part.write_text("whole")
    assert path.read_text() == "whole"


def test_what_is_missing_is_told(tmp_path, capsys):
    def load(name):
        return files.there(tmp_path if name == "here" else tmp_path / name)

    assert list(loaded(["nowhere", "here"], load)) == [tmp_path]
    assert present(["a", "b"], "b".__eq__) == ["b"]
    assert "skipped: a is not installed" in capsys.readouterr().out


def test_memory_of_a_process_is_sampled():
    with Memory(os.getpid(), interval=0.01) as memory:
        pass
    assert sizes(os.getpid())[os.getpid()] > 2**20
    assert memory.peak()[os.getpid()] > 2**20
    assert memory.peak(end=0.0) == {}
