"""Placement by similarity: complete, balanced, and what is alike stays together."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from strads import Partition
from strads.engine.errors import ProgramError

FAMILIES = 6


def owners_of(partition):
    owners = np.empty(partition.size, np.int64)
    owners[partition.order] = partition.holder(np.arange(partition.size))
    return owners


def in_families(size, seed=0):
    """Columns that are correlated with those of their family, in random order and with signs."""
    rng = np.random.default_rng(seed)
    family = rng.permutation(np.arange(size) % FAMILIES)
    common, own = rng.normal(size=(40, FAMILIES)), rng.normal(size=(40, size))
    return (common[:, family] + 0.4 * own) * rng.choice([-1.0, 1.0], size), family


def linked_families(size, seed=0):
    """A graph with most edges within families."""
    rng = np.random.default_rng(seed)
    family = rng.permutation(np.arange(size) % FAMILIES)
    same = family[:, None] == family
    graph = np.triu(rng.random((size, size)) < np.where(same, 0.5, 0.01), 1)
    return sp.csr_array((graph | graph.T).astype(float)), family


def together(owners, family):
    """The share of pairs of a family that have one worker."""
    pairs = np.triu(family[:, None] == family, 1)
    return (owners[:, None] == owners)[pairs].mean()


@given(
    st.integers(0, 60), st.integers(1, 7), st.integers(0, 9), st.sampled_from(["columns", "graph"])
)
@settings(max_examples=min(20, settings.default.max_examples))
def test_every_id_has_one_worker_and_costs_are_balanced(size, workers, seed, kind):
    rng = np.random.default_rng(seed)
    costs = rng.exponential(size=size) * (rng.random(size) < 0.8)
    if kind == "columns":
        matrix = sp.random_array((20, size), density=0.2, rng=rng)
        partition = Partition.by_columns(matrix, workers, costs=costs)
    else:
        edges = sp.random_array((size, size), density=0.1, rng=rng)
        partition = Partition.by_graph(edges, workers, costs=costs)
    assert partition.workers == workers
    assert sorted(partition.order) == list(range(size))
    loads = np.bincount(owners_of(partition), costs, minlength=workers)
    assert loads.max() <= costs.sum() / workers + 2.0 * costs.max(initial=0.0) + 1e-6


@pytest.mark.parametrize(("stored", "workers"), [(np.asarray, 2), (sp.csr_array, 3)])
def test_correlated_columns_stay_together(stored, workers):
    X, family = in_families(60)
    owners = owners_of(Partition.by_columns(stored(X), workers))
    assert together(owners, family) > 0.85 > 1.0 / workers + 0.3
    rows = Partition.by_rows(stored(X.T), workers)
    np.testing.assert_array_equal(owners_of(rows), owners)


@pytest.mark.parametrize("workers", [2, 4])
def test_linked_ids_stay_together(workers):
    graph, family = linked_families(90)
    assert together(owners_of(Partition.by_graph(graph, workers)), family) > 0.6


def test_a_lattice_is_cut_along_a_short_border():
    side = 14
    line = sp.diags_array([np.ones(side - 1)], offsets=[1], shape=(side, side))
    edges = sp.kron(line, sp.eye_array(side)) + sp.kron(sp.eye_array(side), line)
    edges = sp.coo_array(edges)
    owners = owners_of(Partition.by_graph(edges, 2))
    across = np.count_nonzero(owners[edges.row] != owners[edges.col])
    assert across <= 3 * side  # half of the 364 edges if placed at random


def test_the_same_seed_gives_the_same_partition_whatever_the_storage():
    X, _ = in_families(24)
    first = Partition.by_columns(X, 3, seed=5).order
    for again in (X, sp.csc_array(X), sp.coo_array(X), X.tolist()):
        np.testing.assert_array_equal(Partition.by_columns(again, 3, seed=5).order, first)


def test_by_default_costs_are_entries():
    A = sp.csc_array(np.triu(np.ones((30, 30))))
    loads = np.add.reduceat(
        np.arange(1.0, 31.0)[(p := Partition.by_columns(A, 2)).order], p.bounds[:-1]
    )
    assert abs(loads[0] - loads[1]) <= 31.0


def test_columns_without_entries_are_placed():
    assert Partition.by_columns(sp.csc_array((5, 8)), 2).size == 8
    assert Partition.by_columns(np.zeros((5, 8)), 2).bounds.tolist() == [0, 4, 8]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (lambda: Partition.by_columns([1.0, 2.0], 2), "matrix must be a matrix"),
        (lambda: Partition.by_rows([["a", "b"]], 2), "table must be a matrix"),
        (lambda: Partition.by_columns([[1.0, np.nan]], 2), "matrix must be finite"),
        (lambda: Partition.by_columns(np.eye(3), 2, costs=[1.0]), "for each of 3 ids"),
        (lambda: Partition.by_columns(np.eye(3), 2, costs=[1.0, -1.0, 0.0]), "costs"),
        (lambda: Partition.by_columns(np.eye(3), 0), "workers=0"),
        (lambda: Partition.by_graph(np.ones((2, 3)), 2), "graph must have a row and a column"),
    ],
)
def test_bad_input_is_named(place, message):
    with pytest.raises(ProgramError, match=message):
        place()
