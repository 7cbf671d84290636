"""Files of ratings: the data read equal those written; an error names the line."""

import gzip
import importlib

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp
from hypothesis import example, given
from hypothesis import strategies as st
from rated import TABLE, VALUES, WORDS, last, table

from strads.datasets.rating_files import read_ratings
from strads.engine.errors import DataError, StradsError


def written(tmp_path, text, name="ratings.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(path, *says):
    with pytest.raises(DataError) as caught:
        read_ratings(path)
    message = str(caught.value)
    for expected in (str(path), *says):
        assert expected in message
    assert "\n" not in message
    return message


# -- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "::", " ", "   ", ", ", " ; "])
@pytest.mark.parametrize("header", [(), ("userId", "movieId", "rating", "timestamp")])
@pytest.mark.parametrize("name", ["u.csv", "u.data", "u", "u.tsv.gz"])
def test_text_in_many_layouts(tmp_path, delimiter, header, name):
    rows = [header] if header else []
    rows += [(*row, 881250949) for row in TABLE]
    text = "\n".join(delimiter.join(map(str, row)) for row in rows).encode()
    path = written(tmp_path, gzip.compress(text) if name.endswith("gz") else text, name)
    ratings = read_ratings(path)
    assert table(ratings) == last(TABLE)
    assert ratings.user_ids.dtype == np.int64


@given(
    st.lists(st.tuples(WORDS, WORDS, VALUES), min_size=1, max_size=20),
    st.sampled_from([",", "\t", ";", "|", "::", " "]),
    st.booleans(),
)
@example([("-", "-", 1.0)], ",", False)
def test_text_ids_come_back(tmp_path_factory, rows, delimiter, quoted):
    quote = '"' if quoted and delimiter not in ("::", " ") else ""
    lines = [delimiter.join(f"{quote}{field}{quote}" for field in row) for row in rows]
    path = written(tmp_path_factory.mktemp("text"), "user item rating\n".replace(" ", delimiter))
    path.write_text(path.read_text() + "\n".join(lines) + "\n", encoding="utf-8")
    ratings = read_ratings(path)
    assert list(table(ratings).items()) == list(last(rows).items())
    assert len(ratings) + ratings.duplicates == len(rows)


def test_what_may_surround_ratings(tmp_path):
    text = "\ufeff# made in 1998\n% twice\n\nuser,item,rating\r\n\r\n 1 , 2,3 \r\n\r\n+1,03,4\r\n\n"
    assert table(read_ratings(written(tmp_path, text))) == {(1, 2): 3.0, (1, 3): 4.0}
    quoted = 'User-ID;ISBN;Book-Rating\n"2";"034X";"0"\n"2";"0;5";"1"\n"1";"he said ""no""";"5"\n'
    read = read_ratings(written(tmp_path, quoted))
    assert table(read) == {(2, "034X"): 0.0, (2, "0;5"): 1.0, (1, 'he said "no"'): 5.0}
    spaces = "Ann\tThe Wire, season 2\t5\nAnn\tLost\t1\n"
    assert (table(read_ratings(written(tmp_path, spaces)))) == {
        ("Ann", "The Wire, season 2"): 5.0,
        ("Ann", "Lost"): 1.0,
    }


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["7", "007", "12"], [7, 7, 12]),
        (["7", "007", "x"], ["7", "007", "x"]),
        (["-7", "x", "8"], ["-7", "x", "8"]),
        (["1_0", "10", "11"], ["1_0", "10", "11"]),
        (["1.0", "2", "3"], ["1.0", "2", "3"]),
        ([str(2**64 - 1), "1", "2"], [2**64 - 1, 1, 2]),
        ([str(2**64), "1", "2"], [str(2**64), "1", "2"]),
    ],
)
def test_ids_are_integers_if_all_of_a_column_are(tmp_path, ids, expected):
    path = written(tmp_path, "".join(f"{id},{n},1\n" for n, id in enumerate(ids)))
    ratings = read_ratings(path)
    assert ratings.user_ids[ratings.users].tolist() == expected


@pytest.mark.parametrize("ids", [("1", "2"), ("u1", "i2")])
@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{0},{1}", "2 of the 3 fields"),
        ("{0}", "1 of the 3 fields"),
        ("{0},{1},five", "'five' is not a number"),
        ("{0},{1},1_000", "'1_000' is not a number"),
        ("{0},{1},nan", "'nan' is not finite"),
        ("{0},{1},-inf", "'-inf' is not finite"),
        ("{0},{1},1e39", "'1e39' is not finite"),
        ("{0},{1},", "the rating is missing"),
        (",{1},3", "the user is missing"),
        ("{0}, ,3", "the item is missing"),
        ('{0},{1},3,"so to say', "quotation mark is not closed"),
        ('"{0},{1},3', "1 of the 3 fields"),
    ],
)
@pytest.mark.parametrize("header", ["", "user,item,rating\n"])
def test_a_wrong_line_is_named_by_its_number(tmp_path, ids, line, says, header):
    if "so to say" in line and ids == ("1", "2"):
        ids = ("1", "x")  # among integer ids alone, the quotation mark would be ignored as text
    before = header + "\n" + "4,5,1,,\n" * 4 + "a,b,2\n" * (ids[0] == "u1")
    text = before + line.format(*ids) + "\n" + '8,9,1,"closed"\n' * 3
    refused(written(tmp_path, text), f"line {before.count(chr(10)) + 1}: ", says)


def test_a_first_line_that_is_wrong_is_no_header(tmp_path):
    refused(written(tmp_path, "1,2,five\n1,2,3\n"), "line 1: ", "'five'")
    refused(written(tmp_path, "a,b,nan\na,c,3\n"), "line 1: ", "'nan'")
    refused(written(tmp_path, "a,b,\na,c,3\n"), "line 1: ", "missing")
    refused(written(tmp_path, "1,2\n1,3\n"), "line 1: ", "2 of the 3")


def test_negative_integers_are_no_ids(tmp_path):
    refused(written(tmp_path, "1,2,3\n-1,2,4\n"), "line 2: the user -1 is negative")
    refused(written(tmp_path, "u,2,3\nv,3,4\n\nw,-4,4\n"), "line 4: the item -4 is negative")
    refused(written(tmp_path, f"1,2,3\n-{10**19},2,4\n"), f"line 2: the user -{10**19} is")
    path = tmp_path / "ratings.npz"
    np.savez(path, user=[1, -2], item=[1, 2], value=[1.0, 2.0])
    refused(path, "users[1] is -2")


def test_text_that_is_something_else(tmp_path):
    refused(tmp_path / "gone.csv", "does not exist")
    refused(written(tmp_path, ""), "empty")
    refused(written(tmp_path, "\n\n# nothing\n"), "no rating")
    refused(written(tmp_path, "user,item,rating\n\n"), "holds a header, but no rating")
    refused(written(tmp_path, b"PK\x03\x04\0\0\0\n" * 9, "r.xlsx"), "no text")
    refused(written(tmp_path, b"a,b,1\n\xe9,b,2\n"), "line 2: ", "UTF-8")
    refused(written(tmp_path, ",u,i,rating\n0,1,2,3\n"), "the 4 columns '', 'u', 'i', 'rating'")
    refused(written(tmp_path, "%%MatrixMarket matrix\n1 1 1\n"), ".mtx")
    refused(written(tmp_path, b"no archive", "r.csv.gz"), "cannot be read")
    refused(written(tmp_path, gzip.compress(b"1,2,3\n" * 99)[:-9], "r.csv.gz"), "cannot be read")
    refused(written(tmp_path, "x" * 200_000), "line 1: it has 1 of the 3")
    assert issubclass(DataError, StradsError)
    assert issubclass(DataError, ValueError)


def test_blocks_join(tmp_path, monkeypatch):
    monkeypatch.setattr("strads.datasets.rating_text.BLOCK", 2)
    rows = [("u", "a", 1.0), ("v", "b", 2.0), ("u", "c", 3.0), ("w", "a", 4.0), ("u", "a", 5.0)]
    path = written(tmp_path, "".join(f"{u},{i},{v}\n\n" for u, i, v in rows))
    ratings = read_ratings(path)
    assert table(ratings) == last(rows)
    assert ratings.duplicates == 1


# -- other files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("user", "item", "value"), ("user_id", "items", "ratings")])
def test_an_archive_of_columns(tmp_path, names):
    path = tmp_path / "ratings.npz"
    np.savez(path, shape=[99, 99], **dict(zip(names, zip(*TABLE, strict=True), strict=True)))
    assert table(read_ratings(path)) == last(TABLE)
    np.savez(path, user=[1, 2], item=[1, 2], value=[1.0, np.nan])
    refused(path, "ratings[1] is nan")
    np.savez(path, user=[1, 2], item=[1, 2], value=[1.0])
    refused(path, "2, 2 and 1")
    np.savez(path, user=[1, 2], stars=[1.0, 2.0])
    refused(path, "stars")


@pytest.mark.parametrize("name", ["r.npz", "r.mtx", "r.mtx.gz"])
def test_a_sparse_matrix(tmp_path, name):
    X = sp.coo_array(([1.0, 0.0, 2.5], ([0, 2, 2], [1, 0, 3])), shape=(4, 5))
    path = tmp_path / name
    if name.endswith("npz"):
        sp.save_npz(path, X)
    else:
        scipy.io.mmwrite(tmp_path / "r.mtx", X)
    if name.endswith("gz"):
        path.write_bytes(gzip.compress((tmp_path / "r.mtx").read_bytes()))
    ratings = read_ratings(path)
    assert table(ratings) == {(0, 1): 1.0, (2, 0): 0.0, (2, 3): 2.5}
    assert ratings.shape == X.shape
    assert ratings.matrix().nnz == 3


def test_a_matrix_without_ratings(tmp_path):
    path = tmp_path / "r.npz"
    sp.save_npz(path, sp.csr_array((3, 3)))
    refused(path, "no rating")


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "r.parquet"
    frame = pd.DataFrame(TABLE, columns=["u", "i", "rating"]).assign(time=0)
    frame.to_parquet(path)
    assert table(read_ratings(path)) == last(TABLE)
    frame["u"] = ["a", "b", "a", None]
    frame.to_parquet(path)
    refused(path, "users[3] is missing")
    frame[["u", "i"]].to_parquet(path)
    refused(path, "the 2 columns 'u', 'i'")
    frame[["time", "u", "i", "rating"]].to_parquet(path)
    refused(path, "'time', 'u', 'i', 'rating'", "--user COLUMN --item COLUMN")
    refused(written(tmp_path, "1,2,3", "r.parquet"), "cannot be read")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    refused(written(tmp_path, "1,2,3", "r.parquet"), "pip install pyarrow")


# -- files that mislead --------------------------------------------------------------------------


@pytest.mark.parametrize("lead", ["", "other,plain,1\n"])
def test_quotation_marks_after_a_space_are_unquoted(tmp_path, lead):
    text = lead + 'Ann, "x""5", 3\n "Bob" ,"a, b", "4.5"\n'
    ratings = dict(table(read_ratings(written(tmp_path, text))))
    ratings.pop(("other", "plain"), None)
    assert ratings == {("Ann", 'x"5'): 3.0, ("Bob", "a, b"): 4.5}


@pytest.mark.parametrize("inner", [";", "|", "::", "\t"])
def test_delimiters_within_quotation_marks_do_not_mislead(tmp_path, inner):
    text = f'"a{inner}b","c{inner}d{inner}e",5\n' * 2
    read = read_ratings(written(tmp_path, text))
    assert table(read) == {(f"a{inner}b", f"c{inner}d{inner}e"): 5.0}


@pytest.mark.parametrize("delimiter", [",", "\t", "::", " "])
def test_an_id_may_begin_like_a_comment(tmp_path, delimiter):
    rows = [("#tag", "a", 1.0), ("%x", "#b", 2.0), ("u", "c", 3.0)]
    text = "".join(delimiter.join(map(str, row)) + "\n" for row in rows)
    assert table(read_ratings(written(tmp_path, text))) == last(rows)
    only = "".join(delimiter.join(map(str, row)) + "\n" for row in rows[:2])
    assert table(read_ratings(written(tmp_path, only))) == last(rows[:2])


@pytest.mark.parametrize(
    "comments",
    [
        "% bip weighted\n% 2 2 2\n", "# 1 2 3\n", "## 1 2 3\n", "%% 1 2 3\n", "#\n%\n",
        "#user item rating\n", "#no rating\n", "#\t1\t2\t3\n",
    ],
)  # fmt: skip
def test_comments_stay_comments(tmp_path, comments):
    assert table(read_ratings(written(tmp_path, comments + "1 2 3\n4 5 6\n"))) == {
        (1, 2): 3.0,
        (4, 5): 6.0,
    }


@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz"])
def test_a_nul_is_named_by_its_place(tmp_path, name):
    text = b"a,b,1\r\n" * 100 + b"a,c\0,2\n"
    path = written(tmp_path, gzip.compress(text) if name.endswith("gz") else text, name)
    refused(path, "line 101 holds a NUL (byte 703, from 0)", "no text")


def test_long_fields_are_cut_in_messages(tmp_path):
    for field in ("x" * 70_000, '"' + "y" * 140_000 + '"', "-" + "9" * 70_000):
        message = refused(written(tmp_path, f"1,2,3\n4,5,{field}\n"), "line 2: ")
        assert len(message) < 400 + len(str(tmp_path))
    refused(written(tmp_path, "1,2,3\n" + "x" * (3 << 20)), "line 2: it is longer than 1 MiB")


def test_packed_text_that_outgrows_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("strads.datasets.files.text_file.STEP", 1 << 16)
    monkeypatch.setattr("strads.datasets.files.text_file.available_memory", lambda: 1 << 20)
    path = written(tmp_path, gzip.compress(b"1,2,3\n" * (1 << 19)), "r.csv.gz")
    refused(path, "has unpacked to", "MiB are left")
    monkeypatch.setattr("strads.datasets.files.text_file.available_memory", lambda: 1 << 30)
    assert len(read_ratings(path)) == 1


def test_parquet_that_claims_too_much(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    path = tmp_path / "r.parquet"
    columns = {"user": np.zeros(10**6, int), "item": np.zeros(10**6, int), "rating": np.ones(10**6)}
    pd.DataFrame(columns).to_parquet(path)
    assert path.stat().st_size < 10**5
    monkeypatch.setattr("strads.datasets.files.guards.available_memory", lambda: 1 << 20)
    refused(path, "its ratings take 23 MiB, but 1 MiB are left")


def test_more_users_than_codes(tmp_path):
    path = tmp_path / "r.npz"
    X = sp.coo_array(([1.0], ([0], [2**32 + 1])), shape=(1, 2**33))
    sp.save_npz(path, X)
    refused(path, "8,589,934,592")
