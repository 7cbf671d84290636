"""``strads fit mf`` and ``strads fit implicit``: files, output and errors."""

import re

import numpy as np
import pytest
from commands import done, record_of, refused

import strads
from strads.datasets import read_ratings, split_ratings

EPOCH = re.compile(
    r"^epoch +(\d+)  training RMSE (\d\.\d{4})(?:  held-out RMSE (\d\.\d{4}))? +\d+\.\d\d s$", re.M
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Ratings by 30 users u0 … u29 of 20 items, made from two factors; one rating occurs twice."""
    rng = np.random.default_rng(0)
    W, H = rng.normal(size=(30, 2)), rng.normal(size=(20, 2))
    pairs = [(u, i) for u in range(30) for i in range(20) if rng.random() < 0.7]
    lines = [f"99,{3 + W[u] @ H[i]:.3f},{i},u{u}" for u, i in pairs]
    file = tmp_path_factory.mktemp("ratings") / "ratings.csv"
    file.write_text("timestamp,rating,movieId,userId\n" + "\n".join([*lines, lines[0]]) + "\n")
    return file


@pytest.fixture(scope="module")
def clicks(tmp_path_factory):
    """Clicks of 24 users in two groups, each on its own half of 12 items; some occur twice."""
    rng = np.random.default_rng(0)
    pairs = [(u, 6 * (u % 2) + i) for u in range(24) for i in range(6) if rng.random() < 0.8]
    file = tmp_path_factory.mktemp("clicks") / "clicks.csv"
    file.write_text("item,user\n" + "".join(f"i{i},{u}\n" for u, i in [*pairs, *pairs[::3]]))
    return file


def arguments(path, *options, model="mf"):
    given = {"--rank": 2, "--max-iter": 4, "--workers": 1, "--tol": 0}
    more = [text for name, value in given.items() if name not in options for text in (name, value)]
    return ("fit", model, path, *options, *more)


@pytest.fixture(scope="module")
def fitted(path, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "first"
    options = ("--test", 0.2, "--seed", 3, "--regularization", 0.01, "--out", out)
    return out, done(*arguments(path, *options))


def same(model, other):
    np.testing.assert_array_equal(model.user_factors_, other.user_factors_)
    np.testing.assert_array_equal(model.item_factors_, other.item_factors_)
    np.testing.assert_array_equal(model.user_ids_, other.user_ids_)


def test_the_model_is_that_of_all_data(path, fitted):
    model = strads.MatrixFactorization(
        2, regularization=0.01, max_iter=4, tol=0.0, n_workers=1, random_state=3
    ).fit_ratings(path)
    loaded = strads.MatrixFactorization.load(fitted[0] / "model.npz")
    same(loaded, model)
    known = read_ratings(path)
    assert loaded.seen_.nnz == len(known)
    items, scores = loaded.recommend("u7", n=20)
    seen = set(known.items[known.users == known.user_ids.tolist().index("u7")].tolist())
    assert seen
    assert seen.isdisjoint(items[scores > -np.inf].tolist())


def test_it_is_judged_on_ratings_that_its_first_fit_has_not_seen(path, fitted):
    train, test = split_ratings(read_ratings(path), 0.2, 3)
    model = strads.MatrixFactorization(
        2, regularization=0.01, max_iter=4, tol=0.0, n_workers=1, random_state=3
    ).fit_ratings(train)
    held_out = record_of(fitted[0])["held_out"]
    assert held_out["validation_rmse"] == pytest.approx(model.rmse(test.matrix()), rel=1e-5)
    assert held_out["ratings"] == len(test)


def test_the_model_knows_the_ids_of_the_file(fitted):
    loaded = strads.MatrixFactorization.load(fitted[0] / "model.npz")
    assert set(loaded.user_ids_) == {f"u{u}" for u in range(30)}
    assert loaded.item_ids_.tolist() == list(range(20))
    assert np.isfinite(loaded.predict_ratings("u7", 3))


def test_the_record_is_complete_and_of_numbers(path, fitted):
    record = record_of(fitted[0])
    settings = record["settings"]
    assert settings["data"] == str(path)
    assert (settings["n_components"], settings["regularization"]) == (2, 0.01)
    assert (settings["n_workers"], settings["random_state"], settings["test"]) == (1, 3, 0.2)
    assert record["ratings"] == len(read_ratings(path))
    assert record["shape"] == [30, 20]
    for history in (record["history"], record["held_out"]["history"]):
        assert [step["epoch"] for step in history] == [1, 2, 3, 4]
        assert history[-1]["seconds"] >= history[0]["seconds"] >= 0.0
    assert record["n_iter"] == record["held_out"]["n_iter"] == 4
    assert 0.0 < record["train_rmse"] == record["history"][-1]["train_rmse"]
    assert "validation_rmse" not in record["history"][-1]
    assert record["statistics"]["workers"] == 1


def test_lines_on_stderr_and_a_summary_on_stdout(fitted):
    out, ended = fitted
    record = record_of(out)
    lines = [found.groups() for found in EPOCH.finditer(ended.stderr)]
    steps = [*record["held_out"]["history"], *record["history"]]
    assert lines == [
        (
            str(step["epoch"]), f"{step['train_rmse']:.4f}",
            f"{step['validation_rmse']:.4f}" if "validation_rmse" in step else None,
        )
        for step in steps
    ]  # fmt: skip
    assert "20 items by 30 users (duplicates dropped: 1), read in" in ended.stderr
    assert not EPOCH.search(ended.stdout)
    assert f"{record['held_out']['validation_rmse']:.4f} (" in ended.stdout


def test_quiet_and_nothing_withheld(path, tmp_path):
    ended = done(*arguments(path, "--test", 0, "--quiet", "--max-iter", 1, "--out", tmp_path))
    assert ended.stderr == ""
    assert "held-out" not in ended.stdout
    assert "training RMSE" in ended.stdout
    assert record_of(tmp_path)["held_out"] is None


def test_the_second_fit_has_the_epochs_that_the_first_one_needed(path, tmp_path):
    done(*arguments(path, "--tol", 0.3, "--max-iter", 30, "--out", tmp_path))
    record = record_of(tmp_path)
    assert 1 < record["n_iter"] == record["held_out"]["n_iter"] < 30
    loaded = strads.MatrixFactorization.load(tmp_path / "model.npz")
    assert (loaded.max_iter, loaded.tol) == (record["n_iter"], 0.0)
    options = {"max_iter": record["n_iter"], "tol": 0, "n_workers": 1, "random_state": 0}
    same(loaded, strads.MatrixFactorization(2, **options).fit_ratings(path))


def test_early_stopping_fits_all_data_with_the_best_number_of_epochs(tmp_path):
    noise = np.random.default_rng(0).normal(size=(30, 20))
    path = tmp_path / "noise.csv"  # more epochs fit it better, and predict it worse
    path.write_text("".join(f"{u},{i},{noise[u, i]:.3f}\n" for u, i in np.ndindex(30, 20)))
    options = ("--early-stopping", "--n-iter-no-change", 2, "--max-iter", 60)
    done(*arguments(path, *options, "--out", tmp_path))
    record = record_of(tmp_path)
    errors = [step["validation_rmse"] for step in record["held_out"]["history"]]
    assert len(errors) == record["n_iter"] + 2 < 60
    assert record["n_iter"] == int(np.argmin(errors)) + 1
    assert record["held_out"]["validation_rmse"] == min(errors)


def test_columns_with_other_names(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("who,when,what,much\n" + "".join(f"{u},9,{u % 3},{u % 5}\n" for u in range(9)))
    refused(*arguments(path, "--test", 0, "--rating", "many"), says="no column 'many'")
    columns = ("--user", "who", "--item", "what", "--rating", "much")
    done(*arguments(path, "--test", 0, *columns, "--out", tmp_path))
    model = strads.MatrixFactorization.load(tmp_path / "model.npz")
    assert model.item_ids_.tolist() == [0, 1, 2]
    assert record_of(tmp_path)["settings"]["rating"] == "much"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (("--rank", 0), "'rank'"),
        (("--regularization", -1), "'regularization'"),
        (("--regularization-scale", "big"), "'regularization-scale'"),
        (("--solver", "best"), "'solver'"),
        (("--tol", -1), "'tol'"),
        (("--max-iter", 0), "'max-iter'"),
        (("--workers", 0), "'workers'"),
        (("--dtype", "int8"), "'dtype'"),
        (("--test", 1), "--test"),
        (("--test", -0.1), "--test"),
        (("--seed", -1), "'seed'"),
    ],
)
def test_a_wrong_option_is_exit_code_2_and_one_line(tmp_path, options, name):
    # The file does not exist, but options are checked before a long read.
    refused(*arguments(tmp_path / "gone.csv", *options), says=name)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("gone.csv", None, "does not exist"),
        ("[bold]x.csv", "1,2,3\n1,3\n", "line 2"),
        ("x.dat", "1::2::3\n1::3::good\n", "line 2: the rating 'good' is not a number"),
        ("x.npz", "no archive", "cannot be read"),
        ("few.csv", "1,2,3\n1,3,3\n", "--test 0.1: fraction=0.1 of 2 ratings"),
        ("clicks.csv", "user,item\n1,3\n", "strads fit implicit"),
    ],
)
def test_a_wrong_file_is_exit_code_2_and_one_line(tmp_path, name, text, says):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    told = refused(*arguments(path, "--quiet"), says=says)
    assert str(path) in told or "fraction" in says


def test_clicks_are_fitted_by_their_counts(clicks, tmp_path):
    ended = done(*arguments(clicks, "--test", 0.2, "--out", tmp_path, model="implicit"))
    known = read_ratings(clicks, clicks=True)
    assert known.values.max() == 2.0
    model = strads.ImplicitFactorization(2, max_iter=4, tol=0, n_workers=1, random_state=0)
    loaded = strads.ImplicitFactorization.load(tmp_path / "model.npz")
    same(loaded, model.fit_ratings(known))
    record = record_of(tmp_path)
    train, test = split_ratings(known, 0.2, 0)
    model.fit(train.matrix())
    assert record["held_out"]["validation_ndcg"] == pytest.approx(model.ndcg(test.matrix()))
    assert record["observations"] == len(known)
    assert "held-out NDCG@10" in ended.stdout
    assert "objective" in ended.stderr
