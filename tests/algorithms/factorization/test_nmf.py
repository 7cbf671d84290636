"""NMF with scikit-learn's arguments: equal results of equal algorithms, messages, files."""

from __future__ import annotations

import warnings

import numba
import numpy as np
import pytest
import scipy.sparse as sp
from processes import nothing_left
from programs import assert_same_bits
from sklearn.decomposition import NMF as Reference
from sklearn.exceptions import ConvergenceWarning

from strads import NMF, Checkpoint, default_engine
from strads.algorithms.factorization.fitted.reconstruction import reconstruction_error
from strads.algorithms.factorization.programs.factors import in_double
from strads.algorithms.factorization.programs.multiplicative import (
    LOOK,
    MultiplicativeFactorization,
)
from strads.engine import DataError

JIT = not numba.config.DISABLE_JIT
many_epochs = pytest.mark.skipif(not JIT, reason="many epochs: compiled only")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ROWS, COLUMNS, K = 12, 9, 3
PENALTIES = {"alpha_W": 0.01, "alpha_H": 0.02, "l1_ratio": 0.4}


def matrix(seed=0, zeros=True):
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.1, 2.0, (ROWS, COLUMNS))
    X[rng.random(X.shape) < (0.4 if zeros else 0.0)] = 0.0
    return X


def nmf(**given):
    return NMF(**{"n_components": K, "n_workers": 1, "random_state": 0} | given)


def reference(**given):
    return Reference(**{"n_components": K, "random_state": 0} | given)


# -- multiplicative updates ------------------------------------------------------------------------


@pytest.mark.parametrize("beta_loss", [-0.5, "itakura-saito", 0.5, "kullback-leibler", 1.5, 2, 2.5])
@pytest.mark.parametrize("penalties", [{}, PENALTIES])
def test_multiplicative_updates_are_those_of_scikit_learn(beta_loss, penalties):
    X = matrix(zeros=beta_loss not in (-0.5, "itakura-saito"))
    given = {
        "solver": "mu",
        "beta_loss": beta_loss,
        "max_iter": 40 if JIT else LOOK + 2,
        "tol": 1e-3,
    }
    given |= penalties
    ours, theirs = nmf(**given), reference(**given)
    W, expected = ours.fit_transform(sp.csr_array(X)), theirs.fit_transform(X)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(W, expected, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(ours.components_, theirs.components_, rtol=1e-8, atol=1e-12)
    assert ours.reconstruction_err_ == pytest.approx(theirs.reconstruction_err_, rel=1e-8)
    assert ours.history_[LOOK - 1]["reconstruction_err"] >= ours.reconstruction_err_ - 1e-9
    if penalties and beta_loss == "kullback-leibler":
        return  # scikit-learn 1.9 adds the L1 penalty to a sum that it keeps, once an iteration
    new = matrix(1, zeros=beta_loss not in (-0.5, "itakura-saito"))[:5]
    np.testing.assert_allclose(ours.transform(new), theirs.transform(new), rtol=1e-8, atol=1e-12)
    mean = ours.score(new) * np.sqrt(new.size)
    found = reconstruction_error(
        sp.csr_array(new), theirs.transform(new), theirs.components_, ours._beta
    )
    assert mean == pytest.approx(-found, rel=1e-8)


def multiplication(beta, **given):
    rng = np.random.default_rng(4)
    W, H = (np.zeros((n, 16)) for n in (ROWS, COLUMNS))
    W[:, :K], H[:, :K] = rng.uniform(0.1, 1.0, (ROWS, K)), rng.uniform(0.1, 1.0, (COLUMNS, K))
    return in_double(MultiplicativeFactorization)(
        X=sp.csr_array(matrix(3)), beta=beta, components=K, penalty=(0.1, 0.2), l1=(0.0, 0.1),
        W=W, H=H, **given,
    )  # fmt: skip


@pytest.mark.parametrize("beta", [1.0, 2.0, 0.5])
def test_any_number_of_workers_gives_the_same_bits_without_races(beta):
    options = {"executor": "serial", "epochs": LOOK + 1}
    one = default_engine().run(multiplication(beta), workers=1, **options)
    three = default_engine().run(multiplication(beta), workers=3, check=True, **options)
    assert_same_bits(one, three)


@pytest.mark.processes
def test_processes_give_the_bits_of_a_serial_run():
    X = sp.csr_array(matrix())
    with nothing_left():
        two, one = (nmf(solver="mu", n_workers=n).fit(X) for n in (2, 1))
        assert two.statistics_["executor"] == "processes"
        np.testing.assert_array_equal(one.components_, two.components_)
        default_engine().close()


def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(tmp_path):
    file = tmp_path / "run.npz"
    whole = default_engine().run(multiplication(1.0), workers=1, epochs=LOOK + 3)
    default_engine().run(
        multiplication(1.0), workers=1, epochs=LOOK - 2, instruments=[Checkpoint(file)]
    )
    resumed = default_engine().run(
        multiplication(1.0), workers=1, epochs=LOOK + 3, resume_from=file
    )
    assert_same_bits(whole, resumed)


# -- start values ----------------------------------------------------------------------------------


@many_epochs
@pytest.mark.parametrize("init", ["random", "nndsvd", "nndsvda", "nndsvdar"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_start_values_by_name(init, dtype):
    X = matrix().astype(dtype)
    model = nmf(init=init, max_iter=200, tol=1e-6)
    W = model.fit_transform(X)
    assert W.dtype == model.components_.dtype == dtype
    theirs = reference(init=init, max_iter=200, tol=1e-6).fit(X)
    assert model.reconstruction_err_ <= 1.05 * theirs.reconstruction_err_


def test_own_start_values():
    X = matrix()
    W, H = np.abs(np.random.default_rng(1).normal(size=(ROWS, 2))), np.ones((2, COLUMNS))
    H[1, ::2] = 3.0
    found = NMF("auto", init="custom", n_workers=1, max_iter=1).fit(X, W=W, H=H)
    assert found.n_components_ == 2
    assert found.components_.shape == (2, COLUMNS)
    with pytest.warns(RuntimeWarning, match="When init!='custom', provided W or H are ignored"):
        ignored = nmf(max_iter=2).fit(X, W=W, H=H).components_
    np.testing.assert_array_equal(ignored, nmf(max_iter=2).fit(X).components_)
    large = NMF("auto", init="custom", n_workers=1, max_iter=1)
    large.fit(np.ldexp(X, 400), W=np.ldexp(W, 200), H=np.ldexp(H, 200))
    np.testing.assert_allclose(np.ldexp(large.components_, -200), found.components_, rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "start", "message"),
    [
        ({"init": "nndsvd", "n_components": 10}, {}, "only be used when n_components <= min"),
        ({"init": "custom"}, {}, "init='custom' needs W: give W=… and H=…"),
        ({"init": "custom"}, {"W": (ROWS, K)}, "init='custom' needs H"),
        ({"init": "custom"}, {"W": (ROWS, 2), "H": (K, COLUMNS)}, "wrong second dim.*input W"),
        ({"init": "custom"}, {"W": (ROWS, K), "H": (2, COLUMNS)}, "wrong first dim.*input H"),
        ({"beta_loss": 1}, {}, "solver 'cd' does not handle beta_loss = 1; use solver='mu'"),
        ({"solver": "mu", "beta_loss": 0}, {}, "When beta_loss <= 0 and X contains zeros"),
        ({"solver": "x"}, {}, "solver"), ({"init": "x"}, {}, "init"),
        ({"beta_loss": "x"}, {}, "beta_loss"), ({"shuffle": 3}, {}, "shuffle"),
        ({"verbose": -1}, {}, "verbose"), ({"n_components": "all"}, {}, "n_components"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_so(given, start, message):
    factors = {name: np.ones(shape) for name, shape in start.items()}
    with pytest.raises(ValueError, match=message):
        nmf(**given).fit(matrix(), **factors)


def test_start_values_that_are_wrong():
    given = {"W": np.ones((ROWS, K)), "H": np.ones((K, COLUMNS))}
    for wrong, message in ((-1.0, "Negative values"), (0.0, "full of zeros"), (np.nan, "NaN")):
        with pytest.raises(ValueError, match=message):
            nmf(init="custom").fit(matrix(), **given | {"H": np.full((K, COLUMNS), wrong)})
    with pytest.raises(TypeError, match=r"same dtype as X.*H.astype\('float64'\)"):
        nmf(init="custom").fit(matrix(), **given | {"H": np.ones((K, COLUMNS), np.float32)})
    with pytest.warns(UserWarning, match="cannot update zeros"):
        nmf(solver="mu", init="nndsvd", max_iter=1).fit(matrix())


# -- other arguments -------------------------------------------------------------------------------


@many_epochs
def test_another_order_of_the_components_finds_as_good_a_fit():
    X = matrix()
    given = {"init": "nndsvda", "tol": 1e-9, "max_iter": 2000}
    plain, shuffled, again = (nmf(**given, shuffle=s).fit(X) for s in (False, True, True))
    np.testing.assert_array_equal(shuffled.components_, again.components_)
    assert not np.array_equal(plain.components_, shuffled.components_)
    a, b = (
        H / np.linalg.norm(H, axis=1, keepdims=True)
        for H in (plain.components_, shuffled.components_)
    )  # a scale may move to W
    np.testing.assert_allclose(a, b, atol=0.02)
    assert plain.reconstruction_err_ == pytest.approx(shuffled.reconstruction_err_, rel=1e-4)


def test_one_component_a_feature_by_default():
    for n_components in ("auto", None):
        assert NMF(n_components, n_workers=1, max_iter=1).fit(matrix()).n_components_ == COLUMNS


@pytest.mark.parametrize(("solver", "figure"), [("cd", "objective"), ("mu", "reconstruction_err")])
def test_verbose_prints_the_figures(capsys, solver, figure):
    nmf(solver=solver, max_iter=LOOK, tol=0, verbose=2, callbacks=lambda step: False).fit(matrix())
    (line,) = [one for one in capsys.readouterr().err.splitlines() if f"step{LOOK:6d}" in one]
    assert figure in line
    nmf(solver=solver, max_iter=2).fit(matrix())
    ended = capsys.readouterr()
    assert "step" not in ended.out + ended.err


def test_only_epochs_that_are_used_up_are_warned_of():
    X = matrix()
    message = "^Maximum number of iterations 3 reached. Increase it"
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        model = nmf(max_iter=3).fit(X)
    assert caught[0].filename == __file__
    assert model.n_iter_ == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nmf(max_iter=3, tol=0).fit(X)
        stopped = nmf(max_iter=3, callbacks=lambda step: step.epoch == 3).fit(X)
        assert stopped.n_iter_ == 3
        nmf(tol=0.5, max_iter=20).fit(X)


@many_epochs
@pytest.mark.parametrize("given", [{}, PENALTIES])
def test_fit_transform_is_transform(given):
    """More components than features, too, where W is not unique."""
    X = matrix()
    for k in (K, COLUMNS + 2):
        model = nmf(**given | {"n_components": k, "init": "random", "max_iter": 5})
        W = model.fit_transform(X)
        np.testing.assert_array_equal(W, model.transform(sp.csc_array(X)))
        np.testing.assert_allclose(model.inverse_transform(sp.csr_array(W)), W @ model.components_)
        distance = np.linalg.norm(X - W @ model.components_)
        assert model.reconstruction_err_ == pytest.approx(distance, rel=1e-9)
        assert model.score(X) == pytest.approx(-distance / np.sqrt(X.size), rel=1e-9)


def test_penalties_that_empty_the_factors_leave_finite_numbers():
    X = matrix().astype(np.float32)
    for l1_ratio in (0.0, 1.0):
        model = nmf(alpha_W=1.0, l1_ratio=l1_ratio, max_iter=60 if JIT else 20)
        assert np.isfinite(model.fit_transform(X)).all()
        assert model.components_.max() < 1e-2


@pytest.mark.parametrize("solver", ["cd", "mu"])
def test_a_file_keeps_every_bit(tmp_path, solver):
    X = matrix()
    model = nmf(solver=solver, max_iter=4, alpha_H=0.1).fit(X)
    model.save(tmp_path / "model.npz")
    again = NMF.load(tmp_path / "model.npz")
    assert again.get_params() == model.get_params()
    assert again.components_.tobytes() == model.components_.tobytes()
    assert (again.history_, again.n_iter_) == (model.history_, model.n_iter_)
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    again.components_ = again.components_[:2]
    again.save(tmp_path / "damaged.npz")
    with pytest.raises(DataError, match="its components_ is of another shape"):
        NMF.load(tmp_path / "damaged.npz")
