"""Files of factor models."""

import json
import warnings
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp
from ridge_factors import N_ITEMS, N_USERS, Other, Ridge, made

from strads.engine.errors import DataError


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ids", [False, True])
def test_a_file_keeps_every_bit(tmp_path, ids, dtype):
    model = made(dtype=dtype, ids=ids).set_params(reg=0.3, weights=np.arange(3.0), random_state=4)
    model.set_params(callbacks=[print])
    model.save(tmp_path / "model")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = Ridge.load(tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    kept = {name for name in vars(model) if name.endswith("_")}
    assert {name for name in vars(again) if name.endswith("_")} == kept
    for name in ("user_factors_", "item_factors_", "user_biases_", "item_biases_"):
        assert getattr(again, name).tobytes() == getattr(model, name).tobytes()
    assert again.global_mean_ == model.global_mean_
    assert again.history_ == model.history_
    assert (again.reg, again.random_state, again.callbacks) == (0.3, 4, None)
    np.testing.assert_array_equal(again.weights, model.weights)
    users = model.user_ids_ if ids else np.arange(N_USERS)
    for mine, theirs in zip(model.recommend(users, 20), again.recommend(users, 20), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    items = model.item_ids_ if ids else np.arange(N_ITEMS)
    expected = model.predict_ratings(users[:, None], items)
    assert again.predict_ratings(users[:, None], items).tobytes() == expected.tobytes()
    again.save(tmp_path / "model")  # overwrites the old file
    assert Ridge.load(tmp_path / "model").predict_ratings(users[0], items[0]) == expected[0, 0]


def test_arrays_lie_under_their_names(tmp_path):
    model = made()
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["item_factors_"], model.item_factors_)
        versions = json.loads(file["json"].tobytes())["versions"]
    assert {"strads", "numpy", "scikit-learn"} <= set(versions)


@pytest.mark.parametrize(
    "ids", [["é", "bb", "", "d", "e", "f", "g"], [3, 1, 2, 9, 8, 7, 6], [0.5, 1.5, 2.0, 3, 4, 5, 6]]
)
def test_objects_of_one_type_are_kept(tmp_path, ids):
    model = made()
    if isinstance(ids[0], float):
        ids = [float(i) for i in ids]
    model.user_ids_ = np.array(ids, dtype=object)
    model.save(tmp_path / "model.npz")
    again = Ridge.load(tmp_path / "model.npz").user_ids_
    assert again.dtype == object
    assert again.tolist() == ids


@pytest.mark.parametrize(
    "odd", [(1, "a"), (None, "a"), ("a\0", "b"), (1, 2.5), ((1,), (2,)), (True, False)]
)
def test_objects_of_several_types_are_refused(tmp_path, odd):
    model = made()
    model.user_ids_ = np.empty(N_USERS, dtype=object)
    model.user_ids_[:] = [odd[0]] * (N_USERS - 1) + [odd[1]]
    (tmp_path / "model.npz").write_bytes(b"old")
    with pytest.raises(DataError, match="user_ids_ holds objects of type"):
        model.save(tmp_path / "model.npz")
    assert (tmp_path / "model.npz").read_bytes() == b"old"


def test_other_attributes_that_cannot_be_kept_are_named(tmp_path):
    model = made()
    model.history_ = [{"solver": object()}]
    with pytest.raises(DataError, match=r"history_ cannot be saved: history_\[0\]\['solver'\]"):
        model.save(tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_parameter_that_is_an_object_is_left_out_with_a_warning(tmp_path):
    model = made().set_params(random_state=np.random.RandomState(0), reg=0.7)
    with pytest.warns(UserWarning, match="random_state=RandomState") as caught:
        model.save(tmp_path / "model.npz")
    assert caught[0].filename == __file__
    again = Ridge.load(tmp_path / "model.npz")
    assert (again.random_state, again.reg) == (None, 0.7)


def test_names_of_columns_are_kept(tmp_path):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(made().seen_.toarray(), columns=[f"film {i}" for i in range(N_ITEMS)])
    model = Ridge().fit(X)
    model.save(tmp_path / "model.npz")
    again = Ridge.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    with pytest.raises(ValueError, match="feature names"):
        again.transform(X.rename(columns={"film 0": "x"}))


def test_another_class(tmp_path):
    made().save(tmp_path / "model.npz")
    with pytest.raises(DataError, match="class Ridge: use Ridge.load"):
        Other.load(tmp_path / "model.npz")


def rewritten(path, change):
    """Change the header or the arrays of a saved model."""
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(arrays.pop("json").tobytes())
    change(header, arrays)
    np.savez(path, json=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h, a: h.update(format=2), "format 2, written by strads .*upgrade"),
        (lambda h, a: h.update(kind="a recipe"), "not a fitted model"),
        (lambda h, a: h["parameters"].update(colour=1), "colour"),
        (lambda h, a: h["attributes"].update(predict=1), "'predict' is not the name"),
        (lambda h, a: h["sparse"].update(__dict__=[1, 1]), "'__dict__' is not the name"),
        (lambda h, a: a.pop("item_factors_"), "item_factors_"),
        (lambda h, a: a.update(user_biases_=np.zeros(3)), "user_biases_ is of another shape"),
        (lambda h, a: a.pop("user_biases_"), "user_biases_ is missing"),
        (lambda h, a: a.update(user_ids_=np.zeros(3)), "user_ids_ is of another shape"),
        (lambda h, a: a["seen_.indices"].fill(N_ITEMS), "indices|index"),
    ],
)
def test_files_of_others(tmp_path, change, message):
    path = tmp_path / "model.npz"
    made().save(path)
    rewritten(path, change)
    with pytest.raises(DataError, match=message) as caught:
        Ridge.load(path)
    assert str(path) in str(caught.value)
    assert "Ridge.save" in str(caught.value)


def test_files_that_are_no_models(tmp_path):
    path = tmp_path / "model.npz"
    for write in (
        lambda: sp.save_npz(path, sp.csr_array((2, 2))),
        lambda: path.write_bytes(b""),
        lambda: path.write_text("user,item,rating\n"),
        lambda: np.savez(path, json=np.array([{}], dtype=object)),
        lambda: np.savez(path, json=np.frombuffer(b"[1]", np.uint8)),
        lambda: zipfile.ZipFile(path, "w").close(),
    ):
        write()
        with pytest.raises(DataError, match="cannot be loaded as Ridge"):
            Ridge.load(path)
    with pytest.raises(FileNotFoundError):
        Ridge.load(tmp_path / "missing.npz")


def test_damaged_files(tmp_path):
    path = tmp_path / "model.npz"
    made().save(path)
    whole = path.read_bytes()
    place = whole.index(made().item_factors_.tobytes()[:16])
    flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    for content in (flipped, whole[:-40], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be loaded as Ridge"):
            Ridge.load(path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    made().save(path)
    before = path.read_bytes()

    def full(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        made(seed=1).save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.npz"]


@pytest.mark.parametrize("dtype", [np.float32, np.int8])
def test_training_ratings_are_kept(tmp_path, dtype):
    model = made()
    model.seen_ = model.seen_.astype(dtype)
    model.seen_.data[0] = 0  # rated with 0
    model.save(tmp_path / "model.npz")
    again = Ridge.load(tmp_path / "model.npz").seen_
    assert isinstance(again, sp.csr_array)
    assert again.dtype == dtype
    assert again.shape == model.seen_.shape
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(again, part), getattr(model.seen_, part))


@pytest.mark.parametrize("dtype", [np.float64, np.dtype(np.float64), "float64"])
def test_a_parameter_that_is_a_type_is_kept_by_name(tmp_path, dtype):
    made().set_params(weights=dtype).save(tmp_path / "model.npz")
    assert Ridge.load(tmp_path / "model.npz").weights == "float64"
