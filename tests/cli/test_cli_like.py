"""``--like RUN``: the settings of an earlier run are the defaults of the next one."""

import json

import numpy as np
import pytest
from commands import done, record_of, refused


@pytest.fixture
def design(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 4))
    np.savez(tmp_path / "x.npz", X=X, y=X @ [1.0, 0.0, 2.0, 0.5])
    return tmp_path / "x.npz"


def settings_of(out):
    own = {"data", "verbose", "checkpoint", "resume_from"}
    return {name: one for name, one in record_of(out)["settings"].items() if name not in own}


def test_settings_are_taken_over_and_options_come_before_them(design, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    asked = ("--alpha", 0.3, "--no-intercept", "--schedule", "priority", "--rho", 0.2, "--seed", 4)
    done("fit", "lasso", design, *asked, "--positive", "--max-seconds", 50, "--out", first)
    done("fit", "lasso", design, "--like", first, "--tol", 1e-4, "--out", second)
    assert settings_of(second) == {**settings_of(first), "tol": 1e-4}
    taken = settings_of(second)
    assert (taken["alpha"], taken["rho"], taken["random_state"]) == (0.3, 0.2, 4)
    assert not taken["fit_intercept"]
    assert taken["positive"]


def test_sizes_of_groups_are_taken_over(design, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    done("fit", "group", design, "--alpha", 0.1, "--groups", "3,1", "--out", first)
    done("fit", "group", design, "--like", first, "--out", second)
    assert settings_of(second) == settings_of(first)
    assert settings_of(second)["groups"] == [3, 1]


def test_another_command_or_no_run_is_refused(design, tmp_path):
    done("fit", "lasso", design, "--alpha", 0.3, "--out", tmp_path / "lasso")
    says = ["a run of strads fit lasso, not of strads fit enet", "of the same command"]
    refused("fit", "enet", design, "--like", tmp_path / "lasso", says=says)
    refused("fit", "lasso", design, "--like", tmp_path / "none", says="run.json cannot be read")
    for damaged in ("{", "[]", json.dumps({"model": "Lasso"})):
        (tmp_path / "lasso" / "run.json").write_text(damaged)
        refused("fit", "lasso", design, "--like", tmp_path / "lasso", says="no record of a fit")


# -- --start ---------------------------------------------------------------------------------------


def test_a_fit_starts_from_an_earlier_one(design, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    done("fit", "lasso", design, "--alpha", 0.1, "--tol", 1e-9, "--out", first)
    done("fit", "lasso", design, "--alpha", 0.1, "--start", first, "--out", again)
    assert record_of(again)["n_iter"] <= record_of(first)["n_iter"]
    assert record_of(again)["settings"]["start"] == str(first)
    assert record_of(again)["history"][0]["certificate"] <= 1e-6  # it has begun at the end
    like = tmp_path / "like"
    done("fit", "lasso", design, "--like", again, "--out", like)
    assert record_of(like)["settings"]["start"] is None


def test_machines_start_from_their_dual_variables(design, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    with np.load(design) as given:
        np.savez(tmp_path / "labels.npz", X=given["X"], y=(given["y"] > 0.0) + 0.0)
        np.savez(tmp_path / "others.npz", X=given["X"], y=(given["y"] > 0.0) + 1.0)
    labels = tmp_path / "labels.npz"
    done("fit", "svm", labels, "--tol", 1e-8, "--out", first)
    done("fit", "svm", labels, "--C", 2.0, "--start", first, "--out", again)
    done("fit", "svm", labels, "--start", first, "--out", tmp_path / "same")
    assert record_of(tmp_path / "same")["n_iter"] <= record_of(first)["n_iter"]
    says = "separates the classes 0.0, 1.0"
    refused("fit", "svm", tmp_path / "others.npz", "--quiet", "--start", first, says=says)


def test_what_a_fit_cannot_start_from_is_refused(design, tmp_path):
    done("fit", "lasso", design, "--alpha", 0.3, "--out", tmp_path / "lasso")
    says = ["--start", "holds no model.npz"]
    refused("fit", "lasso", design, "--alpha", 0.3, "--start", tmp_path / "none", says=says)
    says = "holds a model of class Lasso"
    refused("fit", "enet", design, "--alpha", 0.3, "--start", tmp_path / "lasso", says=says)
