"""The command line: files, output and errors."""

import json
import os

import numpy as np
import pytest
import scipy.sparse as sp
from typer.testing import CliRunner

import strads
from strads.cli import app

FAILED, BAD_INPUT, NOT_CONVERGED = 3, 2, 1


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(3)
    X = sp.random_array((60, 90), density=0.2, format="csc", random_state=2)
    w = np.zeros(90)
    w[:6] = rng.normal(size=6)
    return X, X @ w + 0.01 * rng.normal(size=60) + 2.0


@pytest.fixture
def path(tmp_path, problem):
    X, y = problem
    file = tmp_path / "data.npz"
    sp.save_npz(file, X)
    with np.load(file) as stored:
        np.savez(file, y=y, **{name: stored[name] for name in stored.files})
    return file


def strads_(*arguments):
    """Run a command; return its exit code, and everything it printed in one line."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def fit(path, *more, workers=1):
    return strads_("fit", "lasso", path, "--alpha", 0.002, "--workers", workers, *more)


def test_version():
    code, output = strads_("--version")
    assert code == 0
    assert output.strip() == f"strads {strads.__version__}"


@pytest.mark.parametrize("command", [(), ("fit",), ("fit", "lasso"), ("demo",)])
def test_help(command):
    code, output = strads_(*command, "--help")
    assert code == 0
    assert "Usage" in output


def test_fit_writes_what_the_estimator_finds(path, problem, tmp_path):
    X, y = problem
    out = tmp_path / "runs" / "first"
    code, output = fit(path, "--out", out, "--seed", 5)
    assert code == 0
    assert "gap" in output
    model = strads.Lasso(0.002, n_workers=1, schedule="priority", random_state=5).fit(X, y)
    with np.load(out / "coef.npz") as stored:
        coef = np.zeros(int(stored["size"]))
        coef[stored["index"]] = stored["value"]
        np.testing.assert_array_equal(coef, model.coef_)
        assert float(stored["intercept"]) == model.intercept_


def test_the_record_is_complete_and_of_numbers(path, tmp_path):
    out = tmp_path / "run"
    assert fit(path, "--out", out)[0] == 0
    record = json.loads((out / "run.json").read_text())
    assert record["version"] == strads.__version__
    settings = record["settings"]
    assert settings["alpha"] == 0.002
    assert settings["n_workers"] == 1
    assert settings["schedule"] == "priority"
    assert settings["data"] == str(path)
    assert isinstance(record["dual_gap"], float)
    assert record["dual_gap"] <= settings["tol"]
    assert record["history"][-1]["certificate"] == record["dual_gap"]
    counted = record["statistics"]["schedules"]["descend"]
    assert isinstance(counted["dispatched"], int)
    assert counted["dispatched"] > 0


def test_options_reach_the_estimator(path, problem, tmp_path):
    X, y = problem
    out = tmp_path / "run"
    assert fit(path, "--no-intercept", "--positive", "--tol", 1e-4, "--out", out)[0] == 0
    model = strads.Lasso(
        0.002, fit_intercept=False, positive=True, tol=1e-4, n_workers=1, schedule="priority"
    ).fit(X, y)
    with np.load(out / "coef.npz") as stored:
        assert stored["value"].min() > 0.0
        assert float(stored["intercept"]) == 0.0
        np.testing.assert_array_equal(stored["value"], model.coef_[model.coef_ != 0.0])


@pytest.mark.parametrize("schedule", ["random", "round-robin"])
def test_every_schedule_reaches_the_certificate(path, schedule):
    assert fit(path, "--schedule", schedule)[0] == 0


def test_a_target_of_its_own(problem, tmp_path):
    X, y = problem
    path, target = tmp_path / "x.npz", tmp_path / "y.npy"
    sp.save_npz(path, X)
    np.save(target, y)
    assert fit(path, "--target", target)[0] == 0
    code, output = fit(path)
    assert code == BAD_INPUT
    assert "--target" in output


def test_not_converged_is_exit_code_1_and_still_written(path, tmp_path):
    out = tmp_path / "run"
    code, output = fit(path, "--tol", 0, "--max-iter", 4, "--out", out)
    assert code == NOT_CONVERGED
    assert "Traceback" not in output
    record = json.loads((out / "run.json").read_text())
    assert record["dual_gap"] > 0.0


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--alpha", -1), "alpha"),
        (("--tol", -1), "tol"),
        (("--max-iter", 0), "max_iter"),
        (("--workers", 0), "workers"),
        (("--rho", 2), "rho"),
        (("--schedule", "best"), "schedule"),
    ],
)
def test_a_wrong_option_is_exit_code_2_and_one_line(path, options, names):
    code, output = fit(path, *options)
    assert code == BAD_INPUT
    assert names in output.replace("-", "_")
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["gone.npz", "x.csv", "x[a].npz", "[bold]x.npz"])
def test_a_wrong_file_is_named_as_it_is(tmp_path, name):
    # A file name may look like markup of the terminal library.
    path = tmp_path / name
    if name != "gone.npz":
        path.write_bytes(b"no data")
    code, output = fit(path)
    assert code == BAD_INPUT
    assert str(path) in output
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "name", "content"),
    [
        ("lasso", "nul.mtx", b"%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 1.0\0\n"),
        ("lasso", "cut.npy", b"\x93NUMPY\x01\x00\x76\x00{'shape': ((3, "),
        ("lasso", "cut.svm.gz", b"\x1f\x8b\x08\0\0\0\0\0"),
        ("lasso", "name\udcff.npz", b"PK\x03\x04"),
        ("mf", "x.csv.gz", b"no archive"),
        ("mf", "x.csv", b"1,2,3\n1,\xff,3\n"),
        ("mf", "x.npz", b""),
        ("lda", "docword.x.txt", b"200000000\n5\n1\n1 1 1\n"),
        ("lda", "x.npz", b"PK\x05\x06" + bytes(18)),
        *((command, "folder.npz", None) for command in ("lasso", "mf", "lda")),
    ],
)
def test_a_damaged_file_is_exit_code_2_and_one_line(tmp_path, command, name, content):
    path = tmp_path / name
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    options = {"lasso": ("--alpha", 1), "mf": (), "lda": ("--topics", 2)}[command]
    code, output = strads_("fit", command, path, *options)
    assert code == BAD_INPUT
    assert len(output.strip().splitlines()) == 1
    assert name.partition("\udcff")[0] in output


def test_too_little_memory_is_exit_code_3_and_one_line(path, monkeypatch):
    def full(*_):
        raise MemoryError("Unable to allocate 9 TiB")

    monkeypatch.setattr("strads.algorithms.lasso.lasso.Lasso.fit", full)
    code, output = fit(path)
    assert code == FAILED
    assert output.strip() == "strads: out of memory (Unable to allocate 9 TiB)"


def test_an_unusable_folder_is_reported(path, tmp_path):
    occupied = tmp_path / "run"
    occupied.write_text("a file")
    code, output = fit(path, "--out", occupied)
    assert code == BAD_INPUT
    assert "Traceback" not in output
    assert str(occupied) in output


@pytest.mark.processes
@pytest.mark.skipif(os.name != "posix", reason="worker processes need a POSIX system")
def test_two_workers_find_the_same_model(path, problem, tmp_path):
    X, y = problem
    out = tmp_path / "run"
    assert fit(path, "--out", out, workers=2)[0] == 0
    with np.load(out / "coef.npz") as stored:
        coef = np.zeros(int(stored["size"]))
        coef[stored["index"]] = stored["value"]
    one = strads.Lasso(0.002, n_workers=1).fit(X, y).coef_
    np.testing.assert_allclose(coef, one, atol=1e-3)
    strads.default_engine().close()
