"""Kernels of the Lasso in residual form against their naive twins."""

from __future__ import annotations

import naive
import numpy as np
from held import MEMBERS, N, problem
from hypothesis import given
from hypothesis import strategies as st

from strads.algorithms.linear.solver.residual_form import sweeps as module
from strads.algorithms.linear.solver.residual_form.sweeps import (
    MOVES,
    SHIFT,
    VISITS,
    push_rescore,
    push_sweep,
)

RIDGE = st.sampled_from([0.0, 2.5])


def sweep(
    h, worker=0, sweeps=1, visits=10**6, least=0.0, penalty=1.5, positive=False, count=MEMBERS,
    factor=None,
):  # fmt: skip
    """Run ``push_sweep`` on copies; return weights, residual, report and promised progress."""
    rest, moving, report, promise = h.r.copy(), h.v.copy(), np.zeros(4), np.zeros(1)
    factor = np.ones(MEMBERS) if factor is None else factor
    push_sweep(
        worker, count, sweeps, visits, least, penalty, factor, h.ridge, positive, float(N), h.start,
        h.end, h.row, h.value, h.held_norm2, h.held_mean, rest, moving, np.zeros(MEMBERS, np.int64),
        np.zeros(MEMBERS), report, promise,
    )  # fmt: skip
    return moving, rest + report[SHIFT] * h.unit, report, promise[0]


@given(
    seed=st.integers(0, 2**16), centred=st.booleans(), workers=st.integers(1, 4),
    cuts=st.sets(st.integers(1, MEMBERS - 1)), ridge=RIDGE,
)  # fmt: skip
def test_held_columns_are_the_members(seed, centred, workers, cuts, ridge):
    h = problem(seed, centred, workers, (0, *sorted(cuts), MEMBERS), ridge)
    for a, j in enumerate(h.members):
        at = slice(h.start[a], h.end[a])
        column = np.zeros(N)
        column[h.row[at]] = h.value[at]
        np.testing.assert_array_equal(column, h.X[:, j])
    np.testing.assert_array_equal(h.held_mean, h.mean[h.members])
    norm2 = np.square(h.centred).sum(axis=0) + ridge
    np.testing.assert_allclose(h.held_norm2, norm2, atol=1e-12)


@given(
    seed=st.integers(0, 2**16), centred=st.booleans(), positive=st.booleans(),
    least=st.sampled_from([1e-6, 0.3]), sweeps=st.integers(1, 4), ridge=RIDGE,
)  # fmt: skip
def test_a_sweep_is_the_naive_one(seed, centred, positive, least, sweeps, ridge):
    h = problem(seed, centred, ridge=ridge)
    if positive:
        h.r += h.centred @ (h.v - np.abs(h.v))
        h.v = np.abs(h.v)
    factor = np.random.default_rng(seed).choice([0.0, 0.5, 1.0, 2.0], size=MEMBERS)
    v, r, moves, visits = naive.sweeps_by_lists(
        h.centred, h.v, h.r, 1.5 * factor, ridge, sweeps, positive, least, module.LISTS,
        module.KEEP, module.DROP,
    )  # fmt: skip
    moving, residual, report, promised = sweep(
        h, 0, sweeps, least=least, positive=positive, factor=factor
    )
    np.testing.assert_allclose(moving, v, atol=1e-9)
    np.testing.assert_allclose(residual, r, atol=1e-9)
    assert (report[VISITS], report[MOVES]) == (visits, moves)

    def objective(v, r):
        return (r @ r / 2 + 1.5 * factor @ np.abs(v) + ridge * (v @ v) / 2) / N

    np.testing.assert_allclose(promised, objective(h.v, h.r) - objective(v, r), atol=1e-9)
    assert promised >= 0.0


@given(seed=st.integers(0, 2**16), visits=st.integers(MEMBERS, 5 * MEMBERS))
def test_sweeps_make_no_more_visits_than_they_may(seed, visits):
    _, _, report, _ = sweep(problem(seed, True), sweeps=10, visits=visits)
    assert MEMBERS <= report[VISITS] <= visits


@given(seed=st.integers(0, 2**16), count=st.integers(0, MEMBERS))
def test_only_members_move_and_only_the_first_worker_sweeps(seed, count):
    h = problem(seed, True)
    moving, _, _, _ = sweep(h, count=count)
    np.testing.assert_array_equal(moving[count:], h.v[count:])
    moving, residual, report, promised = sweep(h, worker=1)
    np.testing.assert_array_equal(moving, h.v)
    np.testing.assert_array_equal(residual, h.r)
    assert not report.any()
    assert promised == 0.0


@given(seed=st.integers(0, 2**16), centred=st.booleans(), cut=st.integers(0, MEMBERS), ridge=RIDGE)
def test_scores_of_the_members(seed, centred, cut, ridge):
    h = problem(seed, centred)
    z = np.zeros(MEMBERS)
    for part in ((0, cut), (cut, MEMBERS)):
        push_rescore(part, h.start, h.end, h.row, h.value, ridge, h.v, h.r, z)
    np.testing.assert_allclose(z, h.centred.T @ h.r - ridge * h.v, atol=1e-9)
