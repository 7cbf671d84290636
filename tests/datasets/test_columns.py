"""Columns of ratings: found by name, place or option, and refused where they are not clear."""

import gzip
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rated import TABLE, last, table

from strads.datasets import read_corpus, read_matrix, read_pairs, read_ratings
from strads.engine import DataError

NAMES = ("userId", "movieId", "rating", "timestamp")


def written(folder, text, name="r.csv"):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


def refused(read, path, *says, **options):
    with pytest.raises(DataError) as caught:
        read(path, **options)
    message = str(caught.value)
    for expected in (str(path), *says):
        assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
@pytest.mark.parametrize("name", ["r.csv", "r.parquet"])
def test_columns_may_have_any_order(tmp_path, order, name):
    frame = pd.DataFrame([(*row, 881250949) for row in TABLE], columns=NAMES).iloc[:, list(order)]
    path = tmp_path / name
    frame.to_csv(path, index=False) if name == "r.csv" else frame.to_parquet(path)
    assert table(read_ratings(path)) == last(TABLE)


@pytest.mark.parametrize(
    "names",
    [
        ("user", "item", "rating"), ("user_id", "anime_id", "rating"), ("User-ID", "ISBN", "stars"),
        ("reviewerID", "asin", "overall_rating"), ("customer", "product_id", "score"),
        ("uid", "items", "value"), ("user_id", "movie_id", "play_count"),
    ],
)  # fmt: skip
def test_well_known_names(tmp_path, names):
    rows = [f"x,{row[2]},{row[1]},{row[0]},y,z,w" for row in TABLE]
    header = f"a,{names[2]},{names[1]},{names[0]},b,c,d"
    assert table(read_ratings(written(tmp_path, "\n".join([header, *rows])))) == last(TABLE)


@given(st.permutations([0, 1, 2]), st.sampled_from([",", ";", "\t", "|", "::", " "]))
def test_columns_by_number_without_a_header(tmp_path_factory, order, delimiter):
    lines = [delimiter.join(str(row[place]) for place in order) for row in TABLE]
    path = written(tmp_path_factory.mktemp("c"), "\n".join(lines))
    user, item, rating = (str(order.index(place)) for place in range(3))
    assert table(read_ratings(path, user=user, item=item, rating=rating)) == last(TABLE)


def test_columns_that_the_caller_names(tmp_path):
    text = "who;what;when;much;movieId\n" + "".join(f"{u};{i};1;{v};9\n" for u, i, v in TABLE)
    given = {"user": "who", "item": "what", "rating": "much"}
    assert table(read_ratings(written(tmp_path, text, "r.csv.gz"), **given)) == last(TABLE)
    quoted = 'a;"the user";film;rating\n' + "".join(f'x;"{u}";"{i}";{v}\n' for u, i, v in TABLE)
    assert table(read_ratings(written(tmp_path, quoted), user="the user")) == last(TABLE)
    refused(read_ratings, written(tmp_path, text), "no column 'whom'", "'who'", user="whom")
    refused(read_ratings, written(tmp_path, "1,2,3\n"), "no column 'u'", "0 to 2", user="u")
    refused(read_ratings, written(tmp_path, "1,2,3\n"), "no column '3'", item="3")
    refused(
        read_ratings, written(tmp_path, "user,user,item,rating\n1,1,2,3\n"), "several", user="user"
    )
    refused(
        read_ratings,
        written(tmp_path, "u,i,r\n1,2,3\n"),
        "must differ",
        user="u",
        item="u",
        rating="r",
    )


def test_wrong_lines_are_found_in_any_order_of_columns(tmp_path):
    header = "timestamp,rating,movieId,userId\n"
    refused(read_ratings, written(tmp_path, header + "9,3,1,2\n9,x,1,2\n"), "line 3", "rating 'x'")
    refused(read_ratings, written(tmp_path, header + "9,3,1,2\n9,3,1\n"), "line 3", "3 of the 4")
    refused(read_ratings, written(tmp_path, header + "9,3,1,2\n9,3,,2\n"), "line 3", "the item is")
    refused(read_ratings, written(tmp_path, header + "9,3,1,2\n9,3,1,-2\n"), "the user -2 is")


@pytest.mark.parametrize("name", ["c.csv", "c.csv.gz", "c.parquet", "c.npz"])
@pytest.mark.parametrize("ids", ["integers", "text"])
def test_clicks_count_their_rows(tmp_path, name, ids):
    pairs = [(1, 5), (2, 5), (1, 5), (1, 6), (1, 5)]
    if ids == "text":
        pairs = [(f"u{u}", f"i{i}") for u, i in pairs]
    frame = pd.DataFrame(pairs, columns=["item", "user"])[["item", "user"]]
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    elif name.endswith("npz"):
        np.savez(
            path,
            **{
                column: frame[column].to_numpy().astype(str if ids == "text" else int)
                for column in frame
            },
        )
    else:
        frame.to_csv(path, index=False)
    counts = {}
    for item, user in pairs:
        counts[user, item] = counts.get((user, item), 0.0) + 1.0
    assert table(read_ratings(path, clicks=True)) == counts
    users, items = read_pairs(path)
    assert list(zip(items.tolist(), users.tolist(), strict=True)) == pairs
    with pytest.raises(DataError):
        read_ratings(path)


def test_clicks_without_a_header(tmp_path):
    path = written(tmp_path, "u1,the wire\nu2,lost\nu1,the wire\n")
    expected = {("u1", "the wire"): 2.0, ("u2", "lost"): 1.0}
    assert table(read_ratings(path, clicks=True)) == expected
    assert table(read_ratings(written(tmp_path, "1 2\n3 4\n"), clicks=True)) == {
        (1, 2): 1,
        (3, 4): 1,
    }
    refused(read_ratings, path, "line 1: it has 2 of the 3 fields")
    refused(read_ratings, written(tmp_path, "user,item\n1,2\n"), "strads fit implicit")
    refused(read_ratings, written(tmp_path, "1,2\n3\n"), "line 2", clicks=True)


@pytest.mark.parametrize("read", [read_ratings, lambda path: read_ratings(path, clicks=True)])
def test_times_are_no_ratings(tmp_path, read):
    times = "196,242,881250949\n186,302,891717742\n"
    refused(read, written(tmp_path, times), "881250949", "like a time", "--user and --item")
    pairs = read_ratings(written(tmp_path, times), clicks=True, user="0", item="1")
    assert table(pairs) == {(196, 242): 1.0, (186, 302): 1.0}
    refused(read_ratings, written(tmp_path, "user,item,time\n1,2,3\n"), "which hold the ratings")
    refused(read, written(tmp_path, "u,i,date\n1,2,3\n"), "which hold the users, items, ratings")
    assert table(read_ratings(written(tmp_path, "user,item,time\n1,2,3\n"), clicks=True))


def test_names_of_two_columns_are_no_click(tmp_path):
    path = written(tmp_path, "who,what\n1,a\n2,b\n")
    assert table(read_ratings(path, clicks=True)) == {(1, "a"): 1.0, (2, "b"): 1.0}
    path = written(tmp_path, "ann,1\nbob,2\n")
    assert table(read_ratings(path, clicks=True)) == {("ann", 1): 1.0, ("bob", 2): 1.0}


def test_clicks_with_ratings_have_these(tmp_path):
    path = written(tmp_path, "".join(f"{u},{i},{v}\n" for u, i, v in TABLE))
    assert table(read_ratings(path, clicks=True)) == last(TABLE)
    events = written(tmp_path, "time,event,visitor_id,item_id\n5,view,1,2\n6,view,1,2\n")
    assert table(read_ratings(events, clicks=True)) == {(1, 2): 2.0}


def test_pairs_keep_order_duplicates_and_zeros(tmp_path):
    path = written(tmp_path, "user,item,note\n007,b,x\n1,a,y\n007,b,\n")
    users, items = read_pairs(path)
    assert (users.tolist(), items.tolist()) == ([7, 1, 7], ["b", "a", "b"])
    assert read_pairs(path, text=("user",))[0].tolist() == ["007", "1", "007"]


def test_a_matrix_has_no_columns_to_choose(tmp_path):
    path = written(
        tmp_path, "%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 2\n", "r.mtx"
    )
    refused(read_ratings, path, "leave out --user and --item", user="a", item="b")


# -- data that are something else ------------------------------------------------------------------


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.csv.gz"])
def test_a_table_of_features_is_no_ratings(tmp_path, header, name):
    frame = pd.DataFrame(np.arange(204).reshape(4, 51), columns=[f"f{n}" for n in range(51)])
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, header=header)
    refused(read_ratings, path, "51 columns", "--user COLUMN", "strads fit lasso")
    names = ("f7", "f8", "f9") if header or name.endswith("parquet") else ("7", "8", "9")
    chosen = dict(zip(("user", "item", "rating"), names, strict=True))
    assert len(read_ratings(path, **chosen)) == 4


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_measurements_are_no_ids(tmp_path, name):
    frame = pd.DataFrame({"lat": [8.25, 3.5], "long": [1, 2], "price": [2.0, 3.0]})
    path = tmp_path / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
    refused(read_ratings, path, "8.25", "table of measurements")


RATINGS = {
    "r.dat": "1::1193::5::978300760\n1::661::3::978302109\n",
    "u.data": "196\t242\t3\t881250949\n186\t302\t3\t891717742\n",
    "r.csv": "userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n1,29,3.5,1112484676\n",
    "short.txt": "a1,b10,5\na2,b11,3\n",
    "spaces.txt": "10 11 5\n12 13 4\n",
    "quoted.csv": '"User-ID";"ISBN";"Book-Rating"\n"276725";"034545104X";"0"\n',
}


@pytest.mark.parametrize("name", RATINGS)
def test_ratings_are_no_texts(tmp_path, name):
    path = written(tmp_path, RATINGS[name], name)
    refused(read_corpus, path, "ratings", "strads fit mf")
    assert len(read_ratings(path)) > 0


@pytest.mark.parametrize(
    "text",
    [
        "the cat, the dog, 3 mice\na dog\n", "room 101 is 3 flights up\n", "12 monkeys\n",
        "ab,bc,cd\n", "we met user, movie, rating\nand more\n", "call 555 1234\ncall 555 9999\n",
    ],
)  # fmt: skip
def test_texts_stay_texts(tmp_path, text):
    assert len(read_corpus(written(tmp_path, text, "t.txt"))) == len(text.splitlines())


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.csv.gz", "quoted.csv", "r.txt", "r.svm"])
def test_ratings_are_no_design_matrix(tmp_path, name):
    kinds = {"r.tsv": "u.data", "r.csv.gz": "r.csv", "r.txt": "r.dat", "r.svm": "u.data"}
    path = written(tmp_path, RATINGS[kinds.get(name, name)], name)
    refused(read_matrix, path, "ratings", "strads fit mf")


def test_ratings_in_parquet_are_no_design_matrix(tmp_path):
    path = tmp_path / "r.parquet"
    pd.DataFrame(TABLE, columns=["user", "item", "rating"]).to_parquet(path)
    refused(read_matrix, path, "ratings", "strads fit mf")
