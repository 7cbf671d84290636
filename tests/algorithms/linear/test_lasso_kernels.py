"""Kernels of the Lasso against their naive twins."""

from __future__ import annotations

import naive
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from strads.algorithms.linear.solver.full_pass import (
    ALIVE,
    LONGEST,
    NEAREST,
    TOP,
    UNPREPARED,
    VIOLATORS,
    WORDS,
    kth_smallest,
    push_columns,
    push_nearest,
    push_renew,
    push_residual,
    push_score,
    smallest,
)
from strads.algorithms.linear.solver.gram_form.descent import pull_descend, push_descend
from strads.algorithms.linear.solver.members import gram


def problem(seed, n=30, p=12, density=0.4):
    """A matrix whose first column is constant and whose second is empty, with u and r ⟂ u."""
    rng = np.random.default_rng(seed)
    X = np.where(rng.random((n, p)) < density, rng.normal(size=(n, p)), 0.0)
    X[:, 0], X[:, 1] = 0.7, 0.0
    unit = np.sqrt(rng.random(n) + 0.5)
    unit *= np.sqrt(n / (unit @ unit))
    r = rng.normal(size=n)
    return X, unit, r - unit * (unit @ r) / n


def factors(seed, p):
    """Factors of penalties, of which some are 0."""
    return np.random.default_rng(seed).choice([0.0, 0.5, 1.0, 1.0, 3.0, np.inf], size=p)


def first_pass(X, unit, r, centred=True, positive=False, penalty=1.0, ridge=0.0, factor=None):
    """Run ``push_columns`` on one worker; return its arrays by name."""
    p = X.shape[1]
    factor = np.ones(p) if factor is None else factor
    made = {name: np.zeros(p) for name in ("mean", "norm", "score")}
    made |= {"alive": np.zeros(p, np.int64), "tally": np.zeros(WORDS)}
    push_columns(
        (0, p), naive.sparse(X), unit**2, unit * r, float(len(r)), centred, 1e6, positive, penalty,
        factor, ridge, **made,
    )  # fmt: skip
    return made


@given(
    seed=st.integers(0, 2**16), centred=st.booleans(), positive=st.booleans(),
    ridge=st.sampled_from([0.0, 2.5]),
)  # fmt: skip
def test_columns_are_those_of_the_centred_matrix(seed, centred, positive, ridge):
    X, unit, r = problem(seed)
    factor = factors(seed, X.shape[1])
    made = first_pass(X, unit, r, centred, positive, ridge=ridge, factor=factor)
    means = unit**2 @ X / len(r) if centred else np.zeros(X.shape[1])
    X = unit[:, None] * X
    centred_X = X - np.outer(unit, means)
    np.testing.assert_allclose(made["mean"], means, atol=1e-12)
    norm = np.linalg.norm(centred_X, axis=0)
    used = norm > 1e-6
    np.testing.assert_allclose(made["norm"], np.where(used, np.hypot(norm, ridge**0.5), 0.0))
    np.testing.assert_array_equal(made["alive"][: int(made["tally"][ALIVE])], np.flatnonzero(used))
    score = np.where(used, centred_X.T @ r, 0.0)
    np.testing.assert_allclose(made["score"], score, atol=1e-10)
    size = score if positive else np.abs(score)
    held = used & (factor > 0.0)
    np.testing.assert_allclose(made["tally"][TOP], (size[held] / factor[held]).max(initial=0.0))
    assert made["tally"][VIOLATORS] == np.count_nonzero(size[held] > factor[held])
    lengths = np.hypot(np.linalg.norm(X[:, held], axis=0), ridge**0.5) / factor[held]
    np.testing.assert_allclose(made["tally"][LONGEST], lengths.max(initial=0.0))
    assert made["tally"][UNPREPARED] == 0


@pytest.mark.parametrize("matrix", [naive.sparse, np.asfortranarray])
def test_columns_that_squares_say_too_little_about_are_counted(matrix):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 6))
    X[:, 1], X[:, 2], X[:, 3] = 0.3, X[:, 2] + 1e7, X[:, 3] * 1e-200
    X[:, 4], X[:, 5] = X[:, 4] * 1e200, 0.0
    for centred, expected in ((True, 3), (False, 2)):
        tally, arrays = np.zeros(WORDS), [np.zeros(6) for _ in range(3)]
        push_columns(
            (0, 6), matrix(X), np.ones(20), X[:, 0], 20.0, centred, 1e6, False, 1.0, np.ones(6),
            0.0, *arrays, np.zeros(6, np.int64), tally,
        )  # fmt: skip
        assert tally[UNPREPARED] == expected
        assert tally[ALIVE] == (1 if centred else 3)


@pytest.mark.parametrize("matrix", [naive.sparse, np.asfortranarray])
def test_rows_without_weight_do_not_make_columns_lose_digits(matrix):
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(20, 4)), (np.arange(20) >= 5) * 1.0
    X[5:, 0], X[5:, 1], X[5:, 2] = 0.0, 3.0, X[5:, 2] * 1e-200
    tally, arrays = np.zeros(WORDS), [np.zeros(4) for _ in range(3)]
    push_columns(
        (0, 4), matrix(X), weight, weight * X[:, 3], 15.0, True, 1e6, False, 1.0, np.ones(4), 0.0,
        *arrays, np.zeros(4, np.int64), tally,
    )  # fmt: skip
    assert (tally[UNPREPARED], tally[ALIVE]) == (1, 1)
    np.testing.assert_allclose(arrays[1][3], X[5:, 3].std() * 15**0.5)


@given(
    seed=st.integers(0, 2**16), positive=st.booleans(), everything=st.booleans(),
    ridge=st.sampled_from([0.0, 2.5]),
)  # fmt: skip
def test_scores_of_the_columns_still_looked_at(seed, positive, everything, ridge):
    X, unit, r = problem(seed)
    made = first_pass(X, unit, r)
    rng = np.random.default_rng(seed)
    inside = (rng.random(X.shape[1]) < 0.3).astype(np.uint8)
    kept = np.flatnonzero((made["norm"] > 0) & (rng.random(X.shape[1]) < 0.6))
    made["alive"][: len(kept)], made["tally"][ALIVE] = kept, len(kept)
    r2, w, factor = rng.normal(size=len(r)), rng.normal(size=X.shape[1]), factors(seed, X.shape[1])
    push_score(
        (0, X.shape[1]), naive.sparse(X), r2, w, positive, 1.0, factor, ridge, everything,
        made["norm"], inside, made["score"], made["alive"], made["tally"],
    )  # fmt: skip
    seen = np.flatnonzero(made["norm"] > 0) if everything else kept
    score = X.T[seen] @ r2 - ridge * w[seen]
    size = score if positive else np.abs(score)
    np.testing.assert_allclose(made["score"][seen], score, atol=1e-12)
    factor = factor[seen]
    held = factor > 0.0
    top = (size[held] / factor[held]).max(initial=0.0)
    np.testing.assert_allclose(made["tally"][TOP], top, atol=1e-12)
    violates = held & (size > factor) & (inside[seen] == 0)
    assert made["tally"][VIOLATORS] == np.count_nonzero(violates)


@given(seed=st.integers(0, 2**16), positive=st.booleans(), cut=st.integers(0, 40))
def test_scores_that_are_known_are_compared_with_another_penalty(seed, positive, cut):
    rng = np.random.default_rng(seed)
    norm, score = np.maximum(rng.normal(size=40), 0.0), rng.normal(size=40)
    inside, alive = (rng.random(40) < 0.3).astype(np.uint8), np.zeros(40, np.int64)
    factor = factors(seed, 40)
    for lo, hi in ((0, cut), (cut, 40)):
        tally = np.zeros(WORDS)
        push_renew((lo, hi), positive, 0.4, factor, norm, inside, score, alive, tally)
        mine = lo + np.flatnonzero(norm[lo:hi] > 0.0)
        np.testing.assert_array_equal(alive[lo : lo + int(tally[ALIVE])], mine)
        size = score[mine] if positive else np.abs(score[mine])
        held = factor[mine] > 0.0
        assert tally[TOP] == (size[held] / factor[mine][held]).max(initial=0.0)
        violates = held & (size > 0.4 * factor[mine]) & (inside[mine] == 0)
        assert tally[VIOLATORS] == np.count_nonzero(violates)


@given(
    seed=st.integers(0, 2**16), wanted=st.integers(0, 250), radius=st.sampled_from([0.1, 0.5, 9.0])
)
def test_nearest_are_the_nearest(seed, wanted, radius):
    rng = np.random.default_rng(seed)
    p = 200
    norm, score = rng.random(p) + 0.1, rng.normal(size=p)
    inside = (rng.random(p) < 0.1).astype(np.uint8)
    nearest, distance = np.zeros(p, np.int64), np.zeros(p)
    alive, tally = np.arange(p), np.array([p, 0.0, 0.0, 0.0])
    factor, importance = rng.choice([0.5, 1.0, 2.0], size=p), rng.choice([0.25, 1.0, 4.0], size=p)
    push_nearest(
        (0, p), False, 1.0, factor, importance, 0.5, radius, wanted, norm, inside, score, alive,
        nearest, distance, tally,
    )  # fmt: skip
    away = (factor - 0.5 * np.abs(score)) / norm
    kept = np.flatnonzero((away <= radius) | (inside > 0))  # priorities screen nothing
    away = np.where(away < 0.0, away * importance, away / importance)
    np.testing.assert_array_equal(alive[: int(tally[ALIVE])], kept)
    outside = kept[inside[kept] == 0]
    expected = np.sort(away[outside])[:wanted]
    found = nearest[: int(tally[NEAREST])]
    assert len(found) == min(wanted, len(outside)) == len(np.unique(found))
    np.testing.assert_allclose(np.sort(away[found]), expected)
    np.testing.assert_allclose(distance[: len(found)], away[found])


@given(keys=st.lists(st.integers(0, 5), min_size=1, max_size=30), data=st.data())
def test_smallest_keeps_order_and_count(keys, data):
    count = data.draw(st.integers(1, len(keys)))
    ids, sizes = np.arange(len(keys)), np.array(keys, dtype=np.float64)
    limit = smallest(ids, sizes, count)
    expected = np.sort(np.argsort(keys, kind="stable")[:count])
    np.testing.assert_array_equal(ids[:count], expected)
    assert limit == np.sort(keys)[count - 1]


@given(seed=st.integers(0, 2**16))
def test_residual_is_that_of_the_centred_matrix(seed):
    X, unit, y = problem(seed)
    rng = np.random.default_rng(seed)
    members, v = rng.permutation(X.shape[1])[:5], rng.normal(size=5)
    v[2] = 0.0
    mean, r, minus_gradient = unit**2 @ X / len(y), np.zeros(len(y)), np.zeros(len(y))
    for rows in ((0, 11), (11, len(y))):
        push_residual(rows, naive.sparse(X), y, unit, mean, 5, members, v, r, minus_gradient)
    centred = unit[:, None] * (X - mean)
    np.testing.assert_allclose(r, y - centred[:, members] @ v, atol=1e-12)
    np.testing.assert_allclose(minus_gradient, unit * r, atol=1e-15)


def grown(X, unit, mean, ridge, workers, steps, dense=()):
    """Return the Gram matrix of all columns, grown in steps; each phase runs worker by worker."""
    n, p = X.shape
    A = naive.sparse(X)
    slot, panel = np.full(p, -1, np.int16), np.zeros((n, max(len(dense), 1)), np.float32)
    dense = np.array(dense, np.int64)
    slot[dense] = np.arange(len(dense))
    cuts = [(n * q // workers, n * (q + 1) // workers) for q in range(workers)]
    for rows in cuts:
        gram.push_panel(rows, A, unit, dense, panel)
    members = np.random.default_rng(p).permutation(p)
    products, sums = np.zeros((p, panel.shape[1]), np.float32), np.zeros(max(p, panel.shape[1]))
    row_start, row_end = np.zeros(n, np.int64), np.zeros(n, np.int64)
    G, curvature = np.zeros((p, p), np.float32), np.zeros(p)
    for fresh, until in zip(steps[:-1], steps[1:], strict=True):
        for rows in cuts:
            gram.push_count(rows, A, fresh, until, members, slot, row_end)
        row_start[1:] = np.cumsum(row_end)[:-1]
        column = np.zeros(row_end.sum() + 1, np.uint16)
        value = np.zeros(len(column), np.float32)
        for rows in cuts:
            gram.push_place(
                rows, A, unit, fresh, until, members, slot, row_start, row_end, column, value
            )
        for q in range(workers):
            gram.push_products(q, workers, A, unit, fresh, until, members, panel, sums, products)
        for q in range(workers):
            gram.push_gram(
                q, workers, A, unit, mean, float(n), ridge, fresh, until, members, slot, products,
                row_start, row_end, column, value, sums, G, curvature,
            )  # fmt: skip
    return members, G, curvature


@given(
    seed=st.integers(0, 2**16), workers=st.integers(1, 3), steps=st.sets(st.integers(1, 39)),
    dense=st.sets(st.integers(0, 39), max_size=5), ridge=st.sampled_from([0.0, 2.5]),
)  # fmt: skip
def test_gram_grows_to_the_products_of_all_members(seed, workers, steps, dense, ridge):
    X, unit, _ = problem(seed, n=25, p=40)
    mean = np.random.default_rng(seed).normal(size=40) / 10
    steps = [0, *sorted(steps), 40]
    members, G, curvature = grown(X, unit, mean, ridge, workers, steps, sorted(dense))
    expected = (X.T * unit**2) @ X - 25 * np.outer(mean, mean) + ridge * np.eye(40)
    expected = expected[np.ix_(members, members)]
    np.testing.assert_allclose(G, expected, atol=3e-5)
    np.testing.assert_array_equal(G, G.T)
    np.testing.assert_array_equal(curvature, np.diag(G))


@given(
    seed=st.integers(0, 2**16), workers=st.integers(1, 3), step=st.integers(0, 20),
    ridge=st.sampled_from([0.0, 2.5]),
)  # fmt: skip
def test_dense_gram(seed, workers, step, ridge):
    X, unit, _ = problem(seed, n=25, p=20)
    X = np.asfortranarray(X)
    mean, members = X.mean(axis=0), np.arange(20)[::-1].copy()
    G, curvature = np.zeros((20, 20), np.float32), np.zeros(20)
    for fresh, until in ((0, step), (step, 20)):
        for q in range(workers):
            gram.push_gram_dense(
                q, workers, X, unit**2, mean, 25.0, ridge, fresh, until, members, G, curvature
            )
    expected = (X.T * unit**2) @ X - 25 * np.outer(mean, mean) + ridge * np.eye(20)
    expected = expected[np.ix_(members, members)]
    np.testing.assert_allclose(G, expected, atol=3e-5)
    np.testing.assert_array_equal(curvature, np.diag(G))


@given(n=st.integers(1, 400), seed=st.integers(0, 99))
def test_panel_takes_the_densest_columns(n, seed):
    X = sp.random_array((n, 300), density=0.1, format="csc", random_state=seed)
    X = sp.hstack([X, np.ones((n, 3))], format="csc")
    chosen, entries = gram.dense_columns(X.indptr, n), np.diff(X.indptr)
    assert len(chosen) <= gram.MOST_DENSE
    assert np.all(entries[chosen] >= max(gram.DENSE * n, 1))
    left = np.setdiff1d(np.flatnonzero(entries >= max(gram.DENSE * n, 1)), chosen)
    assert {300, 301, 302} <= set(chosen.tolist())
    assert entries[left].max(initial=0) <= entries[chosen].min()


@given(seed=st.integers(0, 2**16), positive=st.booleans(), least=st.sampled_from([0.0, 0.3]))
def test_descent_in_gram_form(seed, positive, least):
    """Two workers' pushes and pulls leave z = c − Gv; each step is the naive minimiser."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(15, 8))
    G = (X.T @ X).astype(np.float32)
    c, factor = rng.normal(size=8) * 5, rng.choice([0.0, 0.5, 1.0, 2.0], size=8)
    penalty, rank = 1.5 * factor, rng.choice([0.1, 1.0, 3.0], size=8)
    v, z = np.zeros(8), c.copy()
    diagonal = np.diag(G).astype(np.float64)
    cut, promised = ((0, 3), (3, 8)), np.zeros(1)

    def objective(v):
        return 0.5 * v @ G.astype(np.float64) @ v - c @ v + penalty @ np.abs(v)

    for _ in range(3):
        for q, block in enumerate((rng.permutation(3), 3 + rng.permutation(5))):
            delta, change, gain = np.zeros((3, len(block)))
            naive_v, before, promise = v.copy(), objective(v), np.zeros(1)
            for j in block:
                slope = c[j] - G[j].astype(np.float64) @ naive_v
                target = naive.soft_threshold(diagonal[j] * naive_v[j] + slope, penalty[j])
                target = max(target / diagonal[j], 0.0) if positive else target / diagonal[j]
                if abs(target - naive_v[j]) * diagonal[j] > least:
                    naive_v[j] = target
            old = v[block]
            push_descend(
                block, cut[q], G, diagonal, v, z, 1.5, factor, rank, positive, 1.0, least, delta,
                change, gain, promise,
            )  # fmt: skip
            if least == 0.0:
                moved = np.abs(v[block] - old) * np.sqrt(diagonal[block])
                np.testing.assert_allclose(change, moved * rank[block], atol=1e-9)
            pull_descend(block, delta, q, 1 - q, cut[1 - q], G, z)
            pull_descend(block, delta, q, q, cut[q], G, z)  # already applied
            np.testing.assert_allclose(v, naive_v, atol=1e-9)
            np.testing.assert_allclose(z, c - G.astype(np.float64) @ v, atol=1e-9)
            np.testing.assert_allclose(promise[0], before - objective(v), atol=1e-8)
            np.testing.assert_allclose(gain.sum(), promise[0], atol=1e-12)
            assert np.all(gain >= 0.0)
            promised += promise
            assert promise[0] >= 0.0
    np.testing.assert_allclose(promised[0], objective(np.zeros(8)) - objective(v), atol=1e-8)


@given(
    keys=st.lists(st.floats(-10, 10) | st.integers(0, 3), min_size=1, max_size=60), data=st.data()
)
def test_kth_smallest(keys, data):
    k = data.draw(st.integers(0, len(keys) - 1))
    values = np.array(keys, dtype=np.float64)
    assert kth_smallest(values, k) == np.sort(values)[k]
    np.testing.assert_array_equal(values, keys)
