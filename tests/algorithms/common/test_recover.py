"""Every program of this package goes on from what a dead worker leaves, in whatever phase it died.

The launch that fails is torn on purpose (:mod:`mortal`), so these tests need no processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mortal import launches_of, mortality
from regressions import JIT

from strads import (
    CONCORD,
    NMF,
    DictionaryLearning,
    ElasticNet,
    GeneralizedLinearRegressor,
    GraphicalLasso,
    GraphSampler,
    GroupLasso,
    ImplicitFactorization,
    Lasso,
    LatentDirichletAllocation,
    LinearSVC,
    LinearSVR,
    MatrixFactorization,
    MedLDA,
    MiniBatchDictionaryLearning,
    MultiTaskLasso,
    NeighbourhoodSelection,
    NonconvexRegressor,
    SparseLogisticRegression,
    lasso_path,
)

N, P = 60, 40
RNG = np.random.default_rng(5)
X = sp.random_array((N, P), density=0.3, format="csc", rng=RNG)
Y = X @ RNG.standard_normal((P, 2)) * (RNG.random((1, 2)) + 0.5) + 0.1 * RNG.standard_normal((N, 2))
COUNTS = RNG.poisson(2.0, N).astype(float)
LABELS = np.digitize(Y[:, 0], np.quantile(Y[:, 0], [0.3, 0.7]))
ALPHA = float(np.abs(X.T @ (Y - Y.mean(axis=0))).max() / N) / 20.0
RATINGS = sp.csr_array(np.where(RNG.random((40, 30)) < 0.4, RNG.integers(1, 6, (40, 30)), 0)) * 1.0
SIGNALS = RATINGS.toarray()
BLOCKS = np.kron(np.eye(3), 0.4 + 0.6 * np.eye(4)) + 0.01
TOKENS = sp.csr_array(RNG.poisson(0.7, (30, 25)))

Fitted = Any
#: By name: a fit with a certificate, and the attributes that must be within `tol`.
CERTIFIED: dict[str, Callable[[], Fitted]] = {
    "lasso": lambda: Lasso(ALPHA, tol=1e-8, n_workers=2).fit(X, Y[:, 0]),
    "lasso-dense": lambda: Lasso(ALPHA, tol=1e-8, n_workers=2).fit(X.toarray(), Y[:, 0]),
    "lasso-priority": lambda: Lasso(ALPHA, tol=1e-8, n_workers=2, schedule="priority").fit(
        X, Y[:, 0]
    ),
    "weights": lambda: Lasso(ALPHA, tol=1e-8, n_workers=2, weights=np.arange(P) % 3).fit(
        X, Y[:, 0]
    ),
    "elastic-net": lambda: ElasticNet(ALPHA, l1_ratio=0.5, tol=1e-8, n_workers=2).fit(X, Y[:, 0]),
    "logistic": lambda: SparseLogisticRegression(C=1.0, tol=1e-7, n_workers=2).fit(X, LABELS == 1),
    "multinomial": lambda: SparseLogisticRegression(
        C=1.0, tol=1e-6, n_workers=2, multi_class="multinomial"
    ).fit(X, LABELS),
    "groups-multinomial": lambda: SparseLogisticRegression(
        C=1.0, tol=1e-6, n_workers=2, multi_class="multinomial", groups=4
    ).fit(X, LABELS),
    "groups": lambda: GroupLasso(groups=4, alpha=ALPHA, tol=1e-8, n_workers=2).fit(X, Y[:, 0]),
    "tasks": lambda: MultiTaskLasso(ALPHA, tol=1e-8, n_workers=2).fit(X, Y),
    "poisson": lambda: GeneralizedLinearRegressor(
        loss="poisson", alpha=0.02, tol=1e-7, n_workers=2
    ).fit(X, COUNTS),
    "svc": lambda: LinearSVC(C=0.3, tol=1e-6, n_workers=2).fit(X, LABELS),
    "svr": lambda: LinearSVR(C=0.3, tol=1e-6, n_workers=2).fit(X, Y[:, 0]),
    "glasso": lambda: GraphicalLasso(0.15, covariance="precomputed", tol=1e-7, n_workers=2).fit(
        BLOCKS
    ),
    "neighbours": lambda: NeighbourhoodSelection(0.1, n_workers=2).fit(X.toarray()),
}
#: By name: a fit without a certificate, and the figure that must be near that of no deaths.
JUDGED: dict[str, tuple[Callable[[], Fitted], str, float]] = {
    "concave": (
        lambda: NonconvexRegressor(penalty="mcp", alpha=ALPHA, n_workers=2).fit(X, Y[:, 0]),
        "objective", 0.3,
    ),
    "als": (
        lambda: MatrixFactorization(4, solver="als", max_iter=15, tol=0, n_workers=2).fit(RATINGS),
        "train_rmse", 0.3,
    ),
    "ccd": (
        lambda: MatrixFactorization(4, solver="ccd", max_iter=15, tol=0, n_workers=2).fit(RATINGS),
        "train_rmse", 0.3,
    ),
    "sgd": (
        lambda: MatrixFactorization(4, solver="sgd", max_iter=15, tol=0, n_workers=2).fit(RATINGS),
        "train_rmse", 0.2,
    ),
    "implicit": (
        lambda: ImplicitFactorization(4, max_iter=15, n_workers=2).fit(RATINGS), "objective", 0.05
    ),
    "concord": (lambda: CONCORD(0.1, n_workers=2).fit(X.toarray()), "objective", 1e-4),
    "nmf": (lambda: NMF(4, max_iter=30, tol=0, n_workers=2).fit(RATINGS), "objective", 0.05),
    "nmf-mu": (
        lambda: NMF(4, solver="mu", max_iter=30, tol=0, n_workers=2).fit(RATINGS),
        "reconstruction_err", 0.05,
    ),
    "dictionary": (
        lambda: DictionaryLearning(4, max_iter=15, tol=0, n_workers=2).fit(SIGNALS),
        "objective", 0.1,
    ),
    "dictionary-batches": (
        lambda: MiniBatchDictionaryLearning(
            4, max_iter=6, tol=0, batch_size=10, max_no_improvement=None, n_workers=2
        ).fit(SIGNALS),
        "objective", 0.2,
    ),
}  # fmt: skip
#: A fit takes longer than most properties.
FEW = settings(max_examples=max(4, settings.default.max_examples // 8))
compiled = pytest.mark.skipif(not JIT, reason="takes too long without the JIT")
_launches: dict[str, int] = {}
#: Fits whose kernels few other tests need: they take long to compile.
NIGHTLY = {"neighbours", "groups-multinomial", "poisson", "concave", "ccd", "concord", "nmf",
           "nmf-mu", "dictionary-batches"}  # fmt: skip


def by_day(names: Iterable[str]) -> list[Any]:
    """Mark the names of fits that run at night."""
    return [pytest.param(name, marks=pytest.mark.slow if name in NIGHTLY else ()) for name in names]


def deadly(name: str, fit: Callable[[], Fitted], data: st.DataObject) -> list[int]:
    """Draw which of a fit's launches fail."""
    if name not in _launches:
        _launches[name] = launches_of(fit)
    numbers = st.integers(1, _launches[name])
    return data.draw(st.lists(numbers, min_size=1, max_size=3, unique=True), "deadly launches")


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", by_day(CERTIFIED) if JIT else ["lasso", "groups"])
@FEW
@given(data=st.data())
def test_the_certificate_holds(name: str, data: st.DataObject) -> None:
    fit = CERTIFIED[name]
    numbers = deadly(name, fit, data)
    with mortality() as executor:
        executor.deadly = numbers
        model = fit()
        assert 1 <= executor.replaced <= len(numbers)
    assert model.verdict_ == "certified"
    assert np.all(np.asarray(model.dual_gap_) <= model.tol)


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", by_day(JUDGED) if JIT else ["sgd"])
@FEW
@given(data=st.data())
def test_the_model_is_as_good(name: str, data: st.DataObject) -> None:
    fit, figure, share = JUDGED[name]
    numbers = deadly(name, fit, data)
    with mortality() as executor:
        undisturbed = fit().history_[-1][figure]
        executor.launches, executor.deadly = 0, numbers
        model = fit()
        assert 1 <= executor.replaced <= len(numbers)
    found = model.history_[-1][figure]
    assert found <= undisturbed + share * abs(undisturbed)
    assert model.n_iter_ <= getattr(model, "max_iter", np.inf)


@compiled
@FEW
@given(data=st.data())
def test_a_path_goes_on_where_it_was(data: st.DataObject) -> None:
    def fit() -> Any:
        return lasso_path(X, Y[:, 0] - Y[:, 0].mean(), n_alphas=6, eps=0.02, tol=1e-8, n_workers=2)

    numbers = deadly("path", fit, data)
    with mortality() as executor:
        _, weights, _ = fit()
        executor.launches, executor.deadly = 0, numbers
        _, found, proven = fit()
        assert 1 <= executor.replaced <= len(numbers)
    assert np.all(proven <= 1e-8)
    np.testing.assert_allclose(found, weights, atol=1e-3 * np.abs(weights).max())


@compiled
@pytest.mark.parametrize("topics", [4, 200])
@FEW
@given(data=st.data())
def test_topics_have_the_tokens(topics: int, data: st.DataObject) -> None:
    def fit() -> Any:
        model = LatentDirichletAllocation(topics, max_iter=8, n_workers=2, random_state=3)
        return model.fit(TOKENS)

    numbers = deadly(f"lda {topics}", fit, data)
    with mortality() as executor:
        executor.deadly = numbers
        model = fit()
        assert 1 <= executor.replaced <= len(numbers)
    np.testing.assert_array_equal(model.topic_counts_.sum(axis=1), TOKENS.sum(axis=0))
    assert len(model.history_) == model.n_iter_ == 8
    shares = model.transform(TOKENS)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)
    assert np.isfinite(model.history_[-1]["log_likelihood_per_token"])


@compiled
@pytest.mark.parametrize(
    "options", [{"sampler": "dense"}, pytest.param({"method": "gibbs"}, marks=pytest.mark.slow)]
)
@FEW
@given(data=st.data())
def test_labelled_topics_are_as_good(options: dict[str, str], data: st.DataObject) -> None:
    labels = np.arange(30) % 2

    def fit() -> Any:
        model = MedLDA(4, max_iter=12, n_workers=2, random_state=3, **options)
        return model.fit(TOKENS, labels)

    numbers = deadly(f"medlda {options}", fit, data)
    with mortality() as executor:
        undisturbed = fit()
        executor.launches, executor.deadly = 0, numbers
        model = fit()
        assert 1 <= executor.replaced <= len(numbers)
    np.testing.assert_array_equal(model.topic_counts_.sum(axis=1), TOKENS.sum(axis=0))
    assert len(model.history_) == model.n_iter_ == 12
    loss, usual = (one.history_[-1]["hinge_loss"] for one in (model, undisturbed))
    assert loss < usual + 0.2 * model.margin


@pytest.mark.parametrize("q", [2, 3])
@FEW
@given(data=st.data())
def test_samples_on_a_graph_are_whole(q: int, data: st.DataObject) -> None:
    J = np.kron(np.eye(6), 1.0 - np.eye(3))

    def fit() -> Any:
        return GraphSampler(
            q, n_sweeps=12, burn_in=2, n_chains=40, temperature=1.5, n_workers=2
        ).fit(J)

    numbers = deadly(f"graph {q}", fit, data)
    with mortality() as executor:
        executor.deadly = numbers
        model = fit()
        assert 1 <= executor.replaced <= len(numbers)
    assert model.n_samples_ == 12 * 40 and model.n_iter_ == 14
    equal = model.states_[:, :, None] == model.states_[:, None, :]
    pairs = (J * (2.0 * equal - 1.0 if q == 2 else equal)).sum(axis=(1, 2)) / 2.0
    np.testing.assert_allclose(model.energies_[-1], -pairs)
    best = model.best_state_[:, None] == model.best_state_
    assert model.best_energy_ == -(J * (2.0 * best - 1.0 if q == 2 else best)).sum() / 2.0
    assert model.best_energy_ <= model.energies_.min() + 1e-9
    np.testing.assert_allclose(model.marginals_.sum(axis=1), 1.0)
    np.testing.assert_allclose(model.marginals_, 1.0 / q, atol=0.35)
