"""``strads predict``, ``transform`` and ``recommend``: what a saved run does with new data."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from commands import done, refused

import strads
from strads.cli.runs.results import Results
from strads.datasets import read_corpus, read_ratings

FIT = ("--workers", 1, "--quiet")
RESULTS = ["r.csv", "r.tsv", "r.parquet", "r.npz", None]


def rows_of(text, delimiter=","):
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def result(path, *arguments):
    """Run a command; return the columns of its result, from a file or from stdout."""
    if path is None:
        return pd.DataFrame(rows_of(done(*arguments).stdout)).apply(as_numbers)
    ended = done(*arguments, "--out", path)
    assert ended.stdout == ended.stderr == ""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".npz":
        with np.load(path) as stored:
            columns = {name: stored[name] for name in stored.files if name != "values"}
            return pd.DataFrame(columns).assign(value=stored["values"])
    return pd.DataFrame(rows_of(path.read_text(), "\t" if path.suffix == ".tsv" else ",")).apply(
        as_numbers
    )


def as_numbers(column):
    try:
        return column.astype(float)
    except ValueError:
        return column


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    """A model of ratings of items 0 … 7 by users u0 … u9."""
    folder = tmp_path_factory.mktemp("mf")
    rng = np.random.default_rng(0)
    lines = [
        f"u{u},{i},{(u + i) % 5 + rng.random():.2f}" for u in range(10) for i in range(u % 3, 8)
    ]
    (folder / "r.csv").write_text("user,item,rating\n" + "\n".join(lines) + "\n")
    fit = ("fit", "mf", folder / "r.csv", "--rank", 2, "--max-iter", 2, "--test", 0)
    done(*fit, *FIT, "--out", folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def clicks(tmp_path_factory):
    """A model of clicks by users 1 … 6."""
    folder = tmp_path_factory.mktemp("implicit")
    lines = [f"{u},film {i}" for u in range(1, 7) for i in range(u % 3, 6)]
    (folder / "c.csv").write_text("user,item\n" + "\n".join(lines) + "\n")
    fit = ("fit", "implicit", folder / "c.csv", "--rank", 2, "--max-iter", 2, "--test", 0)
    done(*fit, *FIT, "--out", folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A frame, and a Lasso that was fitted to its columns a and b, with target y."""
    folder = tmp_path_factory.mktemp("lasso")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(20, 3)), columns=["a", "b", "y"])
    frame["y"] += 2 * frame["b"]
    frame.to_csv(folder / "t.csv", index=False)
    fit = ("fit", "lasso", folder / "t.csv", "--alpha", 0.01, "--target", "y")
    done(*fit, *FIT, "--out", folder / "run")
    return frame, folder / "run"


@pytest.fixture(scope="module")
def topics(tmp_path_factory):
    """A model of the topics of texts about pets or ships."""
    folder = tmp_path_factory.mktemp("lda")
    (folder / "t.txt").write_text("cats dogs mice cats rare\nship sail ocean ship\n" * 6)
    fit = ("fit", "lda", folder / "t.txt", "--topics", 2, "--max-iter", 5, "--test", 0)
    done(*fit, *FIT, "--out", folder / "run")
    return folder / "run"


# -- predict ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("out", RESULTS)
@pytest.mark.parametrize("name", ["new.csv", "new.parquet"])
def test_a_lasso_finds_its_columns_by_name(table, tmp_path, out, name):
    frame, run = table
    new = frame[["b", "y", "a"]].assign(note="words")
    path = tmp_path / name
    new.to_csv(path, index=False) if name == "new.csv" else new.to_parquet(path)
    found = result(out and tmp_path / out, "predict", run, path)
    expected = strads.Lasso.load(run / "model.npz").predict(frame[["a", "b"]].to_numpy())
    np.testing.assert_array_equal(found.iloc[:, 0], expected)
    new[["b", "note"]].to_csv(tmp_path / "part.csv")
    refused("predict", run, tmp_path / "part.csv", says=("lacks 1 of the 2", "'a'"))


def test_a_lasso_takes_matrices_by_place(table, tmp_path):
    frame, run = table
    X = frame[["a", "b"]].to_numpy()
    expected = strads.Lasso.load(run / "model.npz").predict(X)
    np.save(tmp_path / "x.npy", X)
    done("predict", run, tmp_path / "x.npy", "--out", tmp_path / "p.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), expected)
    (tmp_path / "x.svm").write_text("0 1:2.5\n0 1:-1\n")  # the second feature is zero everywhere
    done("predict", run, tmp_path / "x.svm", "--out", tmp_path / "p.npy")
    model = strads.Lasso.load(run / "model.npz")
    expected = model.predict(np.array([[2.5, 0.0], [-1.0, 0.0]]))
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), expected)
    np.save(tmp_path / "x.npy", X[:, :1])
    refused("predict", run, tmp_path / "x.npy", says=("has 1 columns", "has 2"))


@pytest.mark.parametrize("out", RESULTS)
def test_ratings_of_pairs_in_the_order_of_the_file(ratings, tmp_path, out):
    pairs = [("u3", 5), ("u1", 0), ("u3", 5), ("u9", 7)]
    path = tmp_path / "pairs.csv"
    path.write_text("item,when,user\n" + "".join(f"{i},x,{u}\n" for u, i in pairs))
    found = result(out and tmp_path / out, "predict", ratings, path)
    assert list(zip(found["user"], found["item"], strict=True)) == pairs
    model = strads.MatrixFactorization.load(ratings / "model.npz")
    users, items = zip(*pairs, strict=True)
    values = found.iloc[:, 2].to_numpy(np.float32)
    np.testing.assert_array_equal(values, model.predict_ratings(np.array(users), np.array(items)))


def test_unknown_users_and_items(ratings, tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("user,item\nu1,2\nu99,2\n7,3\n")
    refused(
        "predict", ratings, path, says=("user 'u99' is not one of the 10 users", "1 more", "mean")
    )
    path.write_text("user,item\nu1,2\nu1,99\n")
    refused("predict", ratings, path, says=("item '99' is not one of the 8 items", "as 0, 1, 2"))
    rows = rows_of(done("predict", ratings, path, "--unknown", "mean").stdout)
    model = strads.MatrixFactorization.load(ratings / "model.npz")
    assert np.float32(rows[1]["prediction"]) == model.predict_ratings("u1", 99, unknown="mean")
    refused("predict", ratings, path, "--unknown", "drop", says="must be raise or mean")


# -- recommend -------------------------------------------------------------------------------------


@pytest.mark.parametrize("out", RESULTS)
def test_recommendations_are_new_to_their_users(ratings, tmp_path, out):
    found = result(out and tmp_path / out, "recommend", ratings, "u2", "u1", "u0", "-n", 3)
    model = strads.MatrixFactorization.load(ratings / "model.npz")
    items, scores = model.recommend(np.array(["u2", "u1", "u0"]), 3)
    there = scores > -np.inf
    assert there.sum(axis=1).tolist() == [2, 1, 0]  # u0 has rated all
    assert found["user"].tolist() == ["u2", "u2", "u1"]
    assert found["rank"].tolist() == [1, 2, 1]
    np.testing.assert_array_equal(found["item"], items[there])
    np.testing.assert_array_equal(found.iloc[:, 3].to_numpy(np.float32), scores[there])


def test_recommendations_to_all_and_of_everything(clicks):
    model = strads.ImplicitFactorization.load(clicks / "model.npz")
    rows = rows_of(done("recommend", clicks, "--all", "--n", 6, "--no-filter-seen").stdout)
    items, _ = model.recommend(model.user_ids_, 6, filter_seen=False)
    assert [row["item"] for row in rows] == items.ravel().tolist()
    assert [int(row["user"]) for row in rows] == np.repeat(np.arange(1, 7), 6).tolist()


def test_recommendations_to_new_users(ratings, clicks, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("rating,item,user\n5,1,ann\n4,3,bob\n1,99,bob\n")
    refused("recommend", ratings, "--new", path, says=("item '99'", "--unknown drop"))
    rows = rows_of(done("recommend", ratings, "--new", path, "--unknown", "drop", "-n", 2).stdout)
    X = sp.csr_array(([5.0, 4.0], ([0, 1], [1, 3])), shape=(2, 8), dtype=np.float32)
    items, _ = strads.MatrixFactorization.load(ratings / "model.npz").recommend_for(X, 2)
    assert [row["user"] for row in rows] == ["ann", "ann", "bob", "bob"]
    assert [int(row["item"]) for row in rows] == items.ravel().tolist()
    path.write_text("user,item\n9,film 1\n9,film 2\n")
    assert len(rows_of(done("recommend", clicks, "--new", path, "-n", 2).stdout)) == 2


def test_whom_to_recommend_to_must_be_clear(ratings, clicks, tmp_path):
    refused("recommend", ratings, says="--all")
    refused("recommend", ratings, "u1", "--all", says="one of them")
    refused(
        "recommend", ratings, "u1", "nobody", says=("user 'nobody' is not one of the 10", "--new")
    )
    refused("recommend", clicks, "1", "nobody", says="user 'nobody' is not one of the 6 users")
    refused("recommend", clicks, "77", says="user '77' is not one of the 6 users")
    refused("recommend", ratings, "u1", "--out", tmp_path / "r.npy", says=(".npz", "'.npy'"))


# -- transform -------------------------------------------------------------------------------------


def test_factors_of_new_users(ratings, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("user,item,rating\nbob,1,5\nann,2,3\nbob,7,1\n")
    X = sp.csr_array(([3.0, 5.0, 1.0], ([0, 1, 1], [2, 1, 7])), shape=(2, 8), dtype=np.float32)
    expected = strads.MatrixFactorization.load(ratings / "model.npz").transform(X)
    rows = rows_of(done("transform", ratings, path).stdout)
    assert [row.pop("user") for row in rows] == ["ann", "bob"]
    values = np.array([list(row.values()) for row in rows], dtype=np.float32)
    np.testing.assert_array_equal(values, expected)
    done("transform", ratings, path, "--out", tmp_path / "w.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "w.npy"), expected)
    path.write_text("user,item,rating\nbob,99,5\n")
    refused("transform", ratings, path, "--unknown", "drop", says="rates no item that")


def test_new_rows_of_a_table(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.random((12, 3)), columns=["a", "b", "c"])
    frame.to_parquet(tmp_path / "x.parquet")
    fit = ("fit", "nmf", tmp_path / "x.parquet", "--rank", 2, "--max-iter", 3)
    done(*fit, *FIT, "--out", tmp_path)
    frame[["c", "b", "a"]].to_csv(tmp_path / "new.csv", index=False)
    done("transform", tmp_path, tmp_path / "new.csv", "--out", tmp_path / "w.npy")
    expected = strads.NMF.load(tmp_path / "model.npz").transform(frame.to_numpy())
    np.testing.assert_array_equal(np.load(tmp_path / "w.npy"), expected)


def test_topics_of_new_documents(topics, tmp_path):
    model = strads.LatentDirichletAllocation.load(topics / "model.npz")
    path = tmp_path / "new.txt"
    path.write_text("ocean ship unheard\nmice\n")
    done("transform", topics, path, "--out", tmp_path / "t.npy")
    counts = read_corpus(path, vocabulary=topics / "vocab.txt").counts
    np.testing.assert_array_equal(np.load(tmp_path / "t.npy"), model.transform(counts))
    sp.save_npz(tmp_path / "counts.npz", counts)
    done("transform", topics, tmp_path / "counts.npz", "--out", tmp_path / "u.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "u.npy"), np.load(tmp_path / "t.npy"))
    (tmp_path / "docword.x.txt").write_text("1\n2\n2\n1 1 4\n1 2 1\n")
    refused("transform", topics, tmp_path / "docword.x.txt", says=("has 2 columns", "vocab.txt"))
    (tmp_path / "vocab.x.txt").write_text("ship\nunheard\n")
    rows = rows_of(done("transform", topics, tmp_path / "docword.x.txt").stdout)
    shares = [float(rows[0]["topic0"]), float(rows[0]["topic1"])]
    np.testing.assert_allclose(sum(shares), 1.0, rtol=1e-6)
    ship = model.topic_counts_[(topics / "vocab.txt").read_text().split().index("ship")]
    assert np.argmax(shares) == np.argmax(ship)


def test_a_vocabulary_of_an_earlier_run_does_not_count(topics, tmp_path):
    X = np.eye(8, dtype=int) + 1
    sp.save_npz(tmp_path / "c.npz", sp.csr_array(X))
    fit = ("fit", "lda", tmp_path / "c.npz", "--topics", 2, "--max-iter", 2, "--test", 0, *FIT)
    done(*fit, "--out", tmp_path / "run")
    (tmp_path / "run" / "vocab.txt").write_text((topics / "vocab.txt").read_text())
    done("transform", tmp_path / "run", tmp_path / "c.npz", "--out", tmp_path / "t.npy")
    assert np.load(tmp_path / "t.npy").shape == (8, 2)


def test_words_that_the_fit_has_dropped_are_left_out_again(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (12, 6))
    X[:, 2] = 0
    X[0, 2] = 1
    sp.save_npz(tmp_path / "c.npz", sp.csr_array(X))
    fit = ("fit", "lda", tmp_path / "c.npz", "--topics", 2, "--max-iter", 3, "--min-df", 2)
    done(*fit, *FIT, "--test", 0, "--out", tmp_path / "run")
    done("transform", tmp_path / "run", tmp_path / "c.npz", "--out", tmp_path / "t.npy")
    model = strads.LatentDirichletAllocation.load(tmp_path / "run" / "model.npz")
    expected = model.transform(sp.csr_array(np.delete(X, 2, axis=1)))
    np.testing.assert_array_equal(np.load(tmp_path / "t.npy"), expected)


# -- runs and results ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["predict", "transform", "recommend"])
def test_what_is_no_run_is_refused(tmp_path, command):
    refused(command, tmp_path, "1", says=("holds no run.json", "strads fit"))
    refused(command, tmp_path / "gone", "1", says="holds no run.json")
    for text in ("no json", "[]", "{}", '{"model": "Pipeline"}'):
        (tmp_path / "run.json").write_text(text)
        refused(command, tmp_path, "1", says=("run.json", "no record of a fit"))
    (tmp_path / "run.json").write_text('{"model": "ImplicitFactorization"}')
    refused(command, tmp_path, "1", says="model.npz")
    (tmp_path / "model.npz").write_text("damaged")
    refused(command, tmp_path, "1", says="cannot be loaded as ImplicitFactorization")


def test_a_model_that_cannot_do_it_says_what_it_can(table, topics):
    refused("transform", table[1], "x.csv", says=("strads fit lasso", "strads predict"))
    refused(
        "predict", topics, "x.csv", says=("strads fit lda", "cannot predict", "strads transform")
    )
    refused("recommend", topics, "--all", says="cannot recommend")


def test_new_data_of_another_kind_are_refused(ratings, table, topics, tmp_path):
    (tmp_path / "r.csv").write_text("user,item,rating\nu1,2,3\n")
    refused("predict", table[1], tmp_path / "r.csv", says="holds ratings")
    refused("transform", topics, tmp_path / "r.csv", says="holds ratings")
    refused("transform", ratings, tmp_path / "gone.csv", says="does not exist")


def test_a_result_that_cannot_be_written_is_refused_first(ratings, tmp_path):
    gone = tmp_path / "no data"
    refused("predict", ratings, gone, "--out", tmp_path / "r.xls", says=("'.xls'", ".parquet"))
    refused("predict", ratings, gone, "--out", tmp_path / "no" / "r.csv", says="there is no folder")


def test_numbers_are_written_with_the_digits_of_their_type(tmp_path):
    values = np.array([[0.1, 1e-30], [1 / 3, -2.0]], np.float32)
    labels = {"user": np.array(['a "b"', "c,d"], dtype=object)}
    Results(labels, ["x", "y"], values).write(tmp_path / "r.csv")
    text = (tmp_path / "r.csv").read_text()
    assert text == 'user,x,y\n"a ""b""",0.1,1e-30\n"c,d",0.33333334,-2.0\n'
    Results(labels, ["x", "y"], values).write(tmp_path / "r.npz")
    with np.load(tmp_path / "r.npz") as stored:
        assert stored["user"].tolist() == ['a "b"', "c,d"]
        np.testing.assert_array_equal(stored["values"], values)
    assert read_ratings(tmp_path / "r.csv", item="x", rating="y").values.tolist() == [
        np.float32(1e-30), -2.0
    ]  # fmt: skip
