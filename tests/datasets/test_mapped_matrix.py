"""Matrices that stay in files: formats, parts, identity, conversion."""

from __future__ import annotations

import gc
import gzip
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import dump_svmlight_file

from strads.datasets import as_mapped, convert_matrix, map_matrix
from strads.engine import DataError
from strads.engine.file_pages import file_map

RNG = np.random.default_rng(0)
X = RNG.normal(size=(13, 7))
S = sp.random(13, 7, 0.4, format="csc", random_state=0)
S.data = S.data.round(3)  # exact in text


def saved(folder: Path, array: np.ndarray, order: str = "F") -> Path:
    np.save(folder / "x.npy", np.asarray(array, order=order))  # type: ignore[call-overload]
    return folder / "x.npy"


def agrees(mapped: Any, dense: np.ndarray) -> None:
    """Columns, rows, ranges of rows and products are those of the array in memory."""
    ids = np.array([3, 0, 5])
    columns, rows = mapped.columns(ids), mapped.rows(ids)
    if mapped.sparse:
        assert (columns.format, rows.format) == ("csc", "csr")
        assert columns.has_sorted_indices
        columns, rows = columns.toarray(), rows.toarray()
        part = mapped.sparse_rows(2, 9).toarray()
    else:
        assert columns.flags.f_contiguous
        part = np.empty((7, 7), mapped.dtype)
        mapped.copy_rows(2, 9, part)
    np.testing.assert_array_equal(columns, dense[:, ids])
    np.testing.assert_array_equal(rows, dense[ids])
    np.testing.assert_array_equal(part, dense[2:9])
    weights = np.arange(14.0).reshape(7, 2)
    np.testing.assert_allclose(mapped @ weights, dense @ weights, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        mapped @ weights[:, 1], dense @ weights[:, 1], rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_numbers_in_floating_point(tmp_path: Path, order: str, dtype: str) -> None:
    array = X.astype(dtype)
    mapped = map_matrix(saved(tmp_path, array, order))
    assert (mapped.by_columns, mapped.dtype) == (order == "F", dtype)
    agrees(mapped, array.astype(np.float64))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_whole_numbers_with_a_scale(tmp_path: Path, order: str, dtype: Any) -> None:
    array = RNG.integers(0 if dtype is np.uint8 else -128, 128, size=(13, 7)).astype(dtype)
    for scale in (None, 0.25, np.arange(1.0, 8.0) / 8.0):
        mapped = map_matrix(saved(tmp_path, array, order), scale=scale)
        agrees(mapped, array * (1.0 if scale is None else scale))


@pytest.mark.parametrize("layout", ["csc", "csr"])
def test_folders(tmp_path: Path, layout: str) -> None:
    sp.save_npz(tmp_path / "s.npz", S)
    by = "columns" if layout == "csc" else "rows"
    folder = convert_matrix(tmp_path / "s.npz", tmp_path / "s", by=by)
    agrees(map_matrix(folder), S.toarray())
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("room", [1, 60, 200])
@pytest.mark.parametrize("sparse", [True, False])
def test_parts_of_a_file_are_read_together(tmp_path: Path, room: int, sparse: bool) -> None:
    """One stripe, some, or all of them at a time."""
    if sparse:
        sp.save_npz(tmp_path / "s.npz", S)
        mapped = map_matrix(convert_matrix(tmp_path / "s.npz", tmp_path / "s"))
    else:
        mapped = map_matrix(saved(tmp_path, X))
    agrees(mapped.with_room(room), S.toarray() if sparse else X)


def write_bed(folder: Path, codes: np.ndarray) -> Path:
    """Write codes of shape (samples, variants) as PLINK does, one by one."""
    samples, variants = codes.shape
    packed = bytearray(b"\x6c\x1b\x01")
    for j in range(variants):
        for first in range(0, samples, 4):
            byte = 0
            for k, code in enumerate(codes[first : first + 4, j]):
                byte |= int(code) << 2 * k
            packed.append(byte)
    (folder / "g.bed").write_bytes(packed)
    (folder / "g.fam").write_text("0 s 0 0 0 -9\n" * samples)
    (folder / "g.bim").write_text("1 v 0 1 A C\n" * variants)
    return folder / "g.bed"


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_genotypes(seed: int, missing: bool) -> None:
    """Copies of the first allele; missing ones are the mean of the others of the variant."""
    import tempfile

    rng = np.random.default_rng(seed)
    codes = rng.choice([0, 1, 2, 3] if missing else [0, 2, 3], size=(13, 7))
    dense = np.array([2.0, np.nan, 1.0, 0.0])[codes]
    for column in dense.T:
        known = column[~np.isnan(column)]
        column[np.isnan(column)] = np.float32(known.mean()) if len(known) else 0.0
    with tempfile.TemporaryDirectory() as folder:
        agrees(map_matrix(write_bed(Path(folder), codes)), dense)


@pytest.mark.parametrize("layout", ["csc", "csr"])
def test_a_matrix_as_maps_of_its_files(tmp_path: Path, layout: str) -> None:
    sp.save_npz(tmp_path / "s.npz", S)
    by = "columns" if layout == "csc" else "rows"
    folder = convert_matrix(tmp_path / "s.npz", tmp_path / "folder", by=by)
    sparse = map_matrix(folder).as_maps()
    assert (sparse.format, sparse.indices.dtype) == (layout, sparse.indptr.dtype)
    np.testing.assert_array_equal(sparse.toarray(), S.toarray())
    dense = map_matrix(saved(tmp_path, X)).as_maps()
    np.testing.assert_array_equal(dense, X)
    for array in (sparse.data, sparse.indices, dense):
        assert file_map(array) is not None  # nothing has been copied
    with pytest.raises(ValueError, match="less than 32 bits"):
        map_matrix(saved(tmp_path, X.astype(np.int8))).as_maps()


def test_maps_that_users_have_made(tmp_path: Path) -> None:
    path = saved(tmp_path, X, "C")
    agrees(as_mapped(np.load(path, mmap_mode="r")), X)
    assert as_mapped(np.load(path, mmap_mode="c")) is None
    assert as_mapped(X) is None
    folder = convert_matrix_of(tmp_path, S)
    parts = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("data", "indices")]
    matrix = sp.csc_array((*parts, np.load(folder / "indptr.npy")), shape=S.shape)
    found = as_mapped(matrix)
    if found is not None:  # SciPy may have copied the indices
        agrees(found, S.toarray())


def convert_matrix_of(folder: Path, matrix: Any) -> Path:
    sp.save_npz(folder / "of.npz", matrix)
    return convert_matrix(folder / "of.npz", folder / "of")


def test_a_matrix_is_never_read_as_a_whole(tmp_path: Path) -> None:
    mapped = map_matrix(saved(tmp_path, X))
    assert "by columns" in repr(mapped)
    with pytest.raises(TypeError, match="stays in its file"):
        np.asarray(mapped)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda path: os.truncate(path, 200), "bytes and now has 200"),
        (lambda path: os.utime(path, ns=(1, 1)), "was written to"),
        (lambda path: (path.unlink(), np.save(path, X)), "replaced|was written to"),
        (lambda path: path.unlink(), "cannot be opened"),
    ],
)
def test_a_file_that_changes_is_noticed(tmp_path: Path, change: Any, told: str) -> None:
    path = saved(tmp_path, X)
    mapped = map_matrix(path)
    keep = path.open("rb")  # so that the new file does not get the inode of the old one
    with keep:
        change(path)
        for use in (mapped.check, lambda: mapped.columns([1]), lambda: mapped @ np.ones(7)):
            with pytest.raises(DataError, match=told):
                use()


def demand_noticed(monkeypatch: pytest.MonkeyPatch, mapped: Any, uses: list[Any]) -> None:
    """A file that changed is noticed while it is read: nobody looks it up before."""
    monkeypatch.setattr(type(mapped), "check", lambda self: None)
    for use in uses:
        with pytest.raises(DataError, match=r"bytes and now has|was written to"):
            use()
    # Somebody who gave the file its old size and time back is noticed, too.
    monkeypatch.setattr(type(mapped.files[0]), "demand_same", lambda self: None)
    with pytest.raises(DataError, match="could not be opened or read to its end"):
        uses[0]()


@pytest.mark.parametrize("kind", ["C", "F", "rows", "columns"])
def test_rows_and_columns_are_named_as_in_numpy(tmp_path: Path, kind: str) -> None:
    if kind in "CF":
        whole, mapped = X, map_matrix(saved(tmp_path, X, kind))
    else:
        sp.save_npz(tmp_path / "s.npz", S)
        whole = S.toarray()
        mapped = map_matrix(convert_matrix(tmp_path / "s.npz", tmp_path / "s", by=kind))
    rows, columns = whole.shape
    for ids in ([-1, 0], [2, 2, 0], np.arange(rows) % 2 == 0, np.zeros(0, np.int64)):
        np.testing.assert_array_equal(as_array(mapped[ids]), whole[ids])
    for ids in ([-1, 0], [2, 2, 0], np.arange(columns) % 2 == 1):
        np.testing.assert_array_equal(as_array(mapped.columns(ids)), whole[:, ids])
    refused = {"outside": [rows], "array of row numbers": [0.5], "mask of 13 entries": [True]}
    for told, wrong in refused.items():
        with pytest.raises(IndexError, match=told):
            mapped.rows(wrong)


def as_array(part: Any) -> np.ndarray:
    return part.toarray() if sp.issparse(part) else part


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_dense_file_that_is_shortened_while_it_is_read(
    tmp_path: Path, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, X, order)
    mapped = map_matrix(path)
    os.truncate(path, path.stat().st_size - 100)
    demand_noticed(monkeypatch, mapped, [
        lambda: mapped.columns([6]), lambda: mapped.rows([12]), lambda: mapped @ np.ones(7),
        lambda: mapped.copy_rows(9, 13, np.empty((4, 7))),
    ])  # fmt: skip


@pytest.mark.parametrize("layout", ["csc", "csr"])
def test_a_folder_that_changes_while_it_is_read(
    tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sp.save_npz(tmp_path / "s.npz", S)
    by = "columns" if layout == "csc" else "rows"
    folder = convert_matrix(tmp_path / "s.npz", tmp_path / "s", by=by)
    mapped = map_matrix(folder)
    mapped.check()
    size = (folder / "indices.npy").stat().st_size
    with (folder / "indices.npy").open("r+b") as file:
        file.seek(size - 4)
        file.write(b"\xff\xff\xff\x7f")  # the last place is far outside the matrix
    ids = np.arange(mapped.count)
    own, other = (mapped.columns, mapped.rows) if layout == "csc" else (mapped.rows, mapped.columns)
    uses: list[Any] = [lambda: own(ids), lambda: mapped @ np.ones(7), lambda: other([0, 1])]
    demand_noticed(monkeypatch, mapped, uses)


def test_a_matrix_stays_open(tmp_path: Path) -> None:
    """What is read is the file that was mapped, and the descriptor ends with the matrix."""
    path = saved(tmp_path, X)
    mapped = map_matrix(path)
    descriptor = mapped.parts[0].file.descriptor
    assert os.fstat(descriptor).st_ino == path.stat().st_ino
    with pytest.raises(TypeError, match="cannot be sent"):
        pickle.dumps(mapped)
    del mapped
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_both_orders_in_one_folder(tmp_path: Path) -> None:
    sp.save_npz(tmp_path / "s.npz", S)
    mapped = map_matrix(convert_matrix(tmp_path / "s.npz", tmp_path / "s", by="both"))
    assert not mapped.by_columns
    agrees(mapped, S.toarray())
    agrees(mapped.turned, S.toarray())
    assert mapped.nnz == S.nnz
    sums, bounds = mapped.sums()
    np.testing.assert_allclose(sums, S.toarray().sum(axis=1), rtol=1e-12)
    assert bounds.tolist() == [S.data.min(), S.data.max()]
    np.testing.assert_array_equal(mapped[np.array([2, 2, 0])].toarray(), S.toarray()[[2, 2, 0]])
    with pytest.raises(DataError, match="is dense"):
        convert_matrix(saved(tmp_path, X), tmp_path / "both", by="both")


def test_files_that_cannot_be_mapped(tmp_path: Path) -> None:
    wrong = {
        "ints.npy": np.arange(6).reshape(2, 3),
        "flat.npy": np.arange(6.0),
        "swapped.npy": np.ones((2, 3), ">f8"),
    }
    for name, array in wrong.items():
        np.save(tmp_path / name, array)
        with pytest.raises(DataError, match=name):
            map_matrix(tmp_path / name)
    with pytest.raises(DataError, match="scale is for"):
        map_matrix(saved(tmp_path, X), scale=2.0)
    with pytest.raises(DataError, match="one for each of the 7"):
        map_matrix(saved(tmp_path, X.astype(np.int8)), scale=[1.0, 2.0])
    with pytest.raises(DataError, match="cannot be mapped"):
        map_matrix(tmp_path / "x.csv")
    bed = write_bed(tmp_path, np.zeros((13, 7), int))
    os.truncate(bed, 20)
    with pytest.raises(DataError, match=r"20 bytes; 13 samples"):
        map_matrix(bed)


def test_a_damaged_folder(tmp_path: Path) -> None:
    folder = convert_matrix_of(tmp_path, S)
    indices = np.load(folder / "indices.npy")
    np.save(folder / "indices.npy", np.where(np.arange(len(indices)) == 4, 13, indices))
    with pytest.raises(DataError, match="outside the matrix"):
        map_matrix(folder).check()
    np.save(folder / "indptr.npy", np.arange(8))
    with pytest.raises(DataError, match="do not agree"):
        map_matrix(folder)
    (folder / "matrix.json").write_text("{}")
    with pytest.raises(DataError, match="damaged"):
        map_matrix(folder)


@pytest.mark.parametrize("by", ["columns", "rows"])
def test_text_is_converted(tmp_path: Path, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Part by part: here a part has a hundred bytes."""
    monkeypatch.setattr("strads.datasets.mapped.sources.TEXT", 100)
    monkeypatch.setattr("strads.datasets.mapped.sources.TOGETHER", 3)
    monkeypatch.setattr("strads.datasets.mapped.writing.SORTED", 5)
    y = np.arange(13.0)
    dense = S.toarray()
    dense[0, 6] = 1.5
    dump_svmlight_file(dense, y, str(tmp_path / "a.svm"), zero_based=False)
    mapped = map_matrix(convert_matrix(tmp_path / "a.svm", tmp_path / "a", by=by))
    agrees(mapped, dense)
    np.testing.assert_array_equal(mapped.target, y)
    scipy.io.mmwrite(tmp_path / "b.mtx", sp.coo_array(dense))
    (tmp_path / "b.mtx.gz").write_bytes(gzip.compress((tmp_path / "b.mtx").read_bytes()))
    agrees(map_matrix(convert_matrix(tmp_path / "b.mtx.gz", tmp_path / "b", by=by)), dense)
    sp.save_npz(tmp_path / "c.npz", sp.csr_array(dense))
    agrees(map_matrix(convert_matrix(tmp_path / "c.npz", tmp_path / "c", by=by)), dense)


def test_symmetric_and_unordered_text(tmp_path: Path) -> None:
    text = "%%MatrixMarket matrix coordinate real symmetric\n3 3 3\n3 1 2.5\n1 1 1\n2 2 4\n"
    (tmp_path / "s.mtx").write_text(text)
    mapped = map_matrix(convert_matrix(tmp_path / "s.mtx", tmp_path / "s"))
    expected = [[1.0, 0.0, 2.5], [0.0, 4.0, 0.0], [2.5, 0.0, 0.0]]
    np.testing.assert_array_equal(mapped.columns(np.arange(3)).toarray(), expected)


def test_the_order_of_a_dense_file(tmp_path: Path) -> None:
    turned = convert_matrix(saved(tmp_path, X, "C"), tmp_path / "f.npy", by="columns")
    assert map_matrix(turned).by_columns
    np.testing.assert_array_equal(np.load(turned), X)
    with pytest.raises(DataError, match="exists already"):
        convert_matrix(tmp_path / "x.npy", turned)


def test_what_cannot_be_converted_leaves_nothing(tmp_path: Path) -> None:
    twice = "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 1\n1 1 2\n"
    (tmp_path / "t.mtx").write_text(twice)
    with pytest.raises(DataError, match="two entries for one place"):
        convert_matrix(tmp_path / "t.mtx", tmp_path / "t")
    (tmp_path / "n.mtx").write_text(twice.replace("1 1 2", "1 2 nan"))
    with pytest.raises(DataError, match="NaN"):
        convert_matrix(tmp_path / "n.mtx", tmp_path / "n")
    (tmp_path / "z.xyz").write_text("1")
    with pytest.raises(DataError, match="cannot be converted"):
        convert_matrix(tmp_path / "z.xyz", tmp_path / "z")
    assert not any((tmp_path / name).exists() for name in "tnz")
