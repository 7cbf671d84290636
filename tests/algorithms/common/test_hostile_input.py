"""What fuzzing has found: each is refused by an error that says what is wrong."""

import io
import json

import numpy as np
import pytest
import scipy.sparse as sp

from strads import NMF, GeneralizedLinearRegressor, Lasso, LassoCV, LinearSVC
from strads.engine import DataError, InsufficientMemory

X = np.random.default_rng(0).normal(size=(12, 6))
Y = X[:, 0]


@pytest.mark.parametrize("columns", [2**44, 2**55])
@pytest.mark.parametrize("model", [Lasso(alpha=0.1), NMF(2)])
def test_more_columns_than_memory_are_refused_with_numbers(model, columns):
    wide = sp.csr_array((12, columns))
    with pytest.raises(InsufficientMemory, match=f"needed.*bounds of X.*{columns:,} columns"):
        model.fit(wide, Y)


@pytest.mark.parametrize("alphas", [2**63, 10**30])
def test_absurd_numbers_of_penalties_are_refused(alphas):
    with pytest.raises(ValueError, match="alphas=.* must be from 1 to 1,000,000"):
        LassoCV(alphas=alphas).fit(X, Y)


@pytest.mark.parametrize(
    "cv",
    [
        [(np.array(["a"]), np.array([1]))],
        [(np.arange(12), np.array([12]))],
        [(np.array([0.5]), np.array([1]))],
        [(np.array([], int), np.array([1]))],
        [(sp.csr_array((1, 2)), sp.csr_array((1, 2)))],
    ],
)
def test_folds_that_are_none_are_refused(cv):
    with pytest.raises(ValueError, match="cv: fold 0 is .*a pair of arrays is needed"):
        LassoCV(alphas=3, cv=cv).fit(X, Y)
    with pytest.raises(ValueError, match="cv has no fold"):
        LassoCV(alphas=3, cv=[]).fit(X, Y)


def test_folds_may_be_masks():
    rows = np.arange(12) < 8
    masks = LassoCV(alphas=3, cv=[(rows, ~rows)], n_workers=1).fit(X, Y)
    numbers = [(np.flatnonzero(rows), np.flatnonzero(~rows))]
    same = LassoCV(alphas=3, cv=numbers, n_workers=1).fit(X, Y)
    np.testing.assert_array_equal(masks.mse_path_, same.mse_path_)


@pytest.mark.filterwarnings("ignore")
def test_a_huge_target_makes_no_overflow_error():
    try:
        model = GeneralizedLinearRegressor(alpha=0.1, n_workers=1, max_iter=5).fit(X, Y * 1e300)
    except ValueError:
        return
    assert np.isfinite(model.coef_).all()


def changed(content, **parts):
    """Bytes of a saved model with other arrays, or without those that are None."""
    with np.load(io.BytesIO(content)) as file:
        parts = {**file, **parts}
    out = io.BytesIO()
    np.savez(out, **{name: array for name, array in parts.items() if array is not None})
    return out.getvalue()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "svc.npz"
    LinearSVC(n_workers=1).fit(X, Y > 0).save(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"classes_": np.array([1])}, "classes_ is of another shape"),
        ({"classes_": None}, "coef_ is of another shape|classes_ is missing"),
        ({"coef_": np.full((1, 6), "a")}, "coef_ holds <U1 instead of numbers"),
        ({"coef_": np.full((1, 6), 1j)}, "coef_ holds complex128 instead of numbers"),
        ({"coef_": np.ones((1, 7))}, "coef_ is of another shape"),
        ({"json": np.frombuffer(b"[" * 100_000, np.uint8)}, "cannot be loaded"),
        ({"json": np.frombuffer(json.dumps({"kind": "x"}).encode(), np.uint8)}, "not a fitted"),
    ],
)
def test_a_model_that_something_else_has_made_is_refused(saved, tmp_path, parts, words):
    path = tmp_path / "model.npz"
    path.write_bytes(changed(saved, **parts))
    with pytest.raises(DataError, match=words) as caught:
        LinearSVC.load(path)
    assert str(path) in str(caught.value)


def test_an_offset_beyond_the_file_is_damage(saved, tmp_path):
    path = tmp_path / "model.npz"
    content = bytearray(saved)
    place = content.rindex(b"PK\x05\x06") + 16  # where the list of parts begins
    content[place : place + 4] = b"\xff\xff\xff\xfe"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be loaded as LinearSVC"):
        LinearSVC.load(path)
