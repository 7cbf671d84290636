"""Calls and fits that are made at once: results, errors, Ctrl-C, and equal bits."""

import signal
import threading

import numpy as np
import pytest
import scipy.sparse as sp
from regressions import make
from sklearn.model_selection import KFold

from strads import (
    ElasticNetCV,
    GroupLassoCV,
    LassoCV,
    MultiTaskLassoCV,
    SparseLogisticRegressionCV,
    lasso_path,
)
from strads.algorithms.common import threads
from strads.algorithms.common.threads import Ending, at_once
from strads.algorithms.linear.certified.certified_path import CertifiedPath
from strads.algorithms.linear.certified.path_parts import parts_of
from strads.engine import Series


def test_results_come_in_the_order_of_the_calls():
    first_two = threading.Barrier(2, timeout=60)

    def call(k):
        if k < 2:
            first_two.wait()  # which needs both at the same time
        return k, threading.get_ident()

    made = at_once([lambda k=k: call(k) for k in range(7)], 3)
    assert [k for k, _ in made] == list(range(7))
    assert len({thread for _, thread in made}) > 1
    assert at_once([], 3) == []


def test_calls_are_made_here_where_no_thread_can_be_started(monkeypatch):
    class Refused(threading.Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "Thread", Refused)
    assert at_once([threading.get_ident] * 3, 3) == [threading.get_ident()] * 3


def test_an_error_ends_the_other_calls():
    begun, ending = [], Ending()

    def fails():
        raise ZeroDivisionError("the first")

    def waits():
        assert ending._event.wait(60)

    calls = [waits, fails, *[lambda: begun.append(1)] * 5]
    with pytest.raises(ZeroDivisionError, match="the first"):
        at_once(calls, 2, ending)
    assert ending.asked and not begun


def test_ctrl_c_keeps_calls_from_beginning_only_where_runs_end():
    """Kernels that make the model of an interrupted fit are called as ever."""

    def interrupted():
        signal.raise_signal(signal.SIGINT)
        return 0

    calls = [interrupted, lambda: 1, lambda: 2]
    with Series(on_interrupt="return") as series:
        assert at_once(calls, 1) == [0, 1, 2]
        assert at_once(calls[1:], 1, Ending()) == []
    assert series.interrupted


def fits(kind, X, y, **given):
    """The errors on held-out rows of a cross-validation with two workers."""
    folds = {"cv": KFold(3), "n_workers": 2, "tol": 1e-6, "alphas": 4, "eps": 0.1}
    if kind == "logistic":
        return SparseLogisticRegressionCV(**folds, **given).fit(X, y > np.median(y)).loss_path_
    if kind == "classes":
        labels = np.digitize(y, np.quantile(y, [0.3, 0.6]))
        model = SparseLogisticRegressionCV(multi_class="multinomial", **folds, **given)
        return model.fit(X, labels).loss_path_
    if kind == "tasks":
        return MultiTaskLassoCV(**folds, **given).fit(X, np.stack([y, y[::-1]], axis=1)).mse_path_
    model = {"nets": ElasticNetCV, "groups": GroupLassoCV}[kind]
    return model(**folds, **given).fit(X, y).mse_path_


def shuffled(seed=0):
    X, y = make(seed)
    order = np.random.default_rng(seed).permutation(len(y))
    return sp.csc_array(X)[order], y[order]


@pytest.fixture
def used(monkeypatch):
    """The numbers of fits that are made at the same time, of every search."""
    numbers = []

    def counted(calls, threads, ending):
        numbers.append(threads)
        return at_once(calls, threads, ending)

    monkeypatch.setattr("strads.algorithms.linear.fits_at_once.at_once", counted)
    return numbers


@pytest.mark.parametrize("kind", ["nets", "groups", "tasks", "logistic", "classes"])
def test_folds_at_once_have_the_bits_of_folds_in_turn(kind, used):
    X, y = shuffled()
    steps = []
    at_once_errors = fits(kind, X, y)
    in_turn = fits(kind, X, y, callbacks=steps.append)
    assert used == [2, 1] and steps
    np.testing.assert_array_equal(at_once_errors, in_turn)


def test_a_folder_and_a_checkpoint_need_folds_in_turn(tmp_path, used):
    X, y = shuffled()
    given = {"alphas": 3, "eps": 0.2, "cv": KFold(2), "n_workers": 2}
    plain = LassoCV(**given, verbose=0, max_seconds=600.0).fit(X, y)
    kept = LassoCV(**given, checkpoint=tmp_path / "kept").fit(X, y)
    followed = LassoCV(**given, run_dir=tmp_path / "followed").fit(X, y)
    assert used == [2, 1, 1]
    np.testing.assert_array_equal(kept.mse_path_, plain.mse_path_)
    np.testing.assert_array_equal(followed.mse_path_, plain.mse_path_)


def test_an_error_within_a_fold_is_raised(monkeypatch):
    X, y = shuffled()
    solve, both, calls = CertifiedPath.solve, threading.Barrier(2, timeout=60), []

    def fails_once(path):
        calls.append(path)
        if len(calls) <= 2:
            both.wait()  # so that the fault is in a thread of its own, or the other fold is
        if path is calls[0]:
            raise ZeroDivisionError("a fault of the first fold")
        return solve(path)

    monkeypatch.setattr(CertifiedPath, "solve", fails_once)
    with pytest.raises(ZeroDivisionError, match="a fault of the first fold"):
        LassoCV(alphas=3, cv=KFold(5), n_workers=2).fit(X, y)
    assert len(calls) == 2  # no other fold has begun


def test_ctrl_c_ends_all_folds():
    X, y = shuffled()
    sent = threading.Event()

    class Pressed(KFold):
        def split(self, *given):
            signal.raise_signal(signal.SIGINT)  # the series notes it
            sent.set()
            return super().split(*given)

    with pytest.raises(KeyboardInterrupt):
        LassoCV(alphas=5, cv=Pressed(3), n_workers=2).fit(X, y)
    assert sent.is_set()
    assert LassoCV(alphas=5, cv=KFold(3), n_workers=2).fit(X, y).certified_


def test_time_that_is_used_up_ends_all_folds():
    X, y = shuffled()
    with pytest.raises(ValueError, match="max_seconds ended the fit"):
        LassoCV(alphas=50, cv=KFold(3), n_workers=2, max_seconds=1e-9).fit(X, y)


@pytest.mark.parametrize("count", [1, 8, 16, 31, 100])
@pytest.mark.parametrize("parts", [1, 2, 4])
def test_parts_hold_all_penalties_in_order(count, parts):
    found = parts_of(count, parts)
    assert [k for part in found for k in range(count)[part]] == list(range(count))
    assert len(found) == parts
    if count >= 16:
        lengths = [part.stop - part.start for part in found]
        assert lengths == sorted(lengths, reverse=True) and lengths[-1] > 0


def test_parts_at_once_have_the_bits_of_parts_in_turn():
    X, y = shuffled(1)
    steps = []
    given = {"alphas": 20, "eps": 0.02, "tol": 1e-8, "n_workers": 2}
    alphas, coefs, gaps = lasso_path(X, y, **given)
    in_turn = lasso_path(X, y, **given, callbacks=steps.append)
    np.testing.assert_array_equal(coefs, in_turn[1])
    assert steps and gaps.max() <= 1e-8 and len(alphas) == 20
    whole = lasso_path(X, y, **{**given, "n_workers": 1})
    np.testing.assert_allclose(coefs, whole[1], atol=1e-4 * np.abs(coefs).max())
    assert not np.array_equal(coefs, whole[1])  # the second part had a start of its own


def test_a_path_ends_with_its_first_part_that_does():
    X, y = shuffled(1)
    alphas, coefs, _ = lasso_path(
        X, y, alphas=20, eps=0.02, n_workers=2, callbacks=lambda step: step.epoch >= 3
    )
    assert len(alphas) == coefs.shape[1] < 20
