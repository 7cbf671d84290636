"""Logistic regression with groups of features: two classes, several, and all together."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from certified import FEW
from hypothesis import given
from hypothesis import strategies as st
from processes import nothing_left
from regressions import JIT
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator
from softmaxes import LONG, Several, several

from strads import Checkpoint, NotCertifiedWarning, SparseLogisticRegression, default_engine
from strads.algorithms.linear.groups.group_line import GroupLine
from strads.algorithms.linear.groups.groups import Groups
from strads.algorithms.linear.groups.matrix_losses import OneColumn, Softmax
from strads.algorithms.linear.groups.newton import GroupNewton

SEED = st.integers(0, 2**16)


def problem(seed=0, classes=4, n=80, p=30):
    n, p = (n, p) if JIT else (40, 12)
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.5)
    W = np.zeros((p, classes))
    W[:3] = 2.0 * rng.normal(size=(3, classes))
    y = (X @ W + rng.gumbel(size=(n, classes))).argmax(axis=1)
    y[:classes] = np.arange(classes)
    return X, y


@given(seed=SEED, classes=st.integers(2, 6), centred=st.booleans())
def test_the_curvature_bounds_the_hessian(seed, classes, centred):
    rng = np.random.default_rng(seed)
    n = 3 * classes
    y, weight = np.arange(n) % classes, rng.random(n) + 0.1
    f = 5.0 * rng.normal(size=(n, classes)) * rng.random((n, 1))
    loss = Softmax(y, weight)
    local = loss.at(f, y)
    p = np.exp(f - f.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    for q, h in zip(p, local.curvature, strict=True):
        assert np.linalg.eigvalsh(np.diag(q) - np.outer(q, q))[-1] <= h * (1.0 + 1e-9) + 1e-15
    best, value = loss.without_features(centred=centred)
    assert value == pytest.approx(weight @ loss.at(np.tile(best, (n, 1)), y).value)
    shares = np.bincount(y, weights=weight) / weight.sum()
    np.testing.assert_allclose(np.exp(best - best.max()) / np.exp(best - best.max()).sum(),
                               shares if centred else 1.0 / classes)  # fmt: skip


@given(seed=SEED, t=st.sampled_from([0.0, 0.3, 1.0, 2.5]))
def test_the_slope_of_the_line_is_that_of_the_objective(seed, t):
    rng = np.random.default_rng(seed)
    y, weight = (rng.random(10) < 0.5).astype(float), rng.random(10)
    loss, f, along = OneColumn(y, weight), rng.normal(size=(10, 1)), rng.normal(size=(10, 1))
    v, d = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    first, limit = np.array([0, 2]), np.array([1.0, 0.5])
    v[:2] = 0.0  # a group without weights at t = 0
    line = GroupLine(
        loss, y, weight[:, None], f, along, loss.at(f, y).theta, v, d, 0.7, 0.3, first=first,
        limit=limit,
    )  # fmt: skip

    def cost(t):
        w = v + t * d
        norms = limit[0] * np.linalg.norm(w[:2]) + limit[1] * np.linalg.norm(w[2:])
        return 0.7 * norms + 0.15 * np.sum(w * w)

    def smooth(t):
        return weight @ loss.at(f + t * along, y).value

    step = 1e-6
    ahead = (cost(t + step) - cost(t)) / step
    np.testing.assert_allclose(line.cost(t, 1.0), ahead, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(line.smooth(t), (smooth(t + step) - smooth(t - step)) / (2 * step),
                               rtol=1e-5, atol=1e-5)  # fmt: skip


@st.composite
def grouped(draw) -> Several:
    case = draw(several(16 if JIT else 12))
    p = case.X.shape[1]
    rng = np.random.default_rng(draw(SEED))
    cuts = (
        np.sort(rng.choice(np.arange(1, p), size=rng.integers(0, p), replace=False))
        if p > 1
        else []
    )
    case.groups = [list(map(int, part)) for part in np.split(rng.permutation(p), cuts)]
    if draw(st.booleans()):
        case.group_weights = rng.uniform(0.5, 2.0, size=len(case.groups))
    return case


@pytest.mark.compiled
@pytest.mark.slow
@FEW
@given(case=grouped())
def test_no_gap_is_smaller_than_the_true_one(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (ConvergenceWarning, NotCertifiedWarning))
        model = case.fit(tol=1e-6, max_iter=300)
    assert model.dual_gap_ >= case.true_gap(model) * (1.0 - 1e-9) - 1e-12
    assert model.certified_ == (model.dual_gap_ <= 1e-6)
    assert not case.positive or model.coef_.min() >= 0.0


def true_gap(model, X, y, alpha):
    """Relative gap of a model of two classes without weights of samples, in extended precision."""
    X, w = X.astype(LONG), model.coef_[0].astype(LONG)
    n, sign = len(y), LONG(2) * y - 1
    margin = sign * (X @ w + LONG(model.intercept_[0]))
    groups = Groups(model.groups, model.group_weights, X.shape[1])

    def norms(values):
        return np.array([np.sqrt((values[groups.members(g)] ** 2).sum())
                         for g in range(groups.count)])  # fmt: skip

    primal = np.logaddexp(LONG(0), -margin).sum() + n * alpha * (groups.weights @ norms(w))
    theta = sign / (1 + np.exp(margin))
    above, below = theta[theta > 0].sum(), -theta[theta < 0].sum()
    theta = np.where(theta > 0, theta * min(1, below / above), theta * min(1, above / below))
    s = min(LONG(1), n * alpha / (norms(X.T @ theta) / groups.weights).max())
    t = s * np.abs(theta)
    dual = -(t * np.log(t) + (1 - t) * np.log(1 - t)).sum()
    share = y.mean(dtype=LONG)
    return (primal - dual) / (-n * (share * np.log(share) + (1 - share) * np.log(1 - share)))


@FEW
@given(seed=SEED, ratio=st.floats(1.5, 100.0), size=st.sampled_from([1, 2, 3]), root=st.booleans())
def test_gaps_of_two_classes(seed, ratio, size, root):
    X, y = problem(seed, classes=2)
    X = X[:, :12]
    alpha = 0.5 * np.abs(X.T @ (y - y.mean())).max() / len(y) / ratio * np.sqrt(size)
    model = SparseLogisticRegression(
        alpha, groups=size, group_weights="sqrt" if root else None
    ).fit(X, y)  # fmt: skip
    assert model.certified_
    assert true_gap(model, X, y, alpha) <= model.dual_gap_ + 1e-12


@pytest.mark.parametrize("multi_class", ["ovr", "multinomial"])
@pytest.mark.parametrize("store", [np.asfortranarray, sp.csc_array])
def test_all_models_of_several_classes(multi_class, store):
    X, y = problem(1)
    options = {"groups": 3, "multi_class": multi_class, "tol": 1e-7}
    model = SparseLogisticRegression(0.05, **options).fit(store(X), y)
    assert model.certified_
    assert model.coef_.shape == (4, X.shape[1])
    held = np.abs(model.coef_).reshape(4, -1, 3).max(axis=2) > 0.0
    if multi_class == "multinomial":
        np.testing.assert_array_equal(held, np.tile(held.any(axis=0), (4, 1)))
        assert isinstance(model.dual_gap_, float)
    else:
        assert model.dual_gap_.shape == (4,)
    assert held.any()
    assert JIT is False or multi_class == "multinomial" or not held.all()
    assert model.score(store(X), y) > 0.5
    warm = model.set_params(warm_start=True).fit(store(X), y)
    assert np.max(np.atleast_1d(warm.n_iter_)) <= 3


def test_groups_of_one_feature_are_the_l1_penalty():
    X, y = problem(2, classes=2)
    one = SparseLogisticRegression(0.03, groups=1, tol=1e-10).fit(X, y)
    other = SparseLogisticRegression(0.03, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-5)
    np.testing.assert_allclose(one.intercept_, other.intercept_, atol=1e-5)


def program(X, y):
    return GroupNewton(
        X=X, loss=Softmax(y, np.ones(len(y))), tasks=4, groups=Groups(1, None, X.shape[1]),
        alpha=0.01, beta=0.0, tol=1e-6, max_epochs=10_000, centred=1, positive=0,
    )  # fmt: skip


@pytest.mark.compiled
@pytest.mark.parametrize("steps", [3, 8])
def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(steps, tmp_path):
    X, y = problem(3)
    X, file, given = sp.csc_array(X), tmp_path / "run.npz", {"workers": 1, "seed": 0}
    whole = default_engine().run(program(X, y), epochs=1000, **given)
    short = default_engine().run(
        program(X, y), epochs=steps, instruments=[Checkpoint(file)], **given
    )
    assert short.status == "epochs"
    resumed = default_engine().run(program(X, y), epochs=1000, resume_from=file, **given)
    assert resumed.status == "converged"
    assert resumed.state["w"].tobytes() == whole.state["w"].tobytes()


@pytest.mark.processes
@pytest.mark.parametrize(
    "schedule", ["priority", pytest.param("round-robin", marks=pytest.mark.slow)]
)
def test_schedules_agree(schedule):
    X, y = problem(4)
    X = sp.csc_array(X)  # stored as where other tests compile
    options = {"groups": 1, "multi_class": "multinomial", "tol": 1e-8}
    one = SparseLogisticRegression(0.02, **options).fit(X, y)
    with nothing_left():
        other = SparseLogisticRegression(0.02, n_workers=2, schedule=schedule, **options).fit(X, y)
        default_engine().close()
    assert other.certified_
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-3)


def test_bad_input():
    X, y = problem(5)
    for wrong, message in (
        ({"groups": 7}, "must divide"),
        ({"group_weights": "sqrt"}, "give groups, too"),
        ({"groups": 1, "group_weights": [1.0]}, "one number for each"),
    ):
        with pytest.raises(ValueError, match=message):
            SparseLogisticRegression(0.1, **wrong).fit(X, y)
    with pytest.raises(ValueError, match="not in the range"):
        SparseLogisticRegression(0.1, groups=1).fit(X * 1e200, y)
    with pytest.warns(NotCertifiedWarning, match="Nothing was fitted"):
        SparseLogisticRegression(0.1, groups=1).fit(X + 1e9, y)
    with pytest.warns(UserWarning, match="Ridge"):
        SparseLogisticRegression(0.1, l1_ratio=0.0, groups=1, max_iter=3).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        SparseLogisticRegression(1e-4, groups=1, max_iter=1).fit(X, y)


@pytest.mark.slow
@pytest.mark.skipif(not JIT, reason="many fits: compiled only")
def test_conventions():
    results = check_estimator(
        SparseLogisticRegression(alpha=0.01, groups=1, tol=1e-11), on_fail=None
    )
    failed = [each["check_name"] for each in results if each["status"] == "failed"]
    assert failed == []
