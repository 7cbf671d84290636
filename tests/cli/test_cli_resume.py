"""Fits of the command line that save themselves, that Ctrl-C ends, and that go on."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from children import PATH
from commands import done, record_of, refused, strads_
from processes import PATIENCE_S, nothing_left

import strads
from strads.cli.reports import INTERRUPTED
from strads.engine import Run
from strads.monitoring import read_events


@pytest.fixture
def design(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 200))
    y = X[:, :20].sum(axis=1) + rng.normal(size=60)
    np.savez(tmp_path / "x.npz", X=X, y=y)
    return tmp_path / "x.npz"


@pytest.fixture
def strike(monkeypatch):
    """Return a function that lets Ctrl-C come in the step with a number, of all fits."""
    seen, at, inner = [], [], Run._step

    def step(run):
        done_ = inner(run)
        seen.append(done_.epoch)
        if len(seen) in at:
            signal.raise_signal(signal.SIGINT)
        return done_

    monkeypatch.setattr(Run, "_step", step)

    def strike_at(*numbers):
        seen.clear()
        at[:] = numbers
        return seen

    return strike_at


def test_a_fit_that_ctrl_c_ended_goes_on(design, tmp_path, strike, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit = ("fit", "lasso", "x.npz", "--alpha", 0.02, "--workers", 1)
    whole = done(*fit, "--out", "whole")
    expected = strads.Lasso.load("whole/model.npz")
    seen = strike(1)
    ended = strads_(*fit, "--out", "run", "--checkpoint", "saved")
    assert ended.code == INTERRUPTED and len(seen) == 2
    assert "strads: interrupted; the model is what had been found by then" in ended.stderr
    assert "saved in run" in ended.stderr
    assert record_of(tmp_path / "run")["verdict"] == "interrupted"
    strike()
    monkeypatch.chdir("/")
    again = done("resume", tmp_path / "run")
    assert (
        "--resume-from saved" in again.stderr
        and again.stderr.count("pass ") == whole.stderr.count("pass ") - 2
    )
    model = strads.Lasso.load("run/model.npz")
    assert model.coef_.tobytes() == expected.coef_.tobytes()
    assert model.dual_gap_ == expected.dual_gap_
    told = read_events(tmp_path / "run" / "events.jsonl")
    assert [one["event"] for one in told].count("fit") == 2  # both parts are kept
    assert [one["resumed_from"] is None for one in told if one["event"] == "run"] == [True, False]
    assert {"trace.json", "trace-1.json"} < set(os.listdir(tmp_path / "run"))
    figures = [row for row in whole.stdout.splitlines() if "objective" in row]
    assert figures == [row for row in again.stdout.splitlines() if "objective" in row]


def test_the_second_ctrl_c_and_one_without_a_model(design, tmp_path, strike):
    strike(1, 2)
    ended = strads_("fit", "lasso", design, "--alpha", 0.02, "--out", tmp_path / "run")
    assert ended.code == INTERRUPTED and ended.stderr.endswith("no model was saved\n")
    strike(3)
    ended = strads_("cv", design, "--alphas", 5, "--folds", 3)
    assert ended.code == INTERRUPTED and ended.stderr.endswith("no model was saved\n")
    assert record_of(tmp_path / "run")["state"] == "interrupted"
    refused("predict", tmp_path / "run", design, says=("no model", "'interrupted'"))
    strike(2)
    ended = strads_("path", design, "--alphas", 9, "--out", tmp_path / "path")
    assert ended.code == INTERRUPTED
    assert 1 <= len(np.load(tmp_path / "path" / "path.npz")["alphas"]) < 9


@pytest.fixture
def ratings(tmp_path):
    rng = np.random.default_rng(1)
    rows = [(u, i, rng.integers(1, 6)) for u in range(30) for i in rng.choice(20, 9, replace=False)]
    lines = "".join(f"{user},{item},{rating}\n" for user, item, rating in rows)
    (tmp_path / "r.csv").write_text("user,item,rating\n" + lines)
    return tmp_path / "r.csv"


@pytest.mark.parametrize("at", [3, 8])
def test_a_fit_that_is_judged_first_goes_on(ratings, tmp_path, strike, at):
    fit = ("fit", "mf", ratings, "--rank", 3, "--max-iter", 5, "--tol", 0, "--workers", 1)
    done(*fit, "--out", tmp_path / "whole")
    saves = ("--checkpoint", tmp_path / "saved", "--resume-from", tmp_path / "saved")
    strike(at)
    ended = strads_(*fit, *saves, "--out", tmp_path / "run")
    assert ended.code == INTERRUPTED
    shown = done("recommend", tmp_path / "run", "0")  # whichever fit it was, ids are known
    assert len(shown.stdout.splitlines()) > 1
    strike()
    done(*fit, *saves, "--out", tmp_path / "run")
    one, other = (strads.MatrixFactorization.load(tmp_path / name / "model.npz")
                  for name in ("whole", "run"))  # fmt: skip
    assert one.item_factors_.tobytes() == other.item_factors_.tobytes()
    held = [record_of(tmp_path / name)["held_out"] for name in ("whole", "run")]
    assert held[0]["validation_rmse"] == held[1]["validation_rmse"]


@pytest.mark.processes
def test_ctrl_c_in_a_terminal_saves_the_topics(tmp_path):
    counts = sp.csr_array(np.random.default_rng(0).poisson(1.0, size=(60, 50)))
    scipy.io.mmwrite(tmp_path / "c.mtx", counts)
    line = ["fit", "lda", tmp_path / "c.mtx", "--topics", 3, "--max-iter", 10**7, "--test", 0,
            "--workers", 2, "--out", tmp_path / "run"]  # fmt: skip
    with nothing_left(), subprocess.Popen(
        [sys.executable, "-m", "strads", *map(str, line)], stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": PATH}, text=True,
    ) as child:  # fmt: skip
        for told in child.stderr:
            if told.startswith("sweep    3 "):
                child.send_signal(signal.SIGINT)
                break
        assert "interrupted; the model is" in child.stderr.read()
        assert child.wait(PATIENCE_S) == INTERRUPTED
    record = record_of(tmp_path / "run")
    model = strads.LatentDirichletAllocation.load(tmp_path / "run" / "model.npz")
    assert model.n_iter_ == record["n_iter"] == len(record["history"]) >= 3


def test_what_cannot_be_resumed_is_named(design, tmp_path):
    fit = ("fit", "lasso", design, "--alpha", 0.5, "--out")
    done(*fit, tmp_path / "first")
    refused("resume", tmp_path / "first", says="its fit has ended: certified")
    refused("resume", tmp_path, says="not the folder of a fit")
    done(*fit, tmp_path / "run", f"--checkpoint={tmp_path / 'saved'}")
    assert done("resume", tmp_path / "run").code == 0
    (tmp_path / "run" / "command.json").write_text(json.dumps({"arguments": ["fit"]}))
    refused("resume", tmp_path / "run", says="damaged")
    other = ("fit", "lasso", design, "--alpha", 0.4, "--resume-from", tmp_path / "saved")
    ended = strads_(*other)
    assert ended.code != 0 and "alpha is 0.4 here, 0.5 in the checkpoints" in ended.stderr
