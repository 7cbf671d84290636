"""``--priorities FILE``: what is read, and that every command hands it on."""

import numpy as np
import pytest
from commands import done, record_of, refused

import strads
from strads.cli.runs.priorities import given_priorities, read_priorities
from strads.engine import DataError

NAMES = ("age", "height", "size, old")


def written(tmp_path, text):
    path = tmp_path / "first.csv"
    path.write_text(text)
    return path


def test_numbers_are_read(tmp_path):
    np.save(tmp_path / "first.npy", np.array([1, 2, 3]))
    assert read_priorities(tmp_path / "first.npy", None, 3).tolist() == [1.0, 2.0, 3.0]
    for text in ("1\n2.5\n3e2\n", "weight\n1\n2.5\n\n3e2"):
        found = read_priorities(written(tmp_path, text), NAMES, 3)
        assert found.tolist() == [1.0, 2.5, 300.0]


def test_those_that_are_named_count(tmp_path):
    path = written(tmp_path, 'feature,weight\n"size, old", 9\nage,2\n')
    assert read_priorities(path, NAMES, 3).tolist() == [2.0, 1.0, 9.0]
    path = written(tmp_path, "2,9\n")
    assert given_priorities(path, None, 4) == {"priorities": pytest.approx([1, 1, 9, 1])}
    assert given_priorities(path, NAMES, 6, 2)["priorities"].tolist() == [1.0, 1.0, 9.0]
    assert given_priorities(path, NAMES, 6, [1, 1, 4])["priorities"].tolist() == [1.0, 1.0, 9.0]
    assert given_priorities(None, NAMES, 3) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [("age,2\nsex,3\n", "line 2: the data have no 'sex'"), ("age,2\nheight,old\n", "line 2: 'old'"),
     ("1\nmany\n", "line 2: 'many'"), ("1,2,3\n", "a number a line"), ("", "is empty")],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, text, says):
    with pytest.raises(DataError, match=says):
        read_priorities(written(tmp_path, text), NAMES, 3)


@pytest.fixture
def table(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 3))
    y = (X[:, 0] > 0.0).astype(float)
    np.savez(tmp_path / "x.npz", X=X, y=y)
    return tmp_path / "x.npz"


@pytest.mark.parametrize("command", ["lasso", "enet", "group", "glm", "nonconvex", "logistic"])
def test_each_command_hands_them_on(table, tmp_path, command):
    zero = written(tmp_path, "1,0\n")
    given = ("--alpha", 0.1, "--workers", 1, "--quiet")
    refused("fit", command, table, *given, "--priorities", zero, says="between 1e-100")
    refused(
        "fit", command, table, *given, "--priorities", tmp_path / "none.csv", says="none.csv"
    )  # fmt: skip


def test_the_optimum_is_the_same_and_the_file_is_recorded(table, tmp_path):
    first = written(tmp_path, "2,100\n")
    given = ("--alpha", 0.05, "--workers", 1, "--priorities", first, "--out", tmp_path / "out")
    done("fit", "lasso", table, *given)
    assert record_of(tmp_path / "out")["settings"]["priorities"] == str(first)
    found = strads.Lasso.load(tmp_path / "out" / "model.npz").coef_
    data = np.load(table)
    plain = strads.Lasso(0.05, n_workers=1).fit(data["X"], data["y"]).coef_
    np.testing.assert_allclose(found, plain, atol=1e-5)
