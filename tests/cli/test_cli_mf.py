"""``strads fit mf``: files, output and errors."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

import strads
from strads.cli import app
from strads.datasets import read_ratings, split_ratings

BAD_INPUT = 2
EPOCH = re.compile(r"epoch +(\d+)  training RMSE (\d\.\d{4})(?:  held-out RMSE (\d\.\d{4}))? +\d")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Ratings by 30 users u0 … u29 of 20 items, made from two factors; one rating occurs twice."""
    rng = np.random.default_rng(0)
    W, H = rng.normal(size=(30, 2)), rng.normal(size=(20, 2))
    pairs = [(u, i) for u in range(30) for i in range(20) if rng.random() < 0.7]
    lines = [f"u{u},{i},{3 + W[u] @ H[i]:.3f}" for u, i in pairs]
    file = tmp_path_factory.mktemp("ratings") / "ratings.csv"
    file.write_text("user,item,rating\n" + "\n".join([*lines, lines[0]]) + "\n")
    return file


def fit(path, *options):
    """Run the command; return its exit code, and all that it printed."""
    given = {"--rank": 2, "--max-iter": 4, "--workers": 1, "--tol": 0}
    arguments = [*options]
    for name, value in given.items():
        if name not in options:
            arguments += [name, value]
    result = CliRunner().invoke(
        app, ["fit", "mf", str(path), *map(str, arguments)], env={"COLUMNS": "200"}
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def fitted(path, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "first"
    code, output = fit(path, "--test", 0.2, "--seed", 3, "--regularization", 0.01, "--out", out)
    assert code == 0
    return out, output


def test_the_model_is_what_the_estimator_finds(path, fitted):
    train, test = split_ratings(read_ratings(path), 0.2, 3)
    model = strads.MatrixFactorization(
        2, regularization=0.01, max_iter=4, tol=0.0, n_workers=1, random_state=3
    ).fit_ratings(train)
    loaded = strads.MatrixFactorization.load(fitted[0] / "model.npz")
    np.testing.assert_array_equal(loaded.user_factors_, model.user_factors_)
    np.testing.assert_array_equal(loaded.item_factors_, model.item_factors_)
    record = json.loads((fitted[0] / "run.json").read_text())
    assert record["validation_rmse"] == pytest.approx(model.rmse(test.matrix()), rel=1e-5)


def test_the_model_knows_the_ids_of_the_file(path, fitted):
    loaded = strads.MatrixFactorization.load(fitted[0] / "model.npz")
    assert set(loaded.user_ids_) == {f"u{u}" for u in range(30)}
    assert loaded.item_ids_.tolist() == list(range(20))
    assert np.isfinite(loaded.predict_ratings("u7", 3))


def test_the_record_is_complete_and_of_numbers(path, fitted):
    record = json.loads((fitted[0] / "run.json").read_text())
    assert record["version"] == strads.__version__
    settings = record["settings"]
    assert settings["data"] == str(path)
    assert (settings["n_components"], settings["regularization"]) == (2, 0.01)
    assert (settings["n_workers"], settings["random_state"], settings["test"]) == (1, 3, 0.2)
    known = len(read_ratings(path))
    assert record["ratings"] == {"train": known - round(known / 5), "test": round(known / 5)}
    assert record["shape"] == [30, 20]
    assert [step["epoch"] for step in record["history"]] == [1, 2, 3, 4]
    assert record["n_iter"] == 4
    last = record["history"][-1]
    assert 0.0 < record["train_rmse"] == last["train_rmse"]
    assert 0.0 < record["validation_rmse"] == last["validation_rmse"]
    assert last["seconds"] >= record["history"][0]["seconds"] >= 0.0
    assert record["statistics"]["workers"] == 1


def test_a_line_an_epoch_and_a_summary(fitted):
    out, output = fitted
    steps = json.loads((out / "run.json").read_text())["history"]
    lines = [found.groups() for found in EPOCH.finditer(output)]
    assert lines == [
        (str(step["epoch"]), f"{step['train_rmse']:.4f}", f"{step['validation_rmse']:.4f}")
        for step in steps
    ]
    assert "20 items by 30 users (duplicates dropped: 1), read in" in output
    assert f"{steps[-1]['validation_rmse']:.6f}" in output


def test_quiet_and_nothing_withheld(path):
    code, output = fit(path, "--test", 0, "--quiet", "--max-iter", 1)
    assert code == 0
    assert not EPOCH.search(output)
    assert "held-out" not in output
    assert "training RMSE" in output


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--rank", 0), "'rank'"),
        (("--regularization", -1), "'regularization'"),
        (("--solver", "best"), "'solver'"),
        (("--tol", -1), "'tol'"),
        (("--max-iter", 0), "'max-iter'"),
        (("--workers", 0), "'workers'"),
        (("--test", 1), "--test"),
        (("--test", -0.1), "--test"),
        (("--seed", -1), "'seed'"),
    ],
)
def test_a_wrong_option_is_exit_code_2_and_one_line(tmp_path, options, names):
    # The file does not exist, but options are checked before a long read.
    code, output = fit(tmp_path / "gone.csv", *options)
    assert code == BAD_INPUT
    assert names in output
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("gone.csv", None, "does not exist"),
        ("[bold]x.csv", "1,2,3\n1,3\n", "line 2"),
        ("x.dat", "1::2::3\n1::3::good\n", "line 2: the rating 'good' is not a number"),
        ("x.npz", "no archive", "cannot be read"),
        ("few.csv", "1,2,3\n1,3,3\n", "fraction=0.1 of 2 ratings"),
    ],
)
def test_a_wrong_file_is_exit_code_2_and_one_line(tmp_path, name, text, says):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    code, output = fit(path, "--quiet")
    assert code == BAD_INPUT
    assert says in output
    assert len(output.strip().splitlines()) == 1
    if "line" in says or text is None:
        assert str(path) in output


def test_an_unusable_folder_is_reported(path, tmp_path):
    occupied = tmp_path / "run"
    occupied.write_text("a file")
    code, output = fit(path, "--out", occupied)
    assert code == BAD_INPUT
    assert "Traceback" not in output
    assert str(occupied) in output


def test_help_names_every_option():
    output = fit("--help")[1]
    for option in (
        "rank", "regularization", "solver", "tol", "max-iter", "workers", "test", "seed", "out",
        "quiet",
    ):  # fmt: skip
        assert f"--{option}" in output
