"""Whether rows are skipped is decided from objectives and counts of visits."""

import numpy as np
import pytest
import scipy.sparse as sp

from strads import ImplicitFactorization, MatrixFactorization
from strads.algorithms.factorization.programs.ccd import CoordinateFactorization
from strads.algorithms.factorization.programs.skipping import FIRST, PAUSE, Skipping


def followed(rates, epochs, visits=(100, 40)):
    """Epochs that skipped, where progress a visit is rates[0], or rates[1] if rows are skipped."""
    skipping, objective, skipped = Skipping(), 1e4, []
    for _ in range(epochs):
        skips = skipping.skips()
        objective -= rates[skips] * visits[skips]
        skipping.note(objective, visits[skips], skipped=skips)
        skipped.append(skips)
    return skipped, skipping


def test_skipping_goes_on_while_it_pays():
    skipped, skipping = followed((1.0, 1.5), 20)
    assert skipped == [False] * FIRST + [True] * (20 - FIRST)
    assert skipping.paid == skipping.tried == 20 - FIRST


def test_a_trial_that_does_not_pay_is_repeated_only_after_a_pause():
    skipped, skipping = followed((1.0, 0.5), FIRST + 1 + PAUSE + 1)
    assert skipped == [False] * FIRST + [True] + [False] * PAUSE + [True]
    assert skipping.paid == 0


def test_progress_that_falls_from_epoch_to_epoch_is_expected_to_fall_on():
    skipping = Skipping()
    objective, rate = 1000.0, 1.0
    for _ in range(FIRST + 1):
        objective -= 100 * rate
        skipping.note(objective, 100, skipped=False)
        rate *= 0.5
    assert skipping.decay == pytest.approx(0.5)
    skipping.note(objective - 40 * rate * 1.01, 40, skipped=True)
    assert skipping.paid == 1


def test_what_is_remembered_can_be_saved():
    _, skipping = followed((1.0, 0.5), 7)
    other = Skipping()
    other.load_state(skipping.save_state())
    assert vars(other) == vars(skipping)


@pytest.mark.compiled
@pytest.mark.parametrize("kind", [MatrixFactorization, ImplicitFactorization])
def test_estimators_take_auto(kind):
    rng = np.random.default_rng(0)
    X = sp.random(40, 30, 0.3, format="csr", random_state=rng)
    given = {"n_components": 4, "solver": "ccd", "max_iter": 8, "n_workers": 1, "random_state": 0}
    auto = kind(schedule="auto", **given).fit(X)
    again = kind(schedule="auto", **given).fit(X)
    np.testing.assert_array_equal(auto.user_factors_, again.user_factors_)
    plain = kind(schedule="round-robin", **given).fit(X)
    last = [fit.history_[-1]["objective"] for fit in (auto, plain)]
    assert last[0] <= 1.05 * last[1]
    assert {row["skipped"] for row in auto.history_} <= {0.0, 1.0}
    with pytest.raises(ValueError, match="ccd"):
        kind(**{**given, "solver": "als"}, schedule="auto").fit(X)


@pytest.mark.parametrize("kind", [MatrixFactorization, ImplicitFactorization])
def test_rows_with_priority_stay_in(kind, monkeypatch):
    told = {"users": [], "items": []}

    def tell(program, side, message, active):
        if active is not None:
            told[side].append(active)
        original(program, side, message, active)

    original = CoordinateFactorization.tell
    monkeypatch.setattr(CoordinateFactorization, "tell", tell)
    X = sp.random(12, 9, 0.5, format="csr", random_state=np.random.default_rng(0))
    users = np.where(np.arange(12) < 2, 1e6, 1.0)
    model = kind(
        2, solver="ccd", schedule="priority", max_iter=4, n_workers=1, random_state=0, tol=0.0,
        priorities=(users, None),
    ).fit(X)  # fmt: skip
    assert np.isfinite(model.user_factors_).all()
    assert len(told["users"]) == 3
    assert all(set(active) <= {0, 1} for active in told["users"])
    assert any(len(active) > 2 for active in told["items"])


@pytest.mark.parametrize(
    ("given", "says"),
    [({"priorities": (None, None)}, "schedule='round-robin' skips none"),
     ({"priorities": [np.ones(4)], "schedule": "auto"}, "1 parts"),
     ({"priorities": (None, np.ones(5)), "schedule": "auto"}, "each of the 4 items")],
)  # fmt: skip
def test_wrong_priorities_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        MatrixFactorization(2, solver="ccd", **given).fit(sp.csr_array(np.ones((3, 4))))
