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
