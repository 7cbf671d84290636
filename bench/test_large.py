"""The large Lasso runs, on tiny designs; the design is what it says, and the judge agrees."""

import numpy as np
import pytest

from bench import judge
from bench.evidence import growth, tables
from bench.large import planted
from bench.large import tables as large
from bench.large.__main__ import main
from bench.large.trial import Limits, Task, attempt
from strads.engine.compiling.disk import cache_dir


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STRADS_CACHE_DIR", str(cache_dir()))  # compiled code stays where it is
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_design_does_not_depend_on_processes_or_size(monkeypatch):
    monkeypatch.setattr(planted, "CHUNK", 300)
    few = planted.load(500, rows=200, processes=1)
    monkeypatch.setattr(planted, "VERSION", "other")
    many = planted.load(1000, rows=200, processes=1)
    assert np.array_equal(few.X.toarray(), many.X[:, :500].toarray())
    again = planted.draw_chunk(1, 200, 200, 0)
    assert np.array_equal(again[1].ravel(), few.X.data[300 * planted.NONZEROS :])


def test_generated_in_parallel():
    columns = planted.CHUNK + 10
    design = planted.load(columns, rows=100, processes=2)
    where, values = planted.draw_chunk(1, 10, 100, 0)
    assert np.array_equal(design.X.indices[-250:].reshape(10, 25), where)
    assert np.array_equal(design.X.data[-250:].reshape(10, 25), values)


def test_columns_and_noise():
    X, y, ids, weights = planted.load(2000, rows=300)
    assert X.has_canonical_format
    assert X.indices.dtype == np.int32
    assert np.all(np.diff(X.indptr) == planted.NONZEROS)
    assert np.all(np.diff(X.indices.reshape(-1, planted.NONZEROS), axis=1) > 0)
    assert np.allclose(np.square(X.data.reshape(-1, planted.NONZEROS)).sum(axis=1), 1.0)
    signal = X[:, ids] @ weights
    assert np.linalg.norm(signal) / np.linalg.norm(y - signal) == pytest.approx(3.0)


def test_blocks_of_columns_do_not_change_the_verdict(monkeypatch):
    X, y, ids, weights = planted.load(500, rows=200)
    alpha = judge.alpha_max(X, y, fit_intercept=False) / 20
    coef = np.zeros(500)
    coef[ids] = 0.7 * weights
    whole = judge.judge(X, y, coef, alpha=alpha, fit_intercept=False)
    monkeypatch.setattr(judge, "BLOCK", 37)
    assert judge.alpha_max(X, y, fit_intercept=False) / 20 == alpha
    for same in (X, X.tocsr(), X.toarray()):
        found = judge.judge(same, y, coef, alpha=alpha, fit_intercept=False)
        assert found.gap == pytest.approx(whole.gap)
        assert found.nonzeros == whole.nonzeros


def test_line_on_paper():
    x = np.array([1e5, 1e6, 1e7])
    assert large.line(x, 3.0 + 2e-6 * x) == pytest.approx((3.0, 2e-6))
    assert large.wider_bytes(10_000_000) == 0
    assert large.wider_bytes(100_000_000) == 4 * (26 * 100_000_000 + 1)


def test_commands(tmp_path, capsys):
    main(["generate", "--tiny"])
    trials = main(["fit", "--tiny", "--workers", "2", "--divisors", "10", "--out", str(tmp_path)])
    assert all(trial.converged for trial in trials)
    assert all(trial.peak > 0 and trial.found["passes"] > 1 for trial in trials)
    assert {"leader", "worker 0", "worker 1", "scheduler"} <= set(trials[-1].shares)
    main(["peers", "--tiny", "--solvers", "sklearn", "--divisors", "10", "--out", str(tmp_path)])
    assert len(list(tmp_path.glob("large-*.csv"))) == 4
    assert "strads-2 | converged" in tables.everything(tmp_path)
    assert "replicated" in capsys.readouterr().out


def test_growth(tmp_path, capsys):
    rows = main(["growth", "--tiny", "--columns", "2000", "--workers", "1", "--out", str(tmp_path)])
    assert {row["schedule"] for row in rows} == {"priority", "random", "round-robin"}
    assert all(row["id_seconds"] > 0.0 and not row["failed"] for row in rows)
    assert "on paper" in capsys.readouterr().out
    assert growth.draw(tmp_path).stat().st_size > 0
    assert "Every column dispatched" in tables.everything(tmp_path)


def test_a_fit_beyond_its_limits_is_killed():
    planted.load(2000, rows=500)
    killed = attempt(Task(2000, 500, 0, 10.0), "sklearn", 1e-4, Limits(gib=1e-6), interval=0.01)
    assert killed.outcome == "killed at 1e-06 GiB"
