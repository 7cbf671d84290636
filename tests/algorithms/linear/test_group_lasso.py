"""The group Lasso: against naive steps and other estimators, its certificate, its conventions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest
import scipy.sparse as sp
from certified import FEW
from hypothesis import given
from hypothesis import strategies as st
from regressions import JIT
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

from strads import (
    Checkpoint,
    GroupLasso,
    Lasso,
    MultiTaskLasso,
    NotCertifiedWarning,
    default_engine,
    group_lasso_path,
)
from strads.algorithms.linear.groups.groups import Groups
from strads.algorithms.linear.groups.program import GroupLassoProgram
from strads.algorithms.linear.groups.rounds import improve_group
from strads.algorithms.linear.multi_task import sweeps as sweeps_module

LONG = np.longdouble


def problem(seed=0, n=60, p=90):
    n, p = (n, p) if JIT else (20, 15)
    rng = np.random.default_rng(seed)
    X = sp.random_array((n, p), density=0.3, format="csc", random_state=seed)
    w = rng.normal(size=p) * np.repeat(rng.random(p // 3) < 0.3, 3)
    return X, X @ w + 0.1 * rng.normal(size=n) + 2.0


@dataclass
class Grouped:
    """A problem and its judge in extended precision."""

    X: object
    y: np.ndarray
    groups: list
    alpha: float
    weights: np.ndarray
    intercept: bool = True
    positive: bool = False
    samples: np.ndarray | None = field(default=None)

    def fit(self, **options):
        return GroupLasso(
            self.groups, self.alpha, weights=self.weights, fit_intercept=self.intercept,
            positive=self.positive, **{"n_workers": 1, **options},
        ).fit(self.X, self.y, self.samples)  # fmt: skip

    def true_gap(self, model) -> float:
        X = self.X.toarray() if sp.issparse(self.X) else self.X
        X, y, w = (np.asarray(a, LONG) for a in (X, self.y, model.coef_))
        weight = np.ones(len(y)) if self.samples is None else self.samples
        weight = np.asarray(weight / weight.mean(), LONG)
        n, alpha = len(y), LONG(self.alpha)
        limits = np.asarray(self.weights, LONG)
        norms = np.array([np.sqrt((w[part] ** 2).sum()) for part in self.groups])
        r = y - X @ w - LONG(model.intercept_)
        primal = weight @ r**2 / (2 * n) + alpha * (limits @ norms)
        if self.intercept:
            X, y = X - (weight @ X) / n, y - (weight @ y) / n
            r = y - X @ w
        scores = X.T @ (weight * r)
        if self.positive:
            scores = np.maximum(scores, 0)
        sizes = np.array([np.sqrt((scores[part] ** 2).sum()) for part in self.groups]) / limits
        r2, ry = weight @ r**2, weight @ (r * y)
        s = max(ry / r2, 0)
        s = min(s, n * alpha / sizes.max()) if sizes.max() > 0 else s
        return float((primal - (s * ry - s * s * r2 / 2) / n) / (weight @ y**2 / (2 * n)))


def strength(X, y, groups, weights, ratio, intercept=True):
    X = X.toarray() if sp.issparse(X) else np.asarray(X, float)
    if intercept:
        X, y = X - X.mean(axis=0), y - y.mean()
    scores = X.T @ y
    sizes = [np.linalg.norm(scores[part]) for part in groups]
    return max(np.max(np.array(sizes) / weights) / len(y) / ratio, 1e-12)


def drawn_groups(rng, p):
    order = rng.permutation(p)
    cuts = np.sort(rng.choice(np.arange(1, p), size=min(p - 1, p // 2), replace=False))
    return [part.tolist() for part in np.split(order, cuts)]


@pytest.fixture(params=["gram", "residual"])
def form(request, monkeypatch):
    if request.param == "residual":
        monkeypatch.setattr(sweeps_module, "FEW", 0)
        monkeypatch.setattr(sweeps_module, "RATIO", -1.0)
    return request.param


@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 4), tasks=st.integers(1, 2))
def test_a_move_minimises_over_a_group(seed, d, tasks):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(d + 3, d))
    own, limit, positive = A.T @ A, rng.choice([0.1, 1.0, 5.0]), bool(rng.integers(2))
    curve = np.linalg.eigvalsh(own)[-1] * (1 + 1e-9)
    old = rng.normal(size=(d, tasks))
    old = np.maximum(old, 0.0) if positive else old
    z = rng.normal(size=(d, tasks))

    def height(w):
        move = w - old
        return 0.5 * np.vdot(move, own @ move) - np.vdot(z, move) + limit * np.linalg.norm(w)

    row, score, rest = old.ravel().copy(), z.ravel().copy(), np.zeros(2 * d * tasks)
    moved = improve_group(d, tasks, limit, curve, positive, own.ravel(), score, row, rest)
    np.testing.assert_allclose(score, row - old.ravel(), atol=1e-12)
    assert moved == pytest.approx(np.linalg.norm(score))
    one = old + z / curve  # a proximal gradient step
    one = np.maximum(one, 0.0) if positive else one
    length = np.linalg.norm(one)
    one = one * max(1.0 - limit / (curve * length), 0.0) if length > 0.0 else one
    new = row.reshape(d, tasks)
    assert height(new) <= height(one) + 1e-9
    if d == 1:
        np.testing.assert_allclose(new, one, atol=1e-7)


@pytest.mark.usefixtures("shared_engine")
@pytest.mark.parametrize(
    ("store", "workers"),  # dense X is compiled for this test alone
    [(sp.csc_array, 1), (lambda X: X.toarray(), 1),
     pytest.param(sp.csc_array, 3, marks=pytest.mark.processes),
     pytest.param(lambda X: X.toarray(), 3, marks=[pytest.mark.processes, pytest.mark.slow])],
)  # fmt: skip
@pytest.mark.parametrize("positive", [False, True])
def test_gap_in_all_forms(store, workers, positive, form):
    X, y = problem()
    groups = drawn_groups(np.random.default_rng(0), X.shape[1])
    weights = np.sqrt([len(part) for part in groups])
    alpha = strength(X, y, groups, weights, 20)
    case = Grouped(store(X), y, groups, alpha, weights, positive=positive)
    model = case.fit(tol=1e-9, n_workers=workers)
    assert model.certified_
    assert case.true_gap(model) <= model.dual_gap_ + 1e-12
    for part in groups:
        used = model.coef_[part] != 0.0
        assert positive or used.all() or not used.any()
    if positive:
        assert model.coef_.min() >= 0.0


def test_groups_of_one_feature_are_the_lasso():
    X, y = problem(1)
    model = GroupLasso(1, 0.02, tol=1e-10).fit(X, y)
    lasso = Lasso(0.02, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(model.coef_, lasso.coef_, atol=1e-5)
    assert model.intercept_ == pytest.approx(lasso.intercept_, abs=1e-5)
    Y = np.column_stack([y, y[::-1]])
    model, tasks = (each.fit(X, Y) for each in (GroupLasso(1, 0.05), MultiTaskLasso(0.05)))
    np.testing.assert_allclose(model.coef_, tasks.coef_, atol=1e-3)


def test_ways_to_say_groups():
    X, y = problem(2)
    p = X.shape[1]
    one = GroupLasso(3, 0.02, weights="sqrt").fit(X, y)
    other = GroupLasso([3] * (p // 3), 0.02 * np.sqrt(3)).fit(X, y)
    third = GroupLasso([list(range(g, g + 3)) for g in range(0, p, 3)], 0.02,
                       weights=np.full(p // 3, np.sqrt(3))).fit(X, y)  # fmt: skip
    np.testing.assert_array_equal(one.coef_, third.coef_)
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-4)
    order = np.random.default_rng(0).permutation(p)
    moved = [np.flatnonzero(np.isin(order, [g, g + 1, g + 2])).tolist() for g in range(0, p, 3)]
    fourth = GroupLasso(moved, 0.02, weights="sqrt", tol=1e-9).fit(X[:, order], y)
    fifth = GroupLasso(3, 0.02, weights="sqrt", tol=1e-9).fit(X, y)
    np.testing.assert_allclose(fourth.coef_, fifth.coef_[order], atol=1e-4)


@pytest.mark.parametrize(
    ("groups", "weights", "says"),
    [
        (4, None, "groups=4 must divide"),
        ([2, 2], None, "sum is 4"),
        ([], None, "groups is empty"),
        ([[0, 1], [1, 2, 3]], None, "every feature from 0 to 5 exactly once"),
        ([[0, 1], 5], None, r"groups\[1\]=5 must be a list"),
        (3, "root", "weights"),
        (3, [1.0], "one number for each of the 2 groups"),
        (3, [1.0, 0.0], r"weights\[1\]=0.0 must be positive"),
    ],
)
def test_wrong_groups_are_refused(groups, weights, says):
    with pytest.raises(ValueError, match=says):
        GroupLasso(groups, weights=weights).fit(np.eye(6), np.arange(6.0))


@FEW
@given(
    seed=st.integers(0, 2**32 - 1),
    offset=st.sampled_from([0.0, 0.0, 1e3, 1e7]),
    scale=st.sampled_from([0, 0, -3, 5, 80]),
    ratio=st.sampled_from([0.5, 2, 10, 300]),
)
def test_no_gap_is_smaller_than_the_true_one(seed, offset, scale, ratio):
    rng = np.random.default_rng(seed)
    n, p = (int(rng.integers(4, 30)), int(rng.integers(2, 13))) if JIT else (8, 5)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.7) * 10.0**scale
    X = X + offset * rng.normal(size=p)
    y = X[:, 0] * 10.0**-scale + rng.normal(size=n)
    groups = drawn_groups(rng, p)
    weights = rng.choice([0.5, 1.0, 3.0], size=len(groups))
    samples = rng.choice([0.0, 0.5, 2.0], size=n) if rng.random() < 0.5 else None
    if samples is not None:
        samples[:3] = 1.0
    intercept, positive = bool(rng.integers(2)), bool(rng.random() < 0.3)
    alpha = strength(X, y, groups, weights, ratio, intercept)
    store = np.asfortranarray if rng.random() < 0.5 else sp.csc_array
    case = Grouped(store(X), y, groups, alpha, weights, intercept, positive, samples)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (ConvergenceWarning, NotCertifiedWarning))
        model = case.fit(tol=1e-6, max_iter=500)
    assert model.dual_gap_ >= case.true_gap(model) * (1.0 - 1e-9) - 1e-11
    assert np.all(np.isfinite(model.coef_))


def test_groups_of_infinite_weight_are_left_out():
    X, y = problem(4)
    weights = np.ones(X.shape[1] // 3)
    plain = GroupLasso(3, 0.01, weights=weights, warm_start=True, tol=1e-8).fit(X, y)
    used = np.flatnonzero(plain.coef_.reshape(-1, 3).any(axis=1))
    weights[used[0]] = np.inf
    model = plain.set_params(weights=weights).fit(X, y)
    assert model.certified_
    assert not model.coef_.reshape(-1, 3)[used[0]].any()
    kept = np.ones(X.shape[1], bool)
    kept[3 * used[0] : 3 * used[0] + 3] = False
    other = GroupLasso(3, 0.01, tol=1e-8).fit(X[:, kept], y)
    np.testing.assert_allclose(model.coef_[kept], other.coef_, atol=1e-4)


def program(X, y, alpha):
    return GroupLassoProgram(
        X=X, y=(y - y.mean())[:, None], unit=np.ones(len(y)), alpha=alpha, beta=0.0, tol=1e-9,
        max_epochs=10**5, centred=1, groups=Groups(3, None, X.shape[1]),
    )  # fmt: skip


def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(form, tmp_path):
    (X, y), file = problem(7), tmp_path / "run.npz"
    whole = default_engine().run(program(X, y, 0.002), workers=1, epochs=300, seed=0)
    default_engine().run(
        program(X, y, 0.002), workers=1, epochs=2, seed=0, instruments=[Checkpoint(file)]
    )
    resumed = default_engine().run(
        program(X, y, 0.002), workers=1, epochs=300, seed=0, resume_from=file
    )
    assert resumed.status == "converged"
    assert resumed.state["w"].tobytes() == whole.state["w"].tobytes()
    assert resumed.figures == whole.figures


@pytest.mark.parametrize("targets", [1, 2])
def test_a_path_has_the_models_of_single_fits(targets):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(30, 8))
    y = X[:, :targets] - X[:, 2 : 2 + targets] + 0.1 * rng.normal(size=(30, targets)) + 1.0
    y = y[:, 0] if targets == 1 else y
    path = group_lasso_path(X, y, 2, alphas=4, eps=1e-2, weights=[1.0, 2.0, 1.0, 0.5], tol=1e-10)
    assert np.all(np.diff(path.alphas) < 0.0)
    assert not np.any(path.coefs[..., 0])
    assert np.any(path.coefs[..., 1])
    assert path.dual_gaps.max() <= 1e-10
    assert len(path.n_iter) == 4
    for k, alpha in enumerate(path.alphas):
        alone = GroupLasso(2, alpha, weights=[1.0, 2.0, 1.0, 0.5], tol=1e-10).fit(X, y)
        np.testing.assert_allclose(path.coefs[..., k], alone.coef_, atol=1e-4)
        np.testing.assert_allclose(path.intercepts[..., k], alone.intercept_, atol=1e-4)


def test_a_path_says_what_is_wrong_and_ends_where_it_is_told():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(12, 4)), rng.normal(size=12)
    for wrong, says in (
        ({"alpha": 1.0}, "sets alpha itself"),
        ({"alphas": [-1.0]}, "alphas"),
        ({"eps": 0.0}, "eps"),
        ({"groups": 3}, "must divide"),
    ):
        with pytest.raises(ValueError, match=says):
            group_lasso_path(X, y, **wrong)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = group_lasso_path(X, y, alphas=3, max_seconds=1e-9)
    assert len(path.alphas) == len(path.dual_gaps) < 3


def test_constant_columns_have_no_weight_and_starts_are_warm():
    X, y = problem(3)
    X = X.toarray()
    X[:, 1] = 7.0
    model = GroupLasso(3, 0.01, warm_start=True, tol=1e-7).fit(X, y)
    assert model.certified_
    assert model.coef_[1] == 0.0
    coef = model.coef_.copy()
    model.fit(X, y)
    assert len(model.history_) <= 2
    np.testing.assert_allclose(model.coef_, coef, atol=1e-9)


@pytest.mark.compiles
def test_conventions():
    check_estimator(GroupLasso(alpha=0.1))
