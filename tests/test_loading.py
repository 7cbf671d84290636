"""Reading data files: what is read equals what was written; every failure names its file."""

import gzip

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import dump_svmlight_file

from strads.engine.errors import DataError, StradsError
from strads.loading import read_data


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    X = sp.random_array((12, 7), density=0.4, format="csc", random_state=1)
    X[11, 6] = 1.5  # svmlight knows the width from the last feature that occurs
    return sp.csc_array(X), rng.normal(size=12)


def dense(X):
    return X.toarray() if sp.issparse(X) else np.asarray(X)


def refused(path, *says, target=None):
    """The error of reading `path`, which must name it and hold every one of `says`."""
    with pytest.raises(DataError) as caught:
        read_data(path, target)
    message = str(caught.value)
    for expected in says or (str(path),):
        assert expected in message
    assert "\n" not in message.strip()
    return message


@pytest.mark.parametrize("suffix", [".svm", ".svmlight", ".libsvm", ".txt"])
def test_svmlight_carries_its_target(tmp_path, problem, suffix):
    X, y = problem
    path = tmp_path / f"data{suffix}"
    dump_svmlight_file(X.tocsr(), y, str(path), zero_based=False)
    read, target = read_data(path)
    np.testing.assert_allclose(dense(read), X.toarray())
    np.testing.assert_allclose(target, y)


def test_compressed_svmlight(tmp_path, problem):
    X, y = problem
    plain, path = tmp_path / "data.svm", tmp_path / "data.svm.gz"
    dump_svmlight_file(X.tocsr(), y, str(plain), zero_based=False)
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


@pytest.mark.parametrize("name", ["data.csv", "data", "data.gz", "data.csv.gz"])
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
    dump_svmlight_file(X.tocsr(), y, str(plain), zero_based=False)
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
    # Kernels index without bounds checks: such a file must never reach them.
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
