"""Programs that sample graphs: equal bits for any workers and executor, no races, layouts."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from processes import nothing_left

from strads import BoltzmannMachine, Engine, GraphSampler, default_engine
from strads.algorithms.sampling.choice import program_for
from strads.algorithms.sampling.inputs import symmetric
from strads.algorithms.sampling.layout import Layout
from strads.algorithms.sampling.units import unit_of

SITES = 40
RESULTS = ("states_", "energies_", "marginals_", "best_state_")


def graph(seed=0, sites=SITES, real=False):
    rng = np.random.default_rng(seed)
    J = sp.triu(sp.random_array((sites, sites), density=0.1, rng=rng), 1)
    J.data = rng.normal(size=J.nnz) if real else rng.choice([-1.0, 1.0], J.nnz)
    return sp.csr_array(J + J.T)


def program(q, workers, seed=0, real=False):
    J = symmetric(graph(seed, real=real), "J")  # as estimators have it
    rng = np.random.default_rng(seed)
    h = np.zeros(SITES) if q == 2 else np.zeros((SITES, q))
    first = rng.integers(q, size=(3, SITES))
    first = (2 * first - 1).astype(np.int8) if q == 2 else first.astype(np.uint8)
    layout = Layout.of(J, workers, edges=True, free=rng.random(SITES) < 0.9)
    return program_for(
        J, h, q, layout=layout, temperatures=np.ones(6), burn_in=2, thin=2, begin=first,
        collect="pairs",
    )  # fmt: skip


def results(q, workers, real=False, **options):
    made = program(q, workers, real=real)
    engine = options.pop("engine", None) or default_engine()
    run = engine.run(
        made, workers=workers, epochs=made.n_steps, seed=3,
        partition={"sites": made.layout.sites}, **options,
    )  # fmt: skip
    names = ("s", "best", "sums", "pairs", "trace")
    return {name: run.state[name] for name in names}


@pytest.mark.parametrize(("q", "real"), [(2, False), (2, True), (3, False)])
def test_any_number_of_workers_has_the_same_bits_and_no_race(q, real):
    one = results(q, 1, real, executor="serial")
    for workers in (2, 3):
        found = results(q, workers, real, executor="serial", check=True)
        for name, array in one.items():
            if name == "trace":  # sums of the workers' parts
                np.testing.assert_allclose(array, found[name], atol=1e-9)
            else:
                np.testing.assert_array_equal(array, found[name])


@pytest.mark.processes
@pytest.mark.parametrize(
    ("q", "real"),  # each is a program of its own
    [
        (2, False),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((2, True), (3, False))),
    ],
)
def test_both_executors_have_the_same_bits(q, real):
    with nothing_left(), Engine() as engine:
        serial = results(q, 2, real, executor="serial")
        found = results(q, 2, real, executor="processes", engine=engine)
        assert all(found[name].tobytes() == serial[name].tobytes() for name in serial)


def test_estimators_do_not_depend_on_the_number_of_workers():
    one, two = (
        GraphSampler(n_sweeps=4, n_chains=2, n_workers=p).fit(graph()) for p in (1, 2)
    )  # fmt: skip
    assert all(np.array_equal(getattr(one, n), getattr(two, n)) for n in RESULTS)
    learnt = [BoltzmannMachine(max_iter=3, n_workers=p).fit(one.states_[:, :6]) for p in (1, 2)]
    assert (learnt[0].couplings_ != learnt[1].couplings_).nnz == 0


@given(st.integers(0, 1000), st.integers(1, 4))
def test_a_layout_deals_every_colour_to_all_workers(seed, workers):
    J = graph(seed)
    found = Layout.of(J, workers, edges=True)
    order, colours = found.sites.order, found.colours
    assert sorted(order) == list(range(SITES))
    rows, columns = J.nonzero()
    assert np.all(colours[rows] != colours[columns])
    assert len(found.pairs) == J.nnz // 2
    np.testing.assert_array_equal(order[found.ends], found.pairs)
    for p in range(workers):
        lo, hi = found.sites.range(p)
        assert np.all(np.diff(colours[order[lo:hi]]) >= 0)  # colour by colour
    ids = np.arange(SITES)
    np.testing.assert_array_equal(found.laid_out(ids), order)
    values = np.arange(len(found.pairs)) + 1.0
    made = found.symmetric(values).toarray()
    i, j = found.pairs.T
    assert np.array_equal(made[i, j], values) and np.array_equal(made, made.T)


def test_units_are_found_where_tables_are_small():
    J, h = graph(), np.zeros(SITES)
    assert unit_of(J, h) == 1.0
    assert unit_of(J * 0.3, h + 0.2) == pytest.approx(0.1)
    assert unit_of(J * 0.0, h) == 1.0
    assert unit_of(graph(real=True), h) is None  # no unit
    assert unit_of(J, h + 1e-3) is None  # couplings of a thousand units
    assert unit_of(J * 1e5, h + 1.0) is None
