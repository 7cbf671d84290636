"""The comparisons of samplers on graphs run, on tiny ones, with the peers that are there."""

import numpy as np

from bench.sampling import command
from bench.sampling.problems import glass, lattice, regular


def test_graphs_are_symmetric_and_have_their_degrees():
    for made, degree in ((lattice(6), 4), (glass(6), 4), (regular(60), 3)):
        assert (made != made.T).nnz == 0
        assert made.diagonal().sum() == 0.0
        assert np.diff(made.indptr).max() == degree
    assert set(glass(6).data) == {-1.0, 1.0}


def test_draws_and_energies_are_compared():
    rows = command.main(["lattice", "glass"], [1], [1], repeats=1, tiny=True)
    assert {row["graph"] for row in rows} == {"lattice", "glass"}
    assert all(np.isfinite(row["energy"]) for row in rows)
    ours = [row for row in rows if row["who"].startswith("strads")]
    assert len(ours) == 2
    assert ours[0]["median"] > 0.0
