"""``strads fit lasso``: files, output and errors."""

import csv
import os
import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from commands import NOT_CONVERGED, done, record_of, refused, strads_

import strads

PASS = re.compile(
    r"^pass +(\d+)  epochs \S+  gap (\S+)  support (\S+)  working set \S+ +(\d+\.\d\d) s$", re.M
)


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


def arguments(path, *more, workers=1):
    return ("fit", "lasso", path, "--alpha", 0.002, "--workers", workers, *more)


def weights(out):
    with np.load(out / "coef.npz") as stored:
        coef = np.zeros(int(stored["size"]))
        coef[stored["index"]] = stored["value"]
        return coef, float(stored["intercept"])


def test_fit_writes_what_the_estimator_finds(path, problem, tmp_path):
    out = tmp_path / "runs" / "first"
    ended = done(*arguments(path, "--out", out, "--seed", 5))
    assert "gap" in ended.stdout
    model = strads.Lasso(0.002, n_workers=1, random_state=5).fit(*problem)
    coef, intercept = weights(out)
    np.testing.assert_array_equal(coef, model.coef_)
    assert intercept == model.intercept_
    loaded = strads.Lasso.load(out / "model.npz")
    np.testing.assert_array_equal(loaded.coef_, model.coef_)
    assert loaded.intercept_ == model.intercept_
    with (out / "coef.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {int(row["feature"]): float(row["weight"]) for row in rows} == {
        j: coef[j] for j in np.flatnonzero(coef)
    }
    assert sorted(rows, key=lambda row: -abs(float(row["weight"]))) == rows


def test_the_record_is_complete_and_of_numbers(path, tmp_path):
    out = tmp_path / "run"
    done(*arguments(path, "--out", out))
    record = record_of(out)
    settings = record["settings"]
    assert (settings["alpha"], settings["n_workers"], settings["schedule"]) == (0.002, 1, None)
    assert settings["data"] == str(path)
    assert isinstance(record["dual_gap"], float)
    assert record["dual_gap"] <= settings["tol"]
    assert record["history"][-1]["certificate"] == record["dual_gap"]
    counted = record["statistics"]["schedules"]["descend"]
    assert isinstance(counted["dispatched"], int)
    assert counted["dispatched"] > 0


def test_a_line_a_pass_on_stderr(path, tmp_path):
    ended = done(*arguments(path, "--out", tmp_path))
    lines = PASS.findall(ended.stderr)
    history = record_of(tmp_path)["history"]
    assert lines == [
        (
            str(step["epoch"]), f"{step['certificate']:.2e}", f"{step['nonzeros']:.0f}",
            f"{step['seconds']:.2f}",
        )
        for step in history
    ]  # fmt: skip
    assert len(lines) > 1
    assert "60 rows × 90 features, read in" in ended.stderr
    assert not PASS.search(ended.stdout)
    quiet = done(*arguments(path, "--quiet"))
    assert quiet.stderr == ""
    assert "non-zero weights" in quiet.stdout


def test_options_reach_the_estimator(path, problem, tmp_path):
    done(*arguments(path, "--no-fit-intercept", "--positive", "--tol", 1e-4, "--out", tmp_path))
    model = strads.Lasso(0.002, fit_intercept=False, positive=True, tol=1e-4, n_workers=1)
    coef, intercept = weights(tmp_path)
    assert coef.min() >= 0.0
    assert intercept == 0.0
    np.testing.assert_array_equal(coef, model.fit(*problem).coef_)


@pytest.mark.parametrize("schedule", ["priority", "random", "round-robin"])
def test_every_schedule_reaches_the_certificate(path, schedule):
    done(*arguments(path, "--schedule", schedule))


def test_rho_is_for_the_priority_schedule(path, tmp_path):
    done(*arguments(path, "--rho", 0.1, "--out", tmp_path))
    settings = record_of(tmp_path)["settings"]
    assert (settings["rho"], settings["schedule"]) == (0.1, "priority")
    refused(*arguments(path, "--rho", 0.1, "--schedule", "random"), says="--rho")


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.tsv.gz"])
def test_tables_with_the_target_by_name(tmp_path, name):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(30, 3)), columns=["a", "b", "house value"])
    frame["where"] = "sea"
    frame["house value"] += 3 * frame["b"]
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if "tsv" in name else ",")
    run = ("fit", "lasso", path, "--alpha", 0.01, "--workers", 1, "--out", tmp_path)
    refused(*run, "--target", "house value", says=("column 'where' holds 'sea'", "--drop where"))
    refused(*run, "--drop", "where", says=("--target COLUMN", "'a', 'b', 'house value'"))
    done(*run, "--target", "house value", "--drop", "where")
    assert record_of(tmp_path)["columns"] == ["a", "b"]
    assert (tmp_path / "coef.csv").read_text().startswith("feature,weight\nb,")
    model = strads.Lasso(0.01, n_workers=1).fit(frame[["a", "b"]].to_numpy(), frame["house value"])
    np.testing.assert_array_equal(weights(tmp_path)[0], model.coef_)


def test_a_target_of_its_own(problem, tmp_path):
    X, y = problem
    path, target = tmp_path / "x.npz", tmp_path / "y.npy"
    sp.save_npz(path, X)
    np.save(target, y)
    done(*arguments(path, "--target", target))
    refused(*arguments(path), says="--target")


def test_not_converged_is_exit_code_1_and_still_written(path, tmp_path):
    ended = strads_(*arguments(path, "--tol", 0, "--max-iter", 4, "--out", tmp_path))
    assert ended.code == NOT_CONVERGED
    assert "Traceback" not in ended.stderr
    assert record_of(tmp_path)["dual_gap"] > 0.0


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (("--alpha", -1), "'alpha'"),
        (("--tol", -1), "'tol'"),
        (("--max-iter", 0), "'max-iter'"),
        (("--workers", 0), "'workers'"),
        (("--n-workers", 0), "'workers'"),
        (("--rho", 2), "rho"),
        (("--schedule", "best"), "'schedule'"),
    ],
)
def test_a_wrong_option_is_exit_code_2_and_one_line(tmp_path, options, name):
    # The file does not exist, but options are checked before a long read.
    refused(*arguments(tmp_path / "gone.npz", *options), says=name)


@pytest.mark.parametrize("name", ["gone.npz", "x.xls", "x[a].npz", "[bold]x.npz"])
def test_a_wrong_file_is_named_as_it_is(tmp_path, name):
    # A file name may look like markup of the terminal library.
    path = tmp_path / name
    if name != "gone.npz":
        path.write_bytes(b"no data")
    refused(*arguments(path), says=str(path))


@pytest.mark.processes
@pytest.mark.skipif(os.name != "posix", reason="worker processes need a POSIX system")
def test_two_workers_find_the_same_model(path, problem, tmp_path):
    done(*arguments(path, "--out", tmp_path, workers=2))
    one = strads.Lasso(0.002, n_workers=1).fit(*problem).coef_
    np.testing.assert_allclose(weights(tmp_path)[0], one, atol=1e-3)
    assert record_of(tmp_path)["peak_memory_bytes"]["leader"] > 0
    strads.default_engine().close()
