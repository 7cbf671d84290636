"""What scikit-learn's users expect of a Lasso: its arguments, searches, pipelines, files."""

import runpy
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from regressions import alpha_max, make
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso as Reference
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import NotFittedError

import strads
from strads import Instrument, Lasso, LassoCV, Recorder, lasso_path
from strads.engine import DataError, ProgramError, RoundRobin


@pytest.fixture(scope="module")
def dense():
    X, y = make()
    return np.asfortranarray(X.toarray()), y


def test_every_argument_of_scikit_learns_lasso_is_known():
    assert set(Reference().get_params()) <= set(Lasso().get_params())
    Lasso(**{**Reference().get_params(), "alpha": 0.1}).fit([[0.0], [1.0], [2.0]], [0, 1, 2])


@pytest.mark.parametrize("given", [{"precompute": True}, {"copy_X": False}])
def test_arguments_without_effect_change_no_bit(dense, given):
    X, y = dense
    if "precompute" in given:
        given = {"precompute": X.T @ X}
    before, alpha = X.copy(), alpha_max(X, y) / 10
    model = Lasso(alpha, **given).fit(X, y)
    assert model.coef_.tobytes() == Lasso(alpha).fit(X, y).coef_.tobytes()
    np.testing.assert_array_equal(X, before)
    assert isinstance(clone(model), Lasso)


def test_selection_is_a_schedule(dense):
    X, y = dense
    alpha = alpha_max(X, y) / 20
    by_selection = Lasso(alpha, selection="random", random_state=3).fit(X, y)
    by_schedule = Lasso(alpha, schedule="random", random_state=3).fit(X, y)
    assert by_selection.certified_
    assert by_selection.coef_.tobytes() == by_schedule.coef_.tobytes()
    contrary = Lasso(alpha, selection="random", schedule=RoundRobin("chosen"))
    with pytest.raises(ValueError, match="leave one out"):
        contrary.fit(X, y)
    with pytest.raises(ValueError, match="selection"):
        Lasso(alpha, selection="greedy").fit(X, y)


def test_unchecked_input_is_fitted_with_the_same_bits(dense):
    X, y = dense
    alpha = alpha_max(X, y) / 10
    unchecked = Lasso(alpha).fit(X, y, check_input=False)
    assert unchecked.coef_.tobytes() == Lasso(alpha).fit(X, y).coef_.tobytes()
    assert len(unchecked.predict(X)) == len(y)
    with pytest.raises(ValueError, match="check_input=False: X must be"):
        Lasso(alpha).fit(X.tolist(), y, check_input=False)
    with pytest.raises(ValueError, match="rows, y has"):
        Lasso(alpha).fit(X, y[1:], check_input=False)


def test_a_number_as_sample_weight_weighs_all_alike(dense):
    X, y = dense
    alpha = alpha_max(X, y) / 10
    weighted = Lasso(alpha).fit(X, y, sample_weight=3.0)
    assert weighted.coef_.tobytes() == Lasso(alpha).fit(X, y).coef_.tobytes()


def test_several_targets_are_one_lasso_each(dense):
    X, y = dense
    both = np.column_stack([y, -y])
    alpha = alpha_max(X, y) / 10
    wrapped = MultiOutputRegressor(Lasso(alpha)).fit(X, both)
    np.testing.assert_allclose(Lasso(alpha).fit(X, both).predict(X), wrapped.predict(X))
    with pytest.raises(ValueError, match="MultiOutputRegressor"):
        LassoCV().fit(X, both)
    assert lasso_path(X, both, alphas=[alpha])[1].shape == (2, X.shape[1], 1)


def test_searches_and_pipelines(dense):
    X, y = dense
    top = alpha_max(X, y)
    search = GridSearchCV(Lasso(tol=1e-4), {"alpha": [top, top / 10]}, cv=2).fit(X, y)
    assert search.best_params_ == {"alpha": top / 10}
    assert search.best_estimator_.dual_gap_ <= 1e-4
    pipeline = make_pipeline(StandardScaler(), Lasso(top / 10, tol=1e-4))
    scores = cross_val_score(pipeline, X, y, cv=2)
    assert np.all(np.isfinite(scores)) and np.all(scores < 1.0)
    assert pipeline.set_params(lasso__alpha=top).fit(X, y).predict(X).shape == y.shape


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_a_saved_model_predicts_the_same_bits(tmp_path, dense, layout):
    X, y = dense
    given = X if layout == "dense" else sp.csc_array(X)
    model = Lasso(alpha_max(X, y) / 10, callbacks=lambda step: False).fit(given, y)
    model.save(tmp_path / "lasso.npz")
    loaded = Lasso.load(tmp_path / "lasso.npz")
    assert loaded.predict(given).tobytes() == model.predict(given).tobytes()
    fitted = {name: value for name, value in vars(model).items() if name.endswith("_")}
    for name, value in fitted.items():
        assert np.array_equal(getattr(loaded, name), value), name
    assert loaded.get_params() == {**model.get_params(), "callbacks": None}
    loaded.set_params(warm_start=True).fit(given, y)  # goes on from the weights of the file
    assert loaded.n_iter_ == 1


def test_a_file_of_another_model_is_refused(tmp_path, dense):
    X, y = dense
    with pytest.raises(NotFittedError):
        Lasso().save(tmp_path / "lasso.npz")
    model = Lasso(alpha_max(X, y)).fit(X, y)
    model.n_features_in_ += 1
    model.save(tmp_path / "lasso.npz")
    with pytest.raises(DataError, match="coef_ is of another shape"):
        Lasso.load(tmp_path / "lasso.npz")


class Counter(Instrument):
    def __init__(self):
        self.steps = 0

    def after_step(self, run, step):
        self.steps += 1


def test_callbacks_are_one_or_several_instruments_or_functions(dense):
    X, y = dense
    alpha, seen = alpha_max(X, y) / 10, []
    for given in (Counter(), [Counter(), seen.append], (seen.append, Counter())):
        model = Lasso(alpha, callbacks=given)
        assert model.callbacks is given
        again = clone(model).fit(X, y)
        several = again.callbacks if isinstance(given, list | tuple) else [again.callbacks]
        counters = [one for one in several if isinstance(one, Counter)]
        assert [one.steps for one in counters] == [len(again.history_)]
    for step in seen:
        assert step.figures["certificate"] >= 0.0
    assert seen


def test_what_is_no_callback_is_named_before_anything_runs(dense):
    X, y = dense
    with pytest.raises(ValueError, match="callbacks"):
        Lasso(callbacks=3).fit(X, y)
    with pytest.raises(ProgramError, match="3 is neither an Instrument nor a function"):
        Lasso(callbacks=[3]).fit(X, y)
    with pytest.raises(ProgramError, match="Recorder is a class of instruments"):
        Lasso(callbacks=Recorder).fit(X, y)


def said(model, X, y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    return [(w.category, str(w.message)) for w in caught]


def test_a_stop_by_callback_is_called_that(dense):
    X, y = dense
    model = Lasso(alpha_max(X, y) / 100, tol=1e-12, callbacks=lambda step: step.epoch == 1)
    # With few data, the second pass may be at the end already.
    ((category, text),) = said(model, sp.csc_array(X), y)
    assert category is ConvergenceWarning
    assert "stopped by a callback" in text and "max_iter" not in text
    assert model.verdict_ == "callback"
    assert len(model.history_) == 1
    assert f"after {model.n_iter_} epoch" in text


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("most", [1, 5])
def test_no_more_epochs_are_made_than_max_iter(dense, most, sparse):
    X, y = dense
    model = Lasso(alpha_max(X, y) / 1000, tol=1e-14, max_iter=most)
    ((category, text),) = said(model, sp.csc_array(X) if sparse else X, y)
    assert category is ConvergenceWarning
    assert text.startswith("Objective did not converge") and "max_iter" in text
    assert model.verdict_ == "max_iter"
    assert model.n_iter_ == model.history_[-1]["epochs"] == most
    assert f"after {most} epoch{'s' * (most > 1)} " in text


def test_the_package_lists_its_estimators():
    assert {"Lasso", "NMF", "NotCertifiedWarning", "run"} <= set(dir(strads))
    assert set(strads.__all__) <= set(dir(strads))


def test_the_package_runs_as_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["strads", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("strads", run_name="__main__")
    assert not ended.value.code
    assert capsys.readouterr().out.split() == ["strads", strads.__version__]
