"""Valid small files of every format that is read, and ways to damage them.

Most damage is at random; some is known to be harmless, and what is read must then be equal.
"""

import gzip
import io
import random
import re
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from bench.survival.hostile.outcomes import equal, refused
from strads.datasets import (
    read_corpus,
    read_data,
    read_matrix,
    read_pairs,
    read_ratings,
    read_table,
)

MTX = b"%%MatrixMarket matrix "
UCI = b"4\n3\n6\n1 1 2\n1 3 1\n3 2 7\n3 3 1\n4 1 1\n4 3 1\n"
#: What is put in: numbers at the ends of their types, marks, code, and bytes that are not text.
TOKENS = [
    b"-1", b"4294967296", b"2147483648", b"-9223372036854775809", b"18446744073709551616",
    b"9" * 30, b"9" * 5000, b"nan", b"inf", b"-inf", b"1e400", b"1e-400", b"1_000", b"0x10",
    b"1e5", b"1.5", b"True", b" ", b"\n", b"\n\n\n", b"\r", b":", b"#", b"%", b"-", b'"', b"'",
    b",", b",,,,", b"::", b"\t", b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\x1a",
    b"\x7f\xff\xff\xff", "١٢".encode(), "\u2028".encode(), b"1:1 1:1", b"qid:", b"x" * 70_000,
    b"__import__('os').abort()", b"'descr': '|O'", b"(1" + b"0" * 18 + b",)", b"PK\x03\x04",
]  # fmt: skip


def _npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _saved(form: str, compressed: bool = False) -> bytes:
    file = io.BytesIO()
    matrix = sp.coo_array(np.diag([1.0, 2.0, 3.0])).asformat(form)
    sp.save_npz(file, matrix, compressed=compressed)
    return file.getvalue()


def _parquet(**columns: Any) -> bytes | None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return None
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


def _clicks(path: Path) -> Any:
    return read_ratings(path, clicks=True)


def _with_target(path: Path) -> Any:
    return read_data(path, "y")


SVM = b"1 1:2 3:4.5\n-1 2:1 # c\n0 qid:3 1:1\n"
COORDINATE = MTX + b"coordinate real general\n% c\n3 3 2\n1 1 1.0\n2 2 2\n"
TABLE = b'"x y";z\n"1";2\n3;4.5\n'
RATINGS = b"user,item,rating\n1,2,3\n4,5,6\n"

#: A reader, and the bytes of a file that it reads, by the name of the file.
FILES: dict[str, tuple[Callable[[Path], Any], bytes | None]] = {
    "coordinate.mtx": (read_matrix, COORDINATE),
    "pattern.mtx": (read_ratings, MTX + b"coordinate pattern symmetric\n3 3 2\n1 1\n2 1"),
    "counts.mtx": (read_corpus, MTX + b"coordinate integer general\n2 3 2\n1 1 2\n2 3 1\n"),
    "array.mtx": (read_matrix, MTX + b"array integer skew-symmetric\n2 2\n1\n"),
    "packed.mtx.gz": (read_matrix, gzip.compress(MTX + b"array real general\n2 1\n1\n2\n")),
    "rows.svm": (read_data, SVM),
    "rows.svm.gz": (read_data, gzip.compress(SVM)),
    "x.npy": (read_matrix, _npy(np.eye(3))),
    "arrays.npz": (read_data, _npz(X=np.eye(3), y=np.ones(3))),
    "csr.npz": (read_matrix, _saved("csr")),
    "csc.npz": (read_matrix, _saved("csc", compressed=True)),
    "coo.npz": (read_corpus, _saved("coo")),
    "bsr.npz": (read_matrix, _saved("bsr")),
    "dia.npz": (read_matrix, _saved("dia")),
    "columns.npz": (
        read_ratings, _npz(user=[0, 1, 2], item=np.array(list("abc")), value=[1, 2, 3]),
    ),
    "docword.x.txt": (read_corpus, UCI),
    "docword.x.txt.gz": (read_corpus, gzip.compress(UCI)),
    "lines.txt": (read_corpus, b"the cat\nthe dog\n"),
    "integers.csv": (read_ratings, RATINGS),
    "pairs.csv": (read_pairs, RATINGS),
    "quoted.csv": (read_ratings, b'"a";"x;y";"5"\n"b"; "z""q";"1"\n'),
    "ml.dat": (read_ratings, b"1::2::3::99\n4::5::1::98\n"),
    "clicks.csv": (_clicks, b"time,item,user\n1,a,b\n2,c,d\n"),
    "table.csv": (read_table, TABLE),
    "table.csv.gz": (read_table, gzip.compress(TABLE)),
    "target.tsv": (_with_target, b"a\ty\n1\t2\n3\t4\n"),
    "spaces": (read_ratings, b"# c\n%x 1 2\n1 2 3\n4 5 6\n"),
    "table.parquet": (read_table, _parquet(a=[1.0, 2.0], b=[3, 4])),
    "ratings.parquet": (read_ratings, _parquet(user=[1, 2], item=["a", "b"], rating=[3.0, 4.0])),
}  # fmt: skip
NAMES = [name for name, (_, content) in FILES.items() if content is not None]


def attempt(choose: random.Random, folder: Path) -> tuple[str, str | None]:
    """Read one damaged file; return which, and what was wrong with the outcome, if anything."""
    name = choose.choice(NAMES)
    read, content = FILES[name]
    assert content is not None
    harmless = choose.random() < 0.05
    content = _harmless(name, content) if harmless else damaged(content, choose, name)
    path = folder / name
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = read(path)
        except Exception as error:
            return name, "a harmless change was refused" if harmless else refused(error, str(path))
    if harmless:
        return name, None if equal(found, _original(name)) else "a harmless change changed the data"
    return name, inconsistent(found)


@cache
def _original(name: str) -> Any:
    import tempfile

    read, content = FILES[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content or b"")
        found = read(path)
        # A map of a file that is about to be removed is read now.
        return tuple(np.array(x) if isinstance(x, np.memmap) else x for x in found) if isinstance(
            found, tuple
        ) else found  # fmt: skip


def _harmless(name: str, content: bytes) -> bytes:
    """Write the same data in another way: other line ends, or compressed anew."""
    if name.endswith(".gz"):
        return gzip.compress(gzip.decompress(content), compresslevel=1)
    if name.endswith((".npz", ".npy", ".parquet")):
        return content
    return content.replace(b"\n", b"\r\n") if not name.startswith("pattern") else content + b"\n"


def damaged(content: bytes, choose: random.Random, name: str) -> bytes:
    """Return a copy with one to three places damaged; text that is packed, within the package."""
    packed = name.endswith(".gz") and choose.random() < 0.7
    copy = bytearray(gzip.decompress(content) if packed else content)
    for _ in range(choose.randint(1, 3)):
        _damage(copy, choose)
        copy = copy or bytearray(b"\n")
    return gzip.compress(copy, 1) if packed else bytes(copy)


def _damage(copy: bytearray, choose: random.Random) -> None:
    place, kind = choose.randrange(len(copy)), choose.randrange(8)
    if kind == 0:
        copy[place] = choose.randrange(256)
    elif kind == 1:
        copy[place] ^= 1 << choose.randrange(8)
    elif kind == 2:
        del copy[place : place + choose.randint(1, 8)]
    elif kind in (3, 4):
        copy[place : place + choose.randint(0, 2)] = choose.choice(TOKENS)
    elif kind == 5:
        chunk = copy[place : place + choose.randint(1, 200)]
        copy[place:place] = chunk * choose.choice([1, 1, 2, 1000])
    elif kind == 6:
        numbers = [found.span() for found in re.finditer(rb"\d+", copy)]
        if numbers:
            first, last = choose.choice(numbers)
            copy[first:last] = choose.choice([token for token in TOKENS if token[-1:].isdigit()])
    elif choose.random() < 0.5:
        del copy[place:]


def inconsistent(found: Any) -> str | None:
    """Say what is wrong with data that were read, if anything."""
    for part in found if isinstance(found, tuple) else (found,):
        for array in (part, *getattr(part, "__dict__", {}).values()):
            if sp.issparse(array):
                array.check_format(full_check=True) if hasattr(array, "check_format") else None
                array = array.data
            if not isinstance(array, np.ndarray):
                continue
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                return "it was read with values that are not finite"
    users, items = getattr(found, "users", ()), getattr(found, "items", ())
    if len(users) and not (users.max() < len(found.user_ids) and items.max() < len(found.item_ids)):
        return "a rating is of a user or an item that there is not"
    return None
