"""Codes and dictionaries: certificates, monotone objectives, scikit-learn's conventions."""

import warnings

import naive_coding as naive
import numba
import numpy as np
import pytest
from processes import nothing_left
from programs import assert_same_bits
from sklearn.decomposition import SparseCoder as ReferenceCoder
from sklearn.decomposition import sparse_encode
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

from strads import DictionaryLearning, MiniBatchDictionaryLearning, SparseCoder, default_engine
from strads.algorithms.coding.programs.codes import in_double, wide
from strads.algorithms.coding.programs.dictionary import BatchDictionary
from strads.algorithms.coding.programs.online import OnlineDictionary
from strads.algorithms.coding.start import first_atoms
from strads.kernels.lanes import padded

JIT = not numba.config.DISABLE_JIT
compiled = pytest.mark.skipif(not JIT, reason="takes too long without the JIT")
N, P, K = (120, 12, 9) if JIT else (16, 5, 4)
EPOCHS = 30 if JIT else 3


def planted(seed=0, n=N, positive=False):
    rng = np.random.default_rng(seed)
    atoms = rng.normal(size=(K, P))
    codes = rng.normal(size=(n, K)) * (rng.random((n, K)) < 0.3)
    if positive:
        atoms, codes = np.abs(atoms), np.abs(codes)
    return codes @ atoms + 0.05 * rng.normal(size=(n, P)), atoms


def learning(**given):
    return DictionaryLearning(
        **{"n_components": K, "alpha": 0.2, "max_iter": EPOCHS, "n_workers": 1} | given
    )


def batches(**given):
    start = {"n_components": K, "alpha": 0.2, "max_iter": 3, "n_workers": 1, "batch_size": 16}
    return MiniBatchDictionaryLearning(**start | given)


def objective(X, C, D, alpha=0.2):
    return sum(naive.objective(x, D, c, alpha) for x, c in zip(X, C, strict=True))


# -- codes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("positive", [False, True])
def test_codes_are_certified_and_those_of_scikit_learn(positive):
    X, atoms = planted()
    X[3] = 0.0
    coder = SparseCoder(atoms, transform_alpha=0.3, positive_code=positive, n_workers=1)
    codes = coder.fit_transform(X)
    expected = sparse_encode(
        X, atoms, algorithm="lasso_cd", alpha=0.3, positive=positive, max_iter=10_000
    )
    np.testing.assert_allclose(codes, expected, atol=1e-4)
    assert coder.dual_gap_ <= 1e-6
    gaps = coder.dual_gaps(X, codes)
    assert gaps.max() <= 1e-6 and gaps[3] == 0.0
    worse = codes * 0.9
    found = [naive.gap(x, atoms, c, 0.3, positive) for x, c in zip(X, worse, strict=True)]
    scale = np.maximum(0.5 * np.square(X).sum(axis=1), 1e-300)
    np.testing.assert_allclose(coder.dual_gaps(X, worse), found / scale, atol=1e-12)
    np.testing.assert_array_equal(codes, coder.transform(X))
    np.testing.assert_allclose(coder.inverse_transform(codes), codes @ atoms)


@pytest.mark.compiles
def test_codes_in_single_precision():
    X, atoms = planted()
    coder = SparseCoder(atoms.astype(np.float32), transform_alpha=0.3, transform_tol=1e-5)
    codes = coder.fit_transform(X.astype(np.float32))
    assert codes.dtype == np.float32 and coder.dual_gap_ <= 1e-5


def test_codes_that_end_at_the_limit_are_told():
    X, atoms = planted(n=8)
    # The homotopy method leaves atoms that are nearly the same to descent.
    atoms = np.vstack([atoms, atoms + 1e-5 * planted(1)[1]])
    given = {"transform_alpha": 0.01, "n_workers": 1, "transform_tol": 1e-12}
    with pytest.warns(ConvergenceWarning, match="of 8 codes ended at transform_max_iter=1, with"):
        codes = SparseCoder(atoms, transform_max_iter=1, **given).fit_transform(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        best = SparseCoder(atoms, **given).transform(X)
    assert objective(X, best, atoms, 0.01) <= objective(X, codes, atoms, 0.01)


def test_signs_are_split_and_thresholds_are_scikit_learns():
    X, atoms = planted(n=8)
    split = SparseCoder(atoms, transform_alpha=0.3, split_sign=True, n_workers=1)
    plain = SparseCoder(atoms, transform_alpha=0.3, n_workers=1).transform(X)
    both = split.transform(X)
    assert both.shape == (8, 2 * K) and both.min() >= 0.0
    np.testing.assert_array_equal(both[:, :K] - both[:, K:], plain)
    np.testing.assert_allclose(split.inverse_transform(both), plain @ atoms)
    np.testing.assert_allclose(split.dual_gaps(X), split.dual_gaps(X, both))
    given = {"transform_algorithm": "threshold", "transform_alpha": 0.3, "positive_code": True}
    np.testing.assert_allclose(
        SparseCoder(atoms, **given).transform(X), ReferenceCoder(atoms, **given).transform(X)
    )


@pytest.mark.parametrize(
    ("model", "X", "message"),
    [
        (lambda: SparseCoder(np.ones((2, 3))), (4, 2), "different numbers of features"),
        (lambda: SparseCoder(np.ones((2, 3)), transform_algorithm="omp"), (4, 3), "lasso_cd"),
        (lambda: learning(alpha=-1.0), (N, P), "alpha"),
        (lambda: learning(fit_algorithm="lars"), (N, P), "fit_algorithm"),
        (lambda: learning(dict_init=np.ones((2, P))), (N, P), r"dict_init is of shape \(2, "),
        (
            lambda: learning(dict_init=np.ones((K, P)), code_init=np.ones((3, K))), (N, P),
            "code_init is of shape",
        ),
        (
            lambda: learning(dict_init=-np.ones((K, P)), positive_dict=True), (N, P),
            "Negative values.*dict_init",
        ),
        (lambda: batches(batch_size=0), (N, P), "batch_size"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_so(model, X, message):
    with pytest.raises(ValueError, match=message):
        model().fit(np.ones(X))


def test_units_that_leave_the_range_are_refused():
    with pytest.raises(ValueError, match="scale X to ordinary sizes"):
        learning().fit(planted()[0] * 1e200)
    with pytest.raises(ValueError, match="scale X to ordinary sizes"):
        SparseCoder(np.eye(P)).transform(planted()[0] * 1e200)
    with pytest.raises(ValueError, match="scale X to ordinary sizes"):
        SparseCoder(np.eye(P), transform_alpha=1e-201).transform(planted()[0] * 1e-200)
    with pytest.raises(ValueError, match="scale the dictionary to ordinary sizes"):
        SparseCoder(np.eye(P) * 1e200).transform(planted()[0])
    assert not SparseCoder(np.eye(P)).transform(np.full((2, P), 1e-200)).any()
    with pytest.raises(ValueError, match="3 rows, but X has 16: give a code a signal"):
        SparseCoder(np.eye(P)).dual_gaps(np.ones((16, P)), np.ones((3, P)))
    with pytest.raises(ValueError, match="positive_code=True excludes them"):
        SparseCoder(np.eye(P), positive_code=True).dual_gaps(np.ones((1, P)), -np.ones((1, P)))


# -- dictionaries ----------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{}, {"positive_code": True, "positive_dict": True}])
def test_the_objective_never_rises_and_is_that_of_the_model(given):
    X, _ = planted(positive=bool(given))
    model = learning(**given)
    codes = model.fit_transform(X)
    atoms = model.components_
    assert all(b <= a * (1.0 + 1e-12) for a, b in zip(model.error_, model.error_[1:], strict=False))
    assert np.linalg.norm(atoms, axis=1).max() <= 1.0 + 1e-12
    assert model.dual_gap_ <= 1e-6
    assert model.dual_gaps(X, codes).max() <= 1e-6
    found = objective(X, codes, atoms)
    assert found <= model.error_[-1] * (1.0 + 1e-9)
    assert found >= model.error_[-1] * (0.95 if JIT else 0.5)
    if given:
        assert codes.min() >= 0.0 and atoms.min() >= 0.0
    np.testing.assert_allclose(codes, model.transform(X), atol=2e-2)
    np.testing.assert_array_equal(model.components_, atoms)
    np.testing.assert_array_equal(model.fit(X).components_, atoms)
    assert not hasattr(model, "dual_gap_")  # nobody asked for codes


def test_given_atoms_and_codes_are_the_start():
    X, _ = planted()
    first = learning(max_iter=EPOCHS // 2).fit(X)
    codes = first.transform(X)
    more = learning(
        max_iter=1, dict_init=first.components_, code_init=codes, n_components=None
    ).fit(X)
    assert more.n_components_ == K and more.error_[0] <= first.error_[-1] * (1.0 + 1e-9)
    long = learning(max_iter=1, dict_init=5.0 * first.components_).fit(X)
    assert np.linalg.norm(long.components_, axis=1).max() <= 1.0 + 1e-12


def test_an_atom_that_nobody_uses_becomes_a_signal():
    X, _ = planted()
    away = np.zeros((K, P))  # atoms of zeros get no weights
    away[0] = X[0] / np.linalg.norm(X[0])
    model = learning(dict_init=away, max_iter=4).fit(X)
    assert (np.linalg.norm(model.components_, axis=1) > 0.9).all()
    again = learning(dict_init=away, max_iter=4).fit(X)
    np.testing.assert_array_equal(model.components_, again.components_)


def test_first_atoms_are_signals_or_random():
    rng = np.random.default_rng(0)
    X = np.array([[3.0, -4.0], [1e-9, 0.0], [0.0, 0.0]])
    atoms = first_atoms(X, 4, False, rng)
    np.testing.assert_allclose(np.linalg.norm(atoms, axis=1), 1.0)
    np.testing.assert_allclose(atoms[0], [0.6, -0.8])  # the others are much shorter
    assert first_atoms(X, 4, True, rng).min() >= 0.0


@pytest.mark.compiles
def test_single_precision_comes_as_close():
    X, _ = planted()
    double = learning().fit(X)
    single = learning(transform_tol=1e-5)
    single.fit_transform(X.astype(np.float32))
    assert single.components_.dtype == np.float32 and single.dual_gap_ <= 1e-5
    assert single.error_[-1] == pytest.approx(double.error_[-1], rel=1e-3)


def test_mini_batches_come_near_and_go_on():
    X, _ = planted(n=4 * N)
    model = batches(max_iter=EPOCHS // 2, tol=0.0, max_no_improvement=None)
    codes = model.fit_transform(X)
    assert model.dual_gap_ <= 1e-6 and model.n_iter_ == EPOCHS // 2
    assert model.n_steps_ == model.n_iter_ * -(-len(X) // 16)
    np.testing.assert_array_equal(codes, model.transform(X))
    whole = learning().fit(X)
    assert objective(X, codes, model.components_) <= (1.1 if JIT else 1.5) * whole.error_[-1]
    before = model.components_.copy()
    model.partial_fit(planted(9)[0])
    assert model.n_steps_ == model.n_iter_ * -(-len(X) // 16) + 1
    assert 0.0 < np.abs(model.components_ - before).max() < (0.5 if JIT else 1.5)
    with pytest.raises(ValueError, match="set it back, or call fit"):
        model.set_params(n_components=K + 1).partial_fit(X)


def test_mini_batches_do_not_depend_on_the_unit_of_signals():
    X, scale = planted()[0], 2.0**-20
    model, small = batches().fit(X), batches(alpha=0.2 * scale).fit(X * scale)
    np.testing.assert_array_equal(small.components_, model.components_)


def test_batches_one_by_one_are_those_of_a_fit():
    X, _ = planted(n=48)
    start = planted(2)[1] / 10.0
    given = {"dict_init": start, "shuffle": False}
    model = batches(max_iter=1, **given).fit(X)
    one_by_one = batches(**given)
    for lo in range(0, 48, 16):
        one_by_one.partial_fit(X[lo : lo + 16])
    np.testing.assert_allclose(one_by_one.components_, model.components_, atol=1e-12)
    assert one_by_one.n_steps_ == 3


@pytest.mark.slow
@compiled
def test_mini_batches_stop():
    X, _ = planted()
    assert batches(max_iter=50, tol=0.5).fit(X).n_iter_ == 1
    patient = batches(max_iter=50, tol=0.0, max_no_improvement=1, dict_init=planted()[1]).fit(X)
    assert patient.n_iter_ < 50


# -- programs --------------------------------------------------------------------------------------


def program(kind, X):
    atoms = first_atoms(X, K, False, np.random.default_rng(0))
    given = {"X": wide(X, np.float64), "dictionary": wide(atoms, np.float64, padded(K)),
             "components": K, "alpha": 0.2, "stop_below": 0.0}  # fmt: skip
    if kind is BatchDictionary:
        given["part"] = 8
    if kind is OnlineDictionary:
        rows, columns = padded(K), padded(P)
        given |= {"A": np.zeros((1, rows, rows)), "B": np.zeros((1, rows, columns)), "batch": 5,
                  "workers": 2, "shuffle": True, "patience": None}  # fmt: skip
    return in_double(kind)(**given)


@pytest.mark.parametrize("kind", [BatchDictionary, OnlineDictionary])
def test_no_races(kind):
    X, _ = planted(n=23)
    run = default_engine().run
    options = {"workers": 2, "epochs": 3, "align": False, "executor": "serial"}
    assert_same_bits(run(program(kind, X), check=True, **options), run(program(kind, X), **options))


@pytest.mark.processes
@pytest.mark.parametrize(
    "kind",  # both code signals by the same kernels, which take long to compile
    [BatchDictionary, pytest.param(OnlineDictionary, marks=pytest.mark.slow)],
)
def test_processes_give_the_bits_of_a_serial_run(kind):
    X, _ = planted(n=203)
    with nothing_left():
        serial, processes = (
            default_engine().run(program(kind, X), workers=2, epochs=3, executor=executor)
            for executor in ("serial", "processes")
        )
        assert_same_bits(serial, processes)
        default_engine().close()


@pytest.mark.slow  # compiles the kernels of codes for itself
@pytest.mark.processes
def test_codes_by_processes_are_those_of_one_worker():
    X, atoms = planted(n=203)
    with nothing_left():
        codes = [SparseCoder(atoms, n_workers=w).transform(X) for w in (1, 2)]
        np.testing.assert_array_equal(*codes)
        default_engine().close()


# -- scikit-learn's conventions --------------------------------------------------------------------


@pytest.mark.compiles
@pytest.mark.parametrize("model", [
    DictionaryLearning(max_iter=2),
    pytest.param(MiniBatchDictionaryLearning(max_iter=3), marks=pytest.mark.slow),
])  # fmt: skip
def test_check_estimator(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(model, on_fail=None)
    failed = [r["check_name"] for r in results if r["status"] == "failed"]
    assert failed == []


class OfAnySize(SparseCoder):
    """A coder with as many unit vectors as there are features, whatever the dictionary is."""

    def _atoms(self):
        return np.eye(getattr(self, "n_features_in_", self.dictionary.shape[1]))


@pytest.mark.compiles
def test_check_estimator_of_a_coder():
    """scikit-learn leaves its own coder out, whose dictionary says how many features there are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(OfAnySize(np.eye(5)), on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []


def test_models_are_saved_and_loaded(tmp_path):
    X, _ = planted()
    for model in (learning(max_iter=2), batches(max_iter=1)):
        model.fit(X).save(tmp_path / "model.npz")
        loaded = type(model).load(tmp_path / "model.npz")
        np.testing.assert_array_equal(loaded.transform(X[:5]), model.transform(X[:5]))
        if isinstance(model, MiniBatchDictionaryLearning):
            for either in (model, loaded):
                either.partial_fit(X[:20])
            np.testing.assert_array_equal(loaded.components_, model.components_)
    coder = SparseCoder(planted()[1])
    coder.fit(X).save(tmp_path / "coder.npz")
    np.testing.assert_array_equal(
        SparseCoder.load(tmp_path / "coder.npz").transform(X[:5]), coder.transform(X[:5])
    )
    assert [*coder.get_feature_names_out()][:2] == ["sparsecoder0", "sparsecoder1"]
