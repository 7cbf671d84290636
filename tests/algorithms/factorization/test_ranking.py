"""Rankings against naive twins: ties, padding, batches, and NDCG."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from strads.algorithms.factorization.fitted import ranking
from strads.algorithms.factorization.fitted.ranking import best_products, ndcg_at, positive, top_n

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 300))
#: Few distinct values, so that most rows have many ties.
TIED = st.sampled_from([0.0, -0.0, 1.0, 2.0, -np.inf])


def naive_top(row, n):
    """Naive twin: sort all columns by score, then by number."""
    return sorted(range(len(row)), key=lambda j: (-row[j], j))[:n]


def naive_ndcg(n, recommended, relevant):
    """Naive twin: the definition, place by place."""
    values = []
    for items, wanted in zip(recommended, relevant, strict=True):
        if wanted:
            gain = sum(1 / math.log2(p + 2) for p, i in enumerate(items[:n]) if i in wanted)
            values.append(gain / sum(1 / math.log2(p + 2) for p in range(min(n, len(wanted)))))
    return sum(values) / len(values)


def pattern(sets, n_items):
    dense = np.zeros((len(sets), n_items))
    for row, items in zip(dense, sets, strict=True):
        row[list(items)] = 1.0
    return sp.csr_array(dense)


@given(
    st.one_of(
        arrays(np.float64, SHAPES, elements=TIED),
        arrays(np.float32, SHAPES, elements=st.floats(-5, 5, width=32)),
        arrays(np.int64, SHAPES, elements=st.integers(-3, 3)),
    ),
    st.integers(1, 320),
)
@example(np.zeros((2, 200)), 5)
@example(np.full((1, 130), -np.inf), 130)
def test_top_n_is_the_head_of_a_sort(scores, n):
    columns, values = top_n(scores, n)
    assert columns.tolist() == [naive_top(row, n) for row in scores]
    np.testing.assert_array_equal(values, np.take_along_axis(scores, columns, axis=1))


@given(arrays(np.float64, st.integers(1, 300), elements=TIED), st.integers(1, 20))
def test_top_n_of_one_row(scores, n):
    columns, values = top_n(scores, n)
    assert columns.tolist() == naive_top(scores, n)
    np.testing.assert_array_equal(values, scores[columns])


def test_top_n_of_any_layout():
    scores = np.random.default_rng(0).integers(0, 9, (200, 7)).astype(float)
    for view in (scores.T, np.asfortranarray(scores.T), scores[::-1].T):
        assert top_n(view, 6)[0].tolist() == [naive_top(row, 6) for row in view]
    assert top_n(scores[:0], 3)[0].shape == (0, 3)
    assert top_n(scores[:, :0], 3)[0].shape == (200, 0)


@pytest.mark.parametrize("column", [0, 60, 128, 129])
def test_nan_is_refused(column):
    scores = np.zeros((2, 130))
    scores[1, column] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        top_n(scores, 3)


def test_a_ranking_has_places():
    for call in (
        lambda: top_n([1.0], 0),
        lambda: best_products(np.ones((1, 1)), np.ones((1, 1)), 0),
        lambda: top_n([1.0, 2.0], 1.5),
        lambda: ndcg_at(-1, [[0]], sp.csr_array([[1.0]])),
    ):
        with pytest.raises(ValueError, match="at least 1"):
            call()


@given(
    st.integers(0, 6), st.integers(0, 9), st.integers(1, 12), st.integers(1, 40),
    st.integers(0, 2**31),
)  # fmt: skip
def test_products_in_batches(rows, columns, n, batch, seed):
    rng = np.random.default_rng(seed)
    left, right = rng.integers(-2, 3, (rows, 3)) * 1.0, rng.integers(-2, 3, (columns, 3)) * 1.0
    row_offsets, column_offsets = rng.integers(0, 3, rows) * 1.0, rng.integers(0, 3, columns) * 1.0
    hidden = rng.random((rows, columns)) < 0.4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "BATCH", batch)
        found, values = best_products(
            left, right, n, row_offsets=row_offsets, column_offsets=column_offsets,
            excluded=lambda part: sp.csr_array(hidden[part]),
        )  # fmt: skip
    scores = left @ right.T + row_offsets[:, None] + column_offsets
    assert found.shape == values.shape == (rows, n)
    for u in range(rows):
        best = [j for j in naive_top(scores[u], columns) if not hidden[u, j]][:n]
        assert found[u].tolist() == best + [-1] * (n - len(best))
        assert values[u].tolist() == [*scores[u, best], *[-np.inf] * (n - len(best))]


def test_products_keep_single_precision():
    left = np.ones((2, 3), dtype=np.float32)
    assert best_products(left, left, 1, row_offsets=np.ones(2))[1].dtype == np.float32


@st.composite
def judged(draw):
    n_items = draw(st.integers(1, 8))
    items = st.permutations(range(n_items))
    rows = draw(st.integers(1, 5))
    places = draw(st.integers(0, n_items))
    recommended = [
        [i if draw(st.booleans()) else -1 for i in draw(items)[:places]] for _ in range(rows)
    ]
    relevant = [draw(st.sets(st.integers(0, n_items - 1))) for _ in range(rows)]
    relevant[draw(st.integers(0, rows - 1))].add(0)
    return draw(st.integers(1, 10)), recommended, relevant, n_items


@given(judged())
def test_ndcg_is_its_definition(case):
    n, recommended, relevant, n_items = case
    value = ndcg_at(n, np.array(recommended, dtype=int), pattern(relevant, n_items))
    assert value == pytest.approx(naive_ndcg(n, recommended, relevant), abs=1e-12)
    assert 0.0 <= value <= 1.0 + 1e-12


def test_ndcg_of_known_rankings():
    relevant = pattern([{0, 1}, {4}, set()], 5)
    assert ndcg_at(3, [[0, 1, 2], [4, 0, 1], [0, 1, 2]], relevant) == pytest.approx(1.0)
    assert ndcg_at(3, [[2, 3, 4], [0, 1, 2], [0, 1, 2]], relevant) == 0.0
    second = 1 / math.log2(3)
    expected = (second / (1 + second) + second) / 2
    assert ndcg_at(3, [[2, 0, 3], [1, 4, 0], [0, 1, 2]], relevant) == pytest.approx(expected)


def test_ndcg_counts_positive_entries_only():
    relevant = sp.csr_array(
        (np.array([0.0, -1.0, 2.0]), np.array([0, 1, 2]), np.array([0, 3])), shape=(1, 3)
    )
    assert positive(relevant).indices.tolist() == [2]
    assert ndcg_at(1, [[2]], relevant) == 1.0
    assert ndcg_at(1, [[0]], relevant) == 0.0
    assert relevant.nnz == 3


@pytest.mark.parametrize(
    ("recommended", "relevant", "message"),
    [
        ([[0]], [[1.0], [1.0]], "2 rows"),
        ([0], [[1.0]], "2 rows|shape"),
        ([[1]], [[1.0]], "1 columns"),
        ([[0]], [[0.0]], "no relevant item"),
    ],
)
def test_ndcg_refuses_what_does_not_fit(recommended, relevant, message):
    with pytest.raises(ValueError, match=message):
        ndcg_at(1, recommended, sp.csr_array(relevant))
