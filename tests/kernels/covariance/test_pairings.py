"""The order of pairs: everybody meets everybody once, and at one table at a time."""

from itertools import combinations

import numpy as np
import pytest

from strads.algorithms.covariance.pairs.tournament import Tables
from strads.kernels.covariance.pairings import blocks_at, seats


def rounds_of(blocks):
    """Twin: the tables of each round, as pairs of blocks, by moving around a circle."""
    yield [(block, block) for block in range(blocks)]
    q = blocks + blocks % 2
    for turn in range(q - 1):
        circle = [(turn + k) % (q - 1) for k in range(q - 1)]
        games = [(circle[0], q - 1)] + [(circle[k], circle[-k]) for k in range(1, q // 2)]
        yield [(min(game), max(game)) for game in games]


@pytest.mark.parametrize("shift", [0, 1, 2])
@pytest.mark.parametrize("p", [2, 3, 7, 8, 13])
def test_everybody_meets_everybody_once_and_sits_at_one_table(p, shift):
    tables, table, met = Tables(p, shift), 0, []
    for begin, games in zip(tables.rounds(), rounds_of(tables.blocks), strict=False):
        assert begin == table * tables.each
        for number, game in enumerate(games, table):
            assert blocks_at(number, tables.blocks) == game
            pairs = [seats(place, *game, shift) for place in range(tables.each)]
            met += [(i, j) for i, j in pairs if i < j < p]
        seated = [block for game in games for block in set(game)]
        assert len(seated) == len(set(seated))
        table += len(games)
    assert table == tables.total
    assert sorted(met) == list(combinations(range(p), 2))
    pairs = np.flatnonzero(np.arange(tables.pairs) % 3 == 0)
    starts = tables.starts_of(pairs)
    assert np.array_equal(np.unique(pairs // tables.each), pairs[starts[:-1]] // tables.each)
    assert starts[-1] == len(pairs)


@pytest.mark.parametrize(("p", "shift"), [(2, 0), (127, 0), (128, 1), (1023, 3), (10_000, 4)])
def test_many_variables_stand_in_larger_blocks(p, shift):
    assert Tables.of(p).shift == shift
