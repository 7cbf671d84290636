"""Tables from CSV and Parquet: what is read equals what was written; an error names the column."""

import importlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strads.datasets import read_data, read_matrix, read_table
from strads.engine import DataError

FILES = ["t.csv", "t.tsv", "t.csv.gz", "t.parquet"]
NUMBERS = st.floats(-1e300, 1e300)


def written(path, frame, **options):
    if path.name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",", **options)
    return path


def refused(path, *says, target=None, **options):
    with pytest.raises(DataError) as caught:
        read_data(path, target, **options)
    message = str(caught.value)
    for expected in (str(path), *says):
        assert expected in message
    assert "\n" not in message


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    columns = {
        "age": rng.integers(0, 99, 6),
        "the price": rng.normal(size=6),
        "new": [True, False] * 3,
    }
    return pd.DataFrame(columns)


@pytest.mark.parametrize("name", FILES)
def test_columns_come_back(tmp_path, frame, name):
    frame["new"] = frame["new"].astype(int)
    path = written(tmp_path / name, frame)
    table = read_table(path, target="the price")
    assert table.names == ("age", "new")
    np.testing.assert_array_equal(table.X, frame[["age", "new"]].to_numpy())
    np.testing.assert_array_equal(table.y, frame["the price"])
    assert table.X.dtype == table.y.dtype == np.float64
    assert table.X.flags.f_contiguous
    X, y = read_data(path, "the price")
    np.testing.assert_array_equal(X, table.X)
    np.testing.assert_array_equal(y, table.y)
    X, none = read_matrix(path)
    np.testing.assert_array_equal(X, frame.to_numpy(dtype=float))
    assert none is None
    chosen = read_table(path, columns=["new", "the price"])
    np.testing.assert_array_equal(chosen.X, frame[["new", "the price"]].to_numpy(dtype=float))


@given(
    st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]), st.booleans(), st.booleans(),
)  # fmt: skip
def test_text_in_many_layouts(tmp_path_factory, rows, delimiter, header, quoted):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    lines = [["a", "b c", "d"]] * header + [[repr(value) for value in row] for row in rows]
    quote = '"' * quoted
    path.write_text("\n".join(delimiter.join(f"{quote}{f}{quote}" for f in line) for line in lines))
    table = read_table(path)
    np.testing.assert_array_equal(table.X, rows)
    assert table.names == (("a", "b c", "d") if header else ("0", "1", "2"))


def test_a_target_in_a_file_of_its_own(tmp_path, frame):
    path = written(tmp_path / "t.csv", frame[["age", "the price"]])
    for name in ("y.csv", "y.parquet"):
        target = written(tmp_path / name, frame[["age"]] * 2)
        X, y = read_data(path, target)
        np.testing.assert_array_equal(y, 2 * frame["age"])
        assert X.shape == (6, 2)
    refused(path, "no column 'cost'", "nor is there a file", "'age', 'the price'", target="cost")
    refused(path, "--target COLUMN", "'age', 'the price'")


@pytest.mark.parametrize("name", FILES)
def test_a_column_of_words_is_named(tmp_path, frame, name):
    frame["new"] = ["NEAR BAY", "INLAND"] * 3
    path = written(tmp_path / name, frame)
    says = ["column 'new' holds 'NEAR BAY'", "--drop new"]
    if "parquet" not in name:
        says.append("line 2")
    refused(path, *says, target="age")
    X, y = read_data(path, "age", drop=["new"])
    assert X.shape == (6, 1)
    assert len(y) == 6


@pytest.mark.parametrize("name", FILES)
def test_missing_values_are_named(tmp_path, frame, name):
    frame.loc[3, "the price"] = np.nan
    frame["new"] = frame["new"].astype(int)
    refused(written(tmp_path / name, frame), "column 'the price'", "impute", target="age")


def test_what_else_is_refused(tmp_path):
    def file(text, name="t.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    refused(tmp_path / "gone.csv", "does not exist", target="a")
    refused(file("a,b\n1,2\n3\n"), "line 3: it has 1 fields, but the first line has 2", target="a")
    refused(file("a,a\n1,2\n"), "several columns 'a'", target="a")
    refused(file("a,b\n"), "holds a header, but no row", target="a")
    refused(file("\n\n"), "holds no row", target="a")
    refused(file("a\n1\n"), "no column is left", target="a")
    refused(file("a,b\n1,nan\n"), "column 'b' holds NaN", target="a")
    refused(file("a,b\n1,2\n"), "no column 'c'", target="a", drop=["c"])
    refused(file("no parquet", "t.parquet"), "cannot be read", target="a")
    refused(file("1 1:2\n", "t.svm"), "leave out --drop", drop=["c"])


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    (tmp_path / "t.parquet").write_text("any")
    monkeypatch.setattr(importlib, "import_module", missing)
    refused(tmp_path / "t.parquet", "pip install pyarrow", target="a")


def test_pyarrow_that_refuses_the_numpy_beside_it_says_so(tmp_path, monkeypatch):
    def refusing(name):
        raise ImportError("pyarrow requires NumPy 2.0 or newer, found 1.26.0")

    (tmp_path / "t.parquet").write_text("any")
    monkeypatch.setattr(importlib, "import_module", refusing)
    refused(tmp_path / "t.parquet", "pyarrow requires NumPy 2.0", target="a")


def test_parquet_that_claims_too_much(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": np.zeros(10**5), "b": np.zeros(10**5)}).to_parquet(path)
    monkeypatch.setattr("strads.datasets.files.guards.available_memory", lambda: 1 << 20)
    refused(path, "its table takes", target="a")
