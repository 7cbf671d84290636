"""The engine's benchmarks run; what they measure is for quiet machines."""

import sys

import numba
import numpy as np
import pytest

from bench.engine import __main__ as engine
from bench.engine import round_model
from bench.first import cold, user_kernels
from bench.programs import heavy, loops, lost, nnls, placed
from bench.survival import endurance
from strads import Record

needs_jit = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="processes need compiled atomics")
#: Programs of their own, and schedules, take long to compile: by day they run without the JIT.
WORKERS = [1] if numba.config.DISABLE_JIT else [1, 2]


@pytest.mark.parametrize(("parts", "count"), [
    pytest.param(["clock", "rounds"], 10, marks=needs_jit), (["draws", "lists"], 15),
])  # fmt: skip
def test_every_row_of_the_engines_benchmark_is_a_time(parts, count, capsys):
    rows = engine.main(parts, tiny=True)
    assert len({(row["group"], row["what"]) for row in rows}) == len(rows) == count
    assert all(np.isfinite([row["median"], row["p99"]]).all() for row in rows)
    printed = capsys.readouterr().out
    assert printed.count("Python 3") == 1  # the machine is named once
    assert "written" not in printed


@needs_jit
@pytest.mark.slow  # a new process compiles all that a fit needs
def test_the_first_fit_of_an_estimator(capsys):
    (row,) = cold.main(repeats=1, workers=1, fits=["MatrixFactorization"])
    assert row["empty"] > row["warm"] > 0.0
    assert "another" not in row
    assert "MatrixFactorization" in capsys.readouterr().out


@needs_jit
@pytest.mark.slow  # new processes compile; tests of the engine's compiler do the same
def test_an_edited_constant_counts_in_the_first_fit(capsys):
    (row,) = user_kernels.main(repeats=1, workers=[1], kinds=["script"])
    assert row["right"] == "yes"
    assert row["compiled"] == "disk"
    assert "kernels in" in capsys.readouterr().out


@needs_jit
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize(("trial", "count"), [
    ("interrupts", 3), ("kills", 3), ("abandoned", 4), ("callbacks", 1), ("refits", 6),
])  # fmt: skip
def test_every_blow_is_outlived(trial, count, capsys):
    endurance.main(trial, count=count)
    assert f"{trial}: {count} times, 0 failures" in capsys.readouterr().out


@needs_jit
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_failure_is_counted_and_told(monkeypatch, capsys):
    monkeypatch.setattr(endurance, "left", lambda: ["left: process 1"])
    with pytest.raises(SystemExit):
        endurance.main("callbacks", count=0)
    assert "callbacks: left: process 1" in capsys.readouterr().out


def test_nnls(capsys):
    given = {"tiny": True, "residuals": [1e-3], "repeats": 1, "workers": WORKERS}
    rows = nnls.main(**given, schedules=["round-robin", "lists"])
    ran = {"cyclic loop", "loop over lists", "round-robin, 1 worker", "lists, 1 worker"}
    assert {row["who"] for row in rows if "2 workers" not in row["who"]} == ran
    assert all(row["judged"] <= 1.001e-3 for row in rows)
    assert "÷ cyclic loop" in capsys.readouterr().out


def test_programs_beside_loops(capsys):
    rows = loops.main(tiny=True, repeats=1, workers=WORKERS)
    judged = {(row["program"], row["who"]): row["judged"] for row in rows}
    assert len(judged) == 5 * (1 + len(WORKERS))
    most = {"pagerank": 1e-10, "logistic": 1.001e-4, "groups": 1.001e-6, "potts": 1.0,
            "svm": 1.001e-3}  # fmt: skip
    assert all(value <= most[program] for (program, _), value in judged.items())
    assert abs(judged["potts", "plain loop"] - judged["potts", "1 worker"]) < 0.1
    assert "loop ÷ it" in capsys.readouterr().out


def test_heavy(capsys):
    rows = heavy.main(tiny=True, repeats=1, residual=1e-3)
    assert {row["problem"] for row in rows} == {"chain", "blocks", "groups", "classes"}
    assert all(row["judged"] <= 1.001e-3 for row in rows)
    assert "priority + dependency" in {row["schedule"] for row in rows}
    assert "÷ best static" in capsys.readouterr().out


@needs_jit
def test_what_two_workers_lose(capsys):
    run, fit = lost.main(["groups"], ["tiny-lasso"], repeats=1, tiny=True)
    shares = [row[key] for row in (run, fit) for key in ("waiting", "starved", "lost", "leader")]
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert 0.0 <= run["uneven"] < 0.5
    assert run["micro"] > 0
    assert "uneven, counted" in capsys.readouterr().out


def test_uneven_work_is_counted():
    record = Record(np.array([[0, 1, 2], [3, 4, 0]]), np.array([[0, 1, 3], [0, 2, 2]]), sweeps=1)
    work = lost.divided(record, np.array([1.0, 2.0, 3.0, 1.0, 4.0]))
    np.testing.assert_array_equal(work, [[1.0, 5.0], [5.0, 0.0]])
    assert lost.idle(work) == pytest.approx(1.0 - 5.5 / 10.0)


@needs_jit
@pytest.mark.slow  # it compiles programs of its own
def test_placed(capsys):
    rows = placed.main(["tiny"], tiny=True, together=16, repeats=1)
    assert {row["problem"] for row in rows} == {"tiny", "groups"}
    assert all(row["judged"] <= 1.001e-3 for row in rows if "similar" in row["who"])
    assert "thereof placing" in capsys.readouterr().out


@needs_jit
@pytest.mark.slow  # its schedule is compiled for it alone
def test_rounds_are_foretold(capsys):
    rows = round_model.main(tiny=True)
    assert [row["workers"] for row in rows] == [1, 2, 4]
    assert all(row["worker"] > 0.0 and row["scheduler"] > 0.0 for row in rows)
    assert rows[0]["gain"] == 1.0
    assert rows[0]["barriers"] == 0.0 < rows[1]["barriers"] < rows[2]["barriers"]
    assert "foretold" in capsys.readouterr().out


def test_prices_are_found_from_times():
    rng = np.random.default_rng(0)
    terms = rng.exponential(size=(8, 3))
    found = round_model.fitted(terms.tolist(), (terms @ [2.0, 0.0, 0.5]).tolist())
    np.testing.assert_allclose(found, [2.0, 0.0, 0.5], atol=1e-9)
