"""What the benchmarks share: options, the race, searches, files of results, processes, memory."""

import os
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd
import pytest

from bench.harness import files, problem, race, tables
from bench.harness.command import loaded, spread
from bench.harness.problem import Hung, Problem, Solver
from bench.harness.process import Memory, Process, sizes
from bench.lasso.problem import Lasso


@dataclass(frozen=True)
class Counting(Problem):
    """The answer is the number of iterations; `luck` is added to its judged value."""

    package: ClassVar[str] = ""
    calls: ClassVar[list] = []
    luck: ClassVar[list] = []
    data: str = "none"

    def load(self):
        return None

    def judge(self, answer, setting):
        return {"value": 10.0 - answer + (self.luck.pop(0) if self.luck else 0.0)}


def start(counting, setting):
    counting.calls.append(setting["workers"])
    return lambda: setting["iterations"]


@pytest.fixture(autouse=True)
def _solvers(monkeypatch):
    Counting.calls.clear()
    known = {"a": Solver("numpy", start), "b": Solver("nowhere", start)}
    monkeypatch.setattr(problem, "solvers", lambda package: known)


def test_an_option_is_repeated_before_each_of_its_values():
    words = ["updates", "--exact", "--peers", "a", "b", "--jobs", "2"]
    spreaded = ["updates", "--exact", "--peers", "a", "--peers", "b", "--jobs", "2"]
    assert list(spread(words)) == spreaded


def test_solvers_take_turns_and_the_quickest_entry_of_each_counts(capsys):
    found = race.Race(Counting(), most=20)
    entries = [race.Entry("a-1", {"iterations": 9}, 2.0), race.Entry("a-2", {"iterations": 8}, 2.0),
               race.Entry("a-3", {"iterations": None}, -50.0)]  # fmt: skip
    rows = found.run(entries, repeats=2, cold=False)
    assert Counting.calls[-4:] == [1, 2, 1, 2]
    assert [row["reached"] for row in rows] == [True, True, False]
    assert rows[2]["iterations"] is None
    entries[1].fits[:] = [{"seconds": 0.0, "value": 2.5}]
    assert race.quickest([*entries[:2], race.Entry("a-2", {}, 2.0)])[1].solver == "a-2"
    race.show_race("{data}", rows, [("n", "{iterations}")])
    assert tables.DASH in capsys.readouterr().out


def test_the_least_work_that_reaches_the_target_is_found():
    entry = race.Entry("a-1", {"iterations": None}, 2.0)
    assert race.Race(Counting(), most=60)._calibrate(entry)
    assert entry.setting["iterations"] == 8
    assert not race.Race(Counting(), most=7)._calibrate(race.Entry("a-1", {"iterations": None}, 2))
    assert race.fewest(lambda n: 0.0, 2.0, most=60) == 1
    assert race.tightened(lambda tol: tol, 0.1, 1.0, 60.0) == pytest.approx(0.09)
    floor = race.tightened(lambda tol: max(tol, 0.3), 0.1, 1.0, 60.0)
    assert floor == pytest.approx(0.3)


def test_a_solver_that_does_not_repeat_itself_goes_further(monkeypatch):
    monkeypatch.setattr(Counting, "luck", [0.0, 0.5, 0.5, 0.5, 0.5, 0.6])
    found = race.Race(Counting())
    assert not found._confirmed(race.Entry("a", {}, 7.0), 3)
    assert found._confirmed(race.Entry("a", {}, 7.0), 4)


def test_a_solver_that_hangs_is_called_again(monkeypatch):
    def hang(counting, setting):
        counting.calls.append(0)
        if len(counting.calls) < 3:
            raise Hung("asleep")
        return lambda: "answer"

    monkeypatch.setattr(problem, "solvers", lambda package: {"a": Solver("numpy", hang)})
    assert Counting().fit("a", {})[1] == "answer"
    assert len(Counting.calls) == 3


def test_what_is_missing_is_told(tmp_path, capsys):
    def load(name):
        return files.there(tmp_path if name == "here" else tmp_path / name)

    assert list(loaded(["nowhere", "here"], load)) == [("here", tmp_path)]
    assert Counting.present(["b", "a"]) == ["a"]
    assert "skipped: b is not installed" in capsys.readouterr().out
    with pytest.raises(ValueError, match="unknown solver 'c-2'; known: a, b"):
        Counting.solver("c-2")


def test_a_table_is_made_of_templates():
    rows = [{"a": "x", "b": 1.0}, {"a": "y", "b": float("nan")}, {"a": "z"}]
    made = tables.Table("{a}", [("a", "{a}"), ("b", "{b:.1f}")], rows).markdown().splitlines()
    assert made == ["**x**", "", "| a | b |", "|---|---:|", "| x | 1.0 |", "| y | – |", "| z | – |"]


def test_rows_say_what_machine_they_come_from(tmp_path, monkeypatch):
    for _ in range(2):  # the second file replaces the first
        file = tables.Rows("some", tmp_path)
        file.add({"a": 1, "b": float("nan")})
        file.add({"a": 2, "b": 3.0})
    rows = pd.read_csv(tmp_path / "some.csv")
    assert rows["a"].to_list() == [1, 2]
    assert set(rows["cores"]) == {os.cpu_count()}
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    paths = [tables.Rows("dated").path for _ in range(3)]  # of the same second
    assert len({*paths}) == 3


@dataclass(frozen=True)
class Task:
    a: int
    b: float


def test_a_file_goes_on_after_a_line_that_was_cut_off(tmp_path):
    file, done = tmp_path / "rows.csv", []

    def work(task):
        done.append(task.a)
        return {"found": 6.0 + task.a}

    tables.fill(file, [Task(1, 2.5), Task(2, 2.5)], work)
    file.write_text(file.read_text()[:-2])
    tables.fill(file, [Task(1, 2.5), Task(2, 2.5)], work)
    assert done == [1, 2, 2]
    assert pd.read_csv(file)["found"].to_list() == [7, 8]
    with pytest.raises(ValueError, match="other columns"):
        tables.fill(file, [Task(3, 2.5)], lambda task: {"other": 1})


def test_a_file_gets_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "below" / "name"
    with pytest.raises(FileNotFoundError), files.written_whole(path):
        pass  # nothing was written
    assert list(path.parent.iterdir()) == []
    with files.written_whole(path) as part:
        part.write_text("whole")
    assert path.read_text() == "whole"


def test_memory_of_a_process_is_sampled():
    with Memory(os.getpid(), interval=0.01) as memory:
        pass
    assert sizes(os.getpid())[os.getpid()] > 2**20
    assert memory.peak()[os.getpid()] > 2**20
    assert memory.peak(end=0.0) == {}


def test_a_child_that_fails_says_so():
    with pytest.raises(RuntimeError, match="nobody failed"):
        Process(Lasso("tiny", 10.0, True), "nobody", {"tol": 1.0}).ready()
