"""Kernels of the Lasso in residual form against their naive twins."""

from __future__ import annotations

from types import SimpleNamespace

import naive
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from strads.algorithms.lasso.solver.sweeps import (
    MOVES,
    SHIFT,
    SWEEPS,
    push_hold,
    push_rescore,
    push_sweep,
)

N, P, MEMBERS = 25, 16, 11


def problem(seed, centred, workers=1, steps=(0, MEMBERS)):
    """Copy members' columns in steps; also return their centred columns, dense, for the twin."""
    rng = np.random.default_rng(seed)
    X = np.where(rng.random((N, P)) < 0.4, rng.normal(size=(N, P)), 0.0)
    X[:, 1] = 0.0
    unit = np.sqrt(rng.random(N) + 0.5)
    unit *= np.sqrt(N / (unit @ unit))
    mean = unit @ X / N if centred else np.zeros(P)
    members = rng.permutation(P)[:MEMBERS]
    lengths = np.count_nonzero(X[:, members], axis=0)
    end = np.cumsum(lengths)
    h = SimpleNamespace(
        start=end - lengths, end=end, row=np.zeros(end[-1], np.int32), value=np.zeros(end[-1]),
        held_norm2=np.zeros(MEMBERS), held_mean=np.zeros(MEMBERS),
    )  # fmt: skip
    for fresh, until in zip(steps[:-1], steps[1:], strict=True):
        for q in range(workers):
            push_hold(
                q, workers, naive.sparse(X), mean, float(N), fresh, until, members, h.start, h.row,
                h.value, h.held_norm2, h.held_mean,
            )  # fmt: skip
    y = rng.normal(size=N) * 3
    y -= unit * (unit @ y) / N * centred
    h.v = np.where(rng.random(MEMBERS) < 0.5, rng.normal(size=MEMBERS), 0.0)
    h.X, h.unit, h.members, h.mean = X, unit, members, mean
    h.centred = (X - np.outer(unit, mean))[:, members]
    h.r = y - h.centred @ h.v
    return h


def sweep(h, worker=0, sweeps=1, least=0.0, penalty=1.5, positive=False, count=MEMBERS):
    """Run ``push_sweep`` on copies; return weights, residual, report and promised progress."""
    rest, moving, report, promise = h.r.copy(), h.v.copy(), np.zeros(4), np.zeros(1)
    push_sweep(
        worker, count, sweeps, least, penalty, positive, float(N), h.start, h.end, h.row, h.value,
        h.held_norm2, h.held_mean, rest, moving, report, promise,
    )  # fmt: skip
    return moving, rest + report[SHIFT] * h.unit, report, promise[0]


@given(
    seed=st.integers(0, 2**16), centred=st.booleans(), workers=st.integers(1, 4),
    cuts=st.sets(st.integers(1, MEMBERS - 1)),
)  # fmt: skip
def test_held_columns_are_the_members(seed, centred, workers, cuts):
    h = problem(seed, centred, workers, (0, *sorted(cuts), MEMBERS))
    for a, j in enumerate(h.members):
        at = slice(h.start[a], h.end[a])
        column = np.zeros(N)
        column[h.row[at]] = h.value[at]
        np.testing.assert_array_equal(column, h.X[:, j])
    np.testing.assert_array_equal(h.held_mean, h.mean[h.members])
    np.testing.assert_allclose(h.held_norm2, np.square(h.centred).sum(axis=0), atol=1e-12)


@given(
    seed=st.integers(0, 2**16), centred=st.booleans(), positive=st.booleans(),
    least=st.sampled_from([1e-6, 0.3]), sweeps=st.integers(1, 4),
)  # fmt: skip
def test_a_sweep_is_the_naive_one(seed, centred, positive, least, sweeps):
    h = problem(seed, centred)
    if positive:
        h.r += h.centred @ (h.v - np.abs(h.v))
        h.v = np.abs(h.v)
    v, r, moves, made = h.v, h.r, 0, 0
    for _ in range(sweeps):
        v, r, moved = naive.sweep(h.centred, v, r, 1.5, positive, least)
        moves, made = moves + moved, made + 1
        if not moved:
            break
    moving, residual, report, promised = sweep(h, 0, sweeps, least, positive=positive)
    np.testing.assert_allclose(moving, v, atol=1e-9)
    np.testing.assert_allclose(residual, r, atol=1e-9)
    assert (report[SWEEPS], report[MOVES]) == (made, moves)

    def objective(v, r):
        return (r @ r / 2 + 1.5 * np.abs(v).sum()) / N

    np.testing.assert_allclose(promised, objective(h.v, h.r) - objective(v, r), atol=1e-9)
    assert promised >= 0.0


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


@given(seed=st.integers(0, 2**16), centred=st.booleans(), cut=st.integers(0, MEMBERS))
def test_scores_of_the_members(seed, centred, cut):
    h = problem(seed, centred)
    z = np.zeros(MEMBERS)
    for part in ((0, cut), (cut, MEMBERS)):
        push_rescore(part, h.start, h.end, h.row, h.value, h.r, z)
    np.testing.assert_allclose(z, h.centred.T @ h.r, atol=1e-9)
