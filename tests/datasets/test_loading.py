"""Design matrices: the data read equal those written; every error names its file."""

import gzip
import io
import zipfile

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import dump_svmlight_file

from strads.datasets.regression import read_data
from strads.engine.errors import DataError, StradsError


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    X = sp.random_array((12, 7), density=0.4, format="csc", random_state=1)
    X[11, 6] = 1.5  # in svmlight the width follows from the last feature that occurs
    return sp.csc_array(X), rng.normal(size=12)


def dense(X):
    return X.toarray() if sp.issparse(X) else np.asarray(X)


def refused(path, *says, target=None):
    """Return the error of reading `path`, which must name the file and contain all of `says`."""
    with pytest.raises(DataError) as caught:
        read_data(path, target)
    message = str(caught.value)
    for expected in says or (str(path),):
        assert expected in message
    assert "\n" not in message.strip()
    return message


def write_svmlight(X, y, path):
    """Write a matrix and its target; scikit-learn 1.6 writes 32-bit indices only."""
    rows = X.tocsr()
    indices, ends = rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
    narrow = sp.csr_array((rows.data, indices, ends), shape=rows.shape)
    dump_svmlight_file(narrow, y, str(path), zero_based=False)


@pytest.mark.parametrize("suffix", [".svm", ".svmlight", ".libsvm", ".txt"])
def test_svmlight_carries_its_target(tmp_path, problem, suffix):
    X, y = problem
    path = tmp_path / f"data{suffix}"
    write_svmlight(X, y, path)
    read, target = read_data(path)
    np.testing.assert_allclose(dense(read), X.toarray())
    np.testing.assert_allclose(target, y)


def test_compressed_svmlight(tmp_path, problem):
    X, y = problem
    plain, path = tmp_path / "data.svm", tmp_path / "data.svm.gz"
    write_svmlight(X, y, plain)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    read, target = read_data(path)
    np.testing.assert_allclose(dense(read), X.toarray())
    np.testing.assert_allclose(target, y)


@pytest.mark.parametrize("as_dense", [False, True])
def test_matrix_market(tmp_path, problem, as_dense):
    X, y = problem
    path, target = tmp_path / "data.mtx", tmp_path / "y.txt"
    scipy.io.mmwrite(path, X.toarray() if as_dense else sp.coo_array(X))
    np.savetxt(target, y, fmt="%.17g")
    read, found = read_data(path, target)
    assert sp.issparse(read) != as_dense
    np.testing.assert_allclose(dense(read), X.toarray())
    np.testing.assert_array_equal(found, y)


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_npz_of_scipy(tmp_path, problem, form):
    X, y = problem
    path, target = tmp_path / "data.npz", tmp_path / "y.npy"
    sp.save_npz(path, X.asformat(form))
    np.save(target, y)
    read, found = read_data(path, target)
    np.testing.assert_array_equal(dense(read), X.toarray())
    np.testing.assert_array_equal(found, y)


def test_npz_of_arrays_and_target_from_npz(tmp_path, problem):
    X, y = problem
    path, other = tmp_path / "data.npz", tmp_path / "other.npz"
    np.savez(path, X=X.toarray(), y=y)
    np.savez(other, y=-y)
    read, found = read_data(path)
    np.testing.assert_array_equal(read, X.toarray())
    np.testing.assert_array_equal(found, y)
    np.testing.assert_array_equal(read_data(path, other)[1], -y)


def test_npy_stays_on_disk(tmp_path, problem):
    X, y = problem
    path, target = tmp_path / "data.npy", tmp_path / "y.npy"
    np.save(path, X.toarray())
    np.save(target, y)
    read, found = read_data(path, target)
    assert isinstance(read, np.memmap)
    np.testing.assert_array_equal(read, X.toarray())
    np.testing.assert_array_equal(found, y)


@given(
    rows=st.integers(1, 6), columns=st.integers(1, 6), seed=st.integers(0, 1000),
    dtype=st.sampled_from([np.float32, np.float64, np.int32, np.int64]),
)  # fmt: skip
def test_arrays_come_back(tmp_path_factory, rows, columns, seed, dtype):
    X = np.random.default_rng(seed).integers(-9, 9, (rows, columns)).astype(dtype)
    path = tmp_path_factory.mktemp("arrays") / "data.npz"
    np.savez(path, X=X, y=np.arange(rows))
    read, y = read_data(path)
    np.testing.assert_array_equal(read, X)
    assert y.dtype == np.float64
    assert y.shape == (rows,)


def test_an_error_is_both_ours_and_a_value_error():
    assert issubclass(DataError, StradsError)
    assert issubclass(DataError, ValueError)


@pytest.mark.parametrize("name", ["data.svm", "data.mtx", "data.npz", "data.npy"])
def test_missing_empty_and_a_folder(tmp_path, name):
    path = tmp_path / name
    refused(path, str(path), "does not exist")
    path.mkdir()
    refused(path)
    path.rmdir()
    path.write_bytes(b"")
    refused(path, str(path), "empty")


@pytest.mark.parametrize("name", ["data.xls", "data", "data.gz", "data.xls.gz"])
def test_unknown_extension_lists_the_known(tmp_path, name):
    path = tmp_path / name
    path.write_text("1,2\n")
    refused(path, str(path), ".svm", ".mtx")


@pytest.mark.parametrize("name", ["data.mtx", "data.npz", "data.npy"])
def test_truncated(tmp_path, problem, name):
    X, y = problem
    path, target = tmp_path / name, tmp_path / "y.npy"
    np.save(target, y)
    if name.endswith("mtx"):
        scipy.io.mmwrite(path, sp.coo_array(X))
    elif name.endswith("npz"):
        np.savez(path, X=X.toarray())
    else:
        np.save(path, X.toarray())
    whole = path.read_bytes()
    for share in (0.02, 0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        refused(path, str(path), "cannot be read", target=target)


@pytest.mark.parametrize("name", ["data.svm", "data.mtx", "data.npz", "data.npy"])
def test_bytes_of_something_else(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(bytes(range(256)) * 4)
    refused(path, str(path), "cannot be read")


def test_damaged_compression(tmp_path, problem):
    X, y = problem
    plain, path = tmp_path / "data.svm", tmp_path / "data.svm.gz"
    write_svmlight(X, y, plain)
    whole = bytearray(gzip.compress(plain.read_bytes()))
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, str(path), "cannot be read")
    middle = len(whole) // 2
    whole[middle : middle + 16] = b"\xff" * 16
    path.write_bytes(whole)
    refused(path, str(path), "cannot be read")


def test_damaged_member_of_an_archive(tmp_path, problem):
    X, y = problem
    path = tmp_path / "data.npz"
    np.savez_compressed(path, X=X.toarray(), y=y)
    whole = bytearray(path.read_bytes())
    whole[80:160] = b"\xff" * 80
    path.write_bytes(whole)
    refused(path, str(path), "cannot be read")


def test_sparse_indices_outside_of_the_matrix(tmp_path, problem):
    # Kernels do not check bounds, so such a file must never reach them.
    X, y = problem
    path = tmp_path / "data.npz"
    indices = X.indices.copy()
    indices[0] = 10_000
    np.savez(path, format=b"csc", shape=X.shape, data=X.data, indices=indices, indptr=X.indptr, y=y)
    refused(path)


def test_no_target(tmp_path, problem):
    X, _ = problem
    path = tmp_path / "data.npz"
    sp.save_npz(path, X)
    refused(path, str(path), "--target")


def test_target_is_missing_or_of_another_length(tmp_path, problem):
    X, y = problem
    path, target = tmp_path / "data.npz", tmp_path / "y.npy"
    sp.save_npz(path, X)
    refused(path, str(target), "does not exist", target=target)
    np.save(target, y[:-1])
    refused(path, str(target), "12", target=target)
    text = tmp_path / "y.txt"
    text.write_text("1\ntwo\n")
    refused(path, str(text), target=text)
    archive = tmp_path / "y.npz"
    np.savez(archive, z=y)
    refused(path, str(archive), target=archive)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["X", "y"])
def test_not_finite(tmp_path, problem, value, where):
    X, y = problem
    arrays = {"X": X.toarray(), "y": y}
    arrays[where].flat[3] = value
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    refused(path, str(path), "NaN or infinite")


@pytest.mark.parametrize("where", ["X", "y"])
def test_not_numbers(tmp_path, problem, where):
    X, y = problem
    arrays = {"X": X.toarray(), "y": y}
    arrays[where] = arrays[where].astype(str)
    arrays[where].flat[0] = "red"
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    refused(path)


def test_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, X=np.array([[print]], dtype=object), y=np.ones(1))
    refused(path)


@pytest.mark.parametrize("shape", [(3,), (0, 3), (3, 0), (2, 2, 2)])
def test_wrong_shapes(tmp_path, shape):
    path = tmp_path / "data.npz"
    np.savez(path, X=np.ones(shape), y=np.ones(shape[0]))
    refused(path, str(path), "shape")


def test_an_archive_without_a_matrix_says_what_it_holds(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, weights=np.ones(3))
    refused(path, str(path), "weights")


# -- files that mislead --------------------------------------------------------------------------

MTX = b"%%MatrixMarket matrix coordinate real general\n3 3 2\n1 1 1.0\n2 2 1.0\n"


def file(folder, name, content):
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return path


def npy(array):
    packed = io.BytesIO()
    np.save(packed, array)
    return packed.getvalue()


def archive(folder, **members):
    """Write an archive with the given bytes as members."""
    path = folder / "data.npz"
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize("name", ["data.mtx", "data.mtx.gz", "data.svm", "data.svm.gz"])
def test_a_nul_never_reaches_a_parser_in_c(tmp_path, name):
    text = MTX if ".mtx" in name else b"1 1:2\n"
    path = file(tmp_path, name, text + b"1 3:1\0\n")
    refused(path, f"line {text.count(10) + 1} holds a NUL (byte {len(text) + 5}, from 0)")


@pytest.mark.parametrize("name", ["data.mtx", "data.mtx.gz"])
@pytest.mark.parametrize("tail", [b"", b"\x9e", b" x", b"\r"])
def test_a_last_line_without_an_end(tmp_path, name, tail):
    # SciPy's parser reads beyond the end of the file if the last line has no newline.
    target = file(tmp_path, "y.txt", b"1\n2\n3\n")
    X, _ = read_data(file(tmp_path, name, MTX.rstrip(b"\n") + tail), target)
    np.testing.assert_array_equal(X.toarray(), np.diag([1.0, 1.0, 0.0]))


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        (b"3 3 2000000000", "announces 2,000,000,000 entries"),
        (b"2000000000 3 2", "2,000,000,000 rows, but holds 2 entries"),
        (b"3 2000000000 2", "2,000,000,000 columns, but holds 2 entries"),
        (b"-3 3 2", "cannot be read"),
        (b"3 3 99999999999999999999999", "cannot be read"),
    ],
)
def test_a_header_of_matrix_market_that_claims_too_much(tmp_path, sizes, says):
    refused(file(tmp_path, "data.mtx", MTX.replace(b"3 3 2", sizes)), says)


def test_an_array_of_matrix_market_that_claims_too_much(tmp_path):
    text = b"%%MatrixMarket matrix array real general\n200000 200000\n1.0\n"
    refused(file(tmp_path, "data.mtx", text), "announces 40,000,000,000 entries")


def test_an_index_of_svmlight_that_claims_too_much(tmp_path):
    refused(file(tmp_path, "data.svm", b"1 1:2 2147483000:1\n"), "2,147,483,000 columns")
    refused(file(tmp_path, "data.svm", b"1 1:2 99999999999:1\n"), "cannot be read")


@pytest.mark.parametrize("suffix", ["mtx", "svm"])
def test_packed_text_that_outgrows_the_memory(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr("strads.datasets.files.text_file.STEP", 1 << 16)
    monkeypatch.setattr("strads.datasets.files.text_file.available_memory", lambda: 1 << 20)
    refused(file(tmp_path, f"data.{suffix}.gz", b"% 0\n" * (1 << 19)), "has unpacked to")


HEADERS = [
    b"{'descr': '<f8', 'fortran_order': False, 'shape': ((3, 4), }",  # a bracket that stays open
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4)",
    b"{'descr': '<q9', 'fortran_order': False, 'shape': (3, 4), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, -4), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4.0), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
    b"[" * 100,
    b"{'shape': (3, 4)}",
    b"\xff\xfe",
]


@pytest.mark.parametrize("header", HEADERS)
def test_a_damaged_header_of_an_array(tmp_path, header):
    text = header.ljust(117) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(96)
    refused(file(tmp_path, "data.npy", content), "data.npy", "cannot be read")
    refused(archive(tmp_path, X=content, y=npy(np.ones(3))), "data.npz", "cannot be read: ", "X")
    matrix = file(tmp_path, "x.npy", npy(np.eye(3)))
    refused(matrix, "data.npy", "cannot be read", target=tmp_path / "data.npy")


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.array([[print]], dtype=object), "Python objects"),
        (np.zeros((2, 2), [("a", "f8"), ("b", "i4")]), "type [('a'"),
        (np.ones((2, 2)) * 1j, "complex128; real numbers"),
        (np.array([["a", "b"]]), "<U1; real numbers"),
        (np.array([["2024-01-01"]], "M8[D]"), "datetime64[D]; real numbers"),
    ],
)
def test_arrays_of_the_wrong_type(tmp_path, array, says):
    refused(file(tmp_path, "data.npy", npy(array)), says)
    refused(archive(tmp_path, X=npy(array), y=npy(np.ones(len(array)))), says)


def test_an_array_shorter_or_longer_than_its_header_says(tmp_path):
    whole = npy(np.eye(3))
    for content in (whole[:-8], whole + b"more"):
        refused(file(tmp_path, "data.npy", content), "72 bytes, but ")
        refused(archive(tmp_path, X=content, y=npy(np.ones(3))), "array X", "72 bytes, but ")


def test_files_under_the_extension_of_another(tmp_path):
    refused(file(tmp_path, "data.npz", npy(np.eye(3))), "cannot be read", "zip")
    packed = archive(tmp_path, X=npy(np.eye(3)), y=npy(np.ones(3))).read_bytes()
    refused(file(tmp_path, "data.npy", packed), "cannot be read", "magic")


def test_an_encrypted_archive(tmp_path):
    path = archive(tmp_path, X=npy(np.eye(3)), y=npy(np.ones(3)))
    with zipfile.ZipFile(path) as made:
        start = made.start_dir
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[start + 8] |= 1
    path.write_bytes(content)
    refused(path, "array X is encrypted")


def test_an_archive_that_unpacks_to_more_than_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("strads.datasets.files.guards.available_memory", lambda: 1 << 20)
    path = tmp_path / "data.npz"
    np.savez_compressed(path, X=np.zeros((1000, 1000)), y=np.zeros(1000))
    refused(path, "its arrays take 8 MiB, but 1 MiB are left")


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia"])
def test_parts_of_a_sparse_matrix_that_lack_or_contradict(tmp_path, problem, form):
    whole = tmp_path / "data.npz"
    sp.save_npz(whole, problem[0].asformat(form))
    with np.load(whole) as stored:
        parts = {name: npy(stored[name]) for name in stored.files}
    for name in sorted(parts.keys() - {"_is_array"}):
        rest = {key: part for key, part in parts.items() if key != name}
        refused(archive(tmp_path, **rest), "data.npz")
    for wrong in ([-1, 5], [2**40, 2**40], 3, [], [1j], "xyz", [[[1]]], [0, 10**6, 3]):
        for name in sorted(parts.keys() - {"_is_array", "offsets"}):
            refused(archive(tmp_path, **{**parts, name: npy(np.array(wrong))}), "data.npz")


def test_foreign_byte_order_is_read(tmp_path):
    X, y = np.arange(6.0).reshape(3, 2).astype(">f8"), np.arange(3).astype(">i4")
    path, target = file(tmp_path, "x.npy", npy(X)), file(tmp_path, "y.npy", npy(y))
    read, found = read_data(path, target)
    np.testing.assert_array_equal(read, X)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [0.0, 1.0, 2.0])


def test_a_target_of_text_that_is_none(tmp_path):
    path = file(tmp_path, "x.npy", npy(np.eye(3)))
    refused(path, "no data", target=file(tmp_path, "y.txt", b"\n# none\n"))
    refused(path, "holds a NUL", target=file(tmp_path, "y.txt", b"1\n2\0\n"))
    message = refused(path, "y.txt", target=file(tmp_path, "y.txt", b"x" * 70_000))
    assert len(message) < 400 + len(str(tmp_path))


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = file(tmp_path, "data.mtx", MTX)

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.open", denied)
    refused(path, "may not be read (Permission denied)")


def test_memory_that_does_not_suffice_is_an_error_of_the_file(tmp_path, monkeypatch):
    def full(_):
        raise MemoryError

    monkeypatch.setattr("scipy.io.mmread", full)
    refused(file(tmp_path, "data.mtx", MTX), "needs more memory than is left")
