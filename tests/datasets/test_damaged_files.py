"""Randomly damaged files: the reader returns data or raises a DataError that names the file."""

import gzip
import io
import random
import warnings

import numpy as np
import pytest
import scipy.sparse as sp

from strads.datasets.corpus import read_corpus
from strads.datasets.design_matrix import read_matrix
from strads.datasets.rating_files import read_ratings
from strads.datasets.regression import read_data
from strads.datasets.table import read_table
from strads.engine.errors import DataError

#: Number of damaged copies of every file. Thousands were read once; these guard later changes.
COPIES = 60
MTX = b"%%MatrixMarket matrix "
UCI = b"4\n3\n6\n1 1 2\n1 3 1\n3 2 7\n3 3 1\n4 1 1\n4 3 1\n"
#: Bytes to put in: numbers at the ends of their types, marks, and bytes that are not text.
PIECES = [
    b"-1", b"4294967296", b"2147483648", b"9" * 30, b"9" * 5000, b"nan", b"1e400", b" ", b"\n",
    b"\r", b":", b"#", b"%", b"-", b'"', b",", b"::", b"\t", b"\0", b"\xff", b"\x7f\xff\xff\xff",
]  # fmt: skip


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def saved(form):
    file = io.BytesIO()
    sp.save_npz(file, sp.coo_array(np.diag([1.0, 2.0, 3.0])).asformat(form), compressed=False)
    return file.getvalue()


def read_clicks(path):
    return read_ratings(path, clicks=True)


FILES = {
    "coordinate.mtx": (read_matrix, MTX + b"coordinate real general\n% c\n3 3 2\n1 1 1.0\n2 2 2\n"),
    "pattern.mtx": (read_ratings, MTX + b"coordinate pattern symmetric\n3 3 2\n1 1\n2 1"),
    "complex.mtx": (read_matrix, MTX + b"coordinate complex hermitian\n3 3 2\n1 1 1 0\n2 1 1 2\n"),
    "array.mtx": (read_corpus, MTX + b"array integer skew-symmetric\n2 2\n1\n"),
    "packed.mtx.gz": (read_matrix, gzip.compress(MTX + b"array real general\n2 1\n1\n2\n")),
    "rows.svm": (read_data, b"1 1:2 3:4.5\n-1 2:1 # c\n0 qid:3 1:1\n"),
    "x.npy": (read_matrix, npy(np.eye(3))),
    "arrays.npz": (read_data, npz(X=np.eye(3), y=np.ones(3))),
    "csr.npz": (read_matrix, saved("csr")),
    "coo.npz": (read_corpus, saved("coo")),
    "dia.npz": (read_matrix, saved("dia")),
    "columns.npz": (read_ratings, npz(user=[0, 1, 2], item=np.array(list("abc")), value=[1, 2, 3])),
    "docword.x.txt": (read_corpus, UCI),
    "docword.x.txt.gz": (read_corpus, gzip.compress(UCI)),
    "lines.txt": (read_corpus, b"the cat\nthe dog\n"),
    "integers.csv": (read_ratings, b"user,item,rating\n1,2,3\n4,5,6\n"),
    "quoted.csv": (read_ratings, b'"a";"x;y";"5"\n"b"; "z""q";"1"\n'),
    "ml.dat": (read_ratings, b"1::2::3::99\n4::5::1::98\n"),
    "clicks.csv": (read_clicks, b"time,item,user\n1,a,b\n2,c,d\n"),
    "table.csv": (read_table, b'"x y";z\n"1";2\n3;4.5\n'),
    "table.csv.gz": (read_table, gzip.compress(b"1,2\n3,4\n")),
    "spaces": (read_ratings, b"# c\n%x 1 2\n1 2 3\n4 5 6\n"),
}  # fmt: skip


def damaged(content, choose):
    """Return a copy with one to three places overwritten, flipped, cut out, inserted or cut off."""
    copy = bytearray(content)
    for _ in range(choose.randint(1, 3)):
        place, kind = choose.randrange(len(copy)), choose.randrange(5)
        if kind == 0:
            copy[place] = choose.randrange(256)
        elif kind == 1:
            copy[place] ^= 1 << choose.randrange(8)
        elif kind == 2:
            del copy[place : place + choose.randint(1, 8)]
        elif kind == 3:
            copy[place : place + choose.randint(0, 2)] = choose.choice(PIECES)
        elif choose.random() < 0.3:
            del copy[place:]
        copy = copy or bytearray(b"\n")
    return bytes(copy)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path, name):
    read, content = FILES[name]
    path = tmp_path / name
    choose = random.Random(name)
    for _ in range(COPIES):
        path.write_bytes(damaged(content, choose))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read(path)
            except DataError as error:
                message = str(error)
                assert str(path) in message
                assert "\n" not in message
                assert len(message) < 500 + 2 * len(str(path))


@pytest.mark.parametrize("name", FILES)
def test_the_undamaged_file_is_what_its_reader_reads(tmp_path, name):
    read, content = FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    if name in ("complex.mtx", "array.mtx"):
        with pytest.raises(DataError, match="real numbers|is -1"):
            read(path)
    else:
        read(path)
