"""The priority schedule: coupled ids never move together, and no id starves."""

from dataclasses import dataclass

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounds import blocks_of, dispatch, flat, make_world, micro_rounds, same, start

from strads.engine import Correlation, Coupled, Gram, Graph, Priority
from strads.engine.errors import ProgramError
from strads.engine.schedules.lease import COUNT, N_MICRO
from strads.kernels import CSR
from strads.kernels.scheduling.clearance import STARVED

#: A coupling compiles schedules of its own. Those that no other test has compiled anyway are tried
#: interpreted.
COMPILED, OTHERS = ["sparse", "graph"], ["dense", "gram", "coupled"]
all_kinds = pytest.mark.parametrize(
    "kind", [*COMPILED, *(pytest.param(kind, marks=pytest.mark.compiles) for kind in OTHERS)]
)


@dataclass
class Case:
    """A coupling as declared, and the same coupling computed by brute force."""

    schedule: Priority
    world: object
    strength: np.ndarray

    def run(self, rounds, change=None):
        policy, make = start(self.schedule, self.world)
        lag = self.world.look_ahead
        return dispatch(policy, make, rounds, change=change, look_ahead=lag), policy


def listed(kind, arguments):
    """Let lists come with one coupling only: others would only take the compiler's time."""
    if kind != "graph":
        arguments["options"]["by"] = "draws"
    return arguments


def make_case(kind, size, workers, rho, seed, *, density=0.15, options=None, **world):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(10, size)) * (rng.random((10, size)) < density)
    strength = naive.correlations(X)
    coupled = strength >= rho
    np.fill_diagonal(coupled, False)
    G = X.T @ X
    arrays = {
        "sparse": naive.sparse(X),
        "dense": np.asfortranarray(X),
        "gram": G,
        "diagonal": np.diag(G).copy(),
        "graph": naive.sparse(coupled, CSR),
    }
    coupling = {
        "sparse": Correlation("sparse"),
        "dense": Correlation("dense"),
        "gram": Gram("gram", "diagonal"),
        "graph": Graph("graph"),
        "coupled": Coupled(lambda j, others, arrays: strength[j, others], rho),
    }[kind]
    schedule = Priority("x", rho=rho, coupling=coupling, **(options or {}))
    return Case(schedule, make_world(size, workers, arrays=arrays, seed=seed, **world), strength)


@st.composite
def cases(draw, by=("lists", "draws"), **world):
    """Draw arguments of make_case except the kind of coupling; no correlation equals rho."""
    options = dict(
        by=draw(st.sampled_from(by)),
        lease=draw(st.integers(1, 12)),
        micro=draw(st.integers(1, 3)),
        max_deferrals=draw(st.integers(1, 6)),
    )
    arguments = dict(
        size=draw(st.integers(1, 30)),
        workers=draw(st.integers(1, 4)),
        rho=draw(st.sampled_from([0.05, 0.2, 0.5, 0.9])),
        seed=draw(st.integers(0, 2**31)),
        density=draw(st.sampled_from([0.05, 0.15, 0.4, 1.0])),
        sequential=draw(st.booleans()),
        options=options,
    )
    return {**arguments, **world}


def assert_nothing_coupled_moves_together(case, leases):
    """Find conflicts within every micro-round, and with the `depth` micro-rounds before it."""
    history = [blocks for lease in leases for blocks in micro_rounds(lease)]
    limit = case.schedule.rho + 1e-9
    for m, now in enumerate(history):
        for before in history[max(0, m - case.world.depth) : m + 1]:
            for p, mine in enumerate(now):
                for q, others in enumerate(before):
                    if p == q and case.world.sequential:
                        continue
                    pairs = case.strength[np.ix_(mine, others)]
                    distinct = mine[:, None] != others
                    assert not np.any((pairs >= limit) & distinct)


def assert_well_formed(case, leases):
    partition = case.world.partition
    for lease in leases:
        blocks = blocks_of(lease)
        assert lease.info[COUNT] == sum(map(len, blocks))
        lengths = np.diff(lease.cuts[:, : lease.info[N_MICRO] + 1], axis=1)
        assert np.all((lengths >= 0) & (lengths <= case.schedule.per))
        assert len(np.unique(flat(blocks))) == len(flat(blocks))
        for p, block in enumerate(blocks):
            assert np.all(partition.holder(block) == p)


@all_kinds
@given(cases())
def test_nothing_coupled_moves_together(kind, arguments):
    case = make_case(kind, **listed(kind, arguments), look_ahead=0)
    leases, _ = case.run(12)
    assert_well_formed(case, leases)
    assert_nothing_coupled_moves_together(case, leases)


@all_kinds
@given(cases(by=("draws",)), st.integers(1, 3))
def test_nor_with_what_is_still_in_flight(kind, arguments, depth):
    case = make_case(kind, **arguments, depth=depth, look_ahead=depth)
    leases, _ = case.run(12)
    assert_well_formed(case, leases)
    assert_nothing_coupled_moves_together(case, leases)


@all_kinds
def test_coupled_ids_are_deferred_and_others_are_not_held_up(kind):
    arguments = listed(kind, {"options": {"lease": 4}})
    case = make_case(kind, 40, 4, 0.3, 5, **arguments, look_ahead=0)
    leases, policy = case.run(40)
    statistics = policy.statistics()
    assert statistics["deferred"] > 0
    assert statistics["dispatched"] == sum(lease.info[COUNT] for lease in leases)
    assert statistics["dispatched"] > 40 * 8
    assert_nothing_coupled_moves_together(case, leases)


@all_kinds
@given(cases())
def test_everything_is_visited_within_a_bound(kind, arguments):
    case = make_case(kind, **listed(kind, arguments), look_ahead=0)
    size = arguments["size"]
    leases, _ = case.run((size + 1) * (case.schedule.max_deferrals + 2))
    assert set(np.concatenate([flat(blocks_of(lease)) for lease in leases])) == set(range(size))


@pytest.mark.parametrize("depth", [0, 2])
@given(st.integers(2, 16), st.integers(2, 4), st.integers(1, 3), st.integers(1, 4))
def test_nothing_starves_where_everything_is_coupled(depth, size, workers, micro, limit):
    strength = np.ones((size, size))
    arrays = {"graph": naive.sparse(1.0 - np.eye(size), CSR)}
    world = make_world(size, workers, arrays=arrays, depth=depth, look_ahead=depth)
    options = dict(lease=2 * micro, micro=micro, max_deferrals=limit)
    case = Case(Priority("x", rho=0.5, coupling=Graph("graph"), **options), world, strength)
    leases, _ = case.run((size + 2) * (limit + 2) * (depth + 1))
    assert set(np.concatenate([flat(blocks_of(lease)) for lease in leases])) == set(range(size))
    assert_nothing_coupled_moves_together(case, leases[:20])


def test_an_id_deferred_often_gets_a_micro_round_of_its_own():
    arrays = {"graph": naive.sparse(1.0 - np.eye(12), CSR)}
    schedule = Priority("x", coupling=Graph("graph"), lease=1, max_deferrals=3, by="draws")
    policy, make = start(schedule, make_world(12, 3, arrays=arrays))
    leases = dispatch(policy, make, 60)
    assert all(lease.info[COUNT] == 1 for lease in leases)
    assert policy.statistics()["alone"] > 8


@given(cases())
def test_deferred_ids_come_first(arguments):
    arguments["options"]["max_deferrals"] = 10**6  # no id gets a micro-round of its own
    case = make_case("graph", **arguments, look_ahead=0)
    policy, make = start(case.schedule, case.world)
    for _ in range(12):
        book = policy.book
        waiting = [book.waiting[p, :n].tolist() for p, n in enumerate(book.n_waiting)]
        lease = make()
        policy.fill(lease)
        assert book.counts[STARVED] == -1
        # In later micro-rounds, ids that were deferred in the meantime may come in between.
        for block, before in zip(micro_rounds(lease)[0], waiting, strict=True):
            old = [j for j in block.tolist() if j in before]
            assert block.tolist()[: len(old)] == old
            assert old == [j for j in before if j in old]  # oldest first
        policy.observe(lease)


@all_kinds
@given(cases(), st.integers(0, 8), st.integers(0, 2))
def test_a_restored_policy_continues_identically(kind, arguments, before, depth):
    if depth:
        arguments["options"]["by"] = "draws"
    case = make_case(kind, **listed(kind, arguments), depth=depth, look_ahead=0)
    policy, make = start(case.schedule, case.world)

    def change(ids):
        return np.cos(ids)

    dispatch(policy, make, before, change=change)
    saved = policy.state()
    straight = dispatch(policy, make, 6, change=change)
    other, _ = start(case.schedule, case.world)
    dispatch(other, make, 3)  # the state before restore() does not matter
    other.restore(saved)
    same(straight, dispatch(other, make, 6, change=change))
    first, second = policy.statistics(), other.statistics()
    for name in {"drawn", "full_sweeps", "dispatched", "deferred", "alone", "waiting"} & set(first):
        assert first[name] == second[name]


def test_equal_seeds_give_equal_rounds_and_others_do_not():
    found = []
    for seed in (4, 4, 5):
        world = make_world(50, 2, seed=seed)
        policy, make = start(Priority("x", lease=3, by="draws"), world)
        found.append(dispatch(policy, make, 8))
    same(found[0], found[1])
    assert any(
        not np.array_equal(flat(blocks_of(a)), flat(blocks_of(b)))
        for a, b in zip(found[0], found[2], strict=True)
    )


@given(st.integers(1, 60), st.integers(1, 4), st.integers(1, 9), st.integers(1, 3))
def test_without_coupling_all_are_visited_before_any_is_visited_again(size, workers, lease, micro):
    schedule = Priority("x", lease=lease, micro=micro)
    policy, make = start(schedule, make_world(size, workers))
    longest = int(np.diff(policy.world.partition.bounds).max())
    leases = dispatch(policy, make, 2 + -(-longest // (policy.per * policy.micro)))
    for p in range(workers):
        mine = np.concatenate([blocks_of(lease)[p] for lease in leases])
        lo, hi = policy.world.partition.range(p)
        assert set(mine[: hi - lo]) == set(range(lo, hi))
    assert policy.statistics()["deferred"] == 0


def test_what_changes_most_is_drawn_most():
    hot = [3, 27]  # one per worker

    def change(ids):
        return np.where(np.isin(ids, hot), -1.0, 0.0)

    policy, make = start(Priority("x", by="draws", lease=1, floor=1e-9), make_world(40, 2))
    dispatch(policy, make, 25, change=change)  # updates every id, and the hot ids in between
    for lease in dispatch(policy, make, 20, change=change):
        assert flat(blocks_of(lease)).tolist() == hot


def test_the_floor_keeps_the_rest_alive():
    policy, make = start(Priority("x", by="draws", lease=1, floor=0.2), make_world(20, 2, seed=1))

    def change(ids):
        return np.where(ids % 10 == 0, 1.0, 0.0)

    leases = dispatch(policy, make, 400, change=change)
    last = np.concatenate([flat(blocks_of(lease)) for lease in leases[40:]])
    counts = np.bincount(last, minlength=20)
    assert counts.min() > 0
    assert counts[[0, 10]].min() > 2 * np.delete(counts, [0, 10]).max()


def test_ids_seen_before_the_first_change_are_seen_again():
    # When these ids were updated, no change was known yet for their floor to be relative to.
    policy, make = start(Priority("x", by="draws", lease=1, floor=0.1), make_world(20, 1))
    dispatch(policy, make, 10, change=lambda ids: np.zeros(ids.shape))
    leases = dispatch(policy, make, 1000)
    assert set(np.concatenate([flat(blocks_of(lease)) for lease in leases])) == set(range(20))


@pytest.mark.parametrize("by", ["lists", "draws"])
def test_a_change_that_is_not_finite_counts_as_none(by):
    def change(ids):
        return np.choose(ids % 3, [np.nan, np.inf, 1.0])

    policy, make = start(Priority("x", lease=4, by=by), make_world(12, 1))
    leases = dispatch(policy, make, 30, change=change)
    book = policy.book
    assert np.all(np.isfinite(book.trees if by == "draws" else book.change))
    assert set(np.concatenate([flat(blocks_of(lease)) for lease in leases])) == set(range(12))


@given(cases(), st.data())
def test_only_active_ids_are_dispatched(arguments, data):
    case = make_case("graph", **arguments, look_ahead=0)
    size = arguments["size"]
    policy, make = start(case.schedule, case.world)
    dispatch(policy, make, 3)
    active = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    policy.activate(list(active))
    assert policy.n_active == len(active)
    leases = dispatch(policy, make, (size + 1) * (case.schedule.max_deferrals + 2))
    assert set(np.concatenate([flat(blocks_of(lease)) for lease in leases])) == active
    assert_nothing_coupled_moves_together(case, leases)


def test_weights_take_the_place_of_what_was_known():
    schedule = Priority("x", by="draws", lease=2, floor=1e-12)
    policy, make = start(schedule, make_world(10, 1))
    policy.activate([1, 4, 7], weights=[0.0, 5.0, 5.0])
    leases = dispatch(policy, make, 3, change=lambda ids: np.where(ids == 1, 9.0, 0.0))
    order = [blocks_of(lease)[0].tolist() for lease in leases]
    assert sorted(order[:2]) == [[4], [7]] and order[2] == [1]
    for bad in ([1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0]):
        with pytest.raises(ProgramError, match="weights must be finite and not negative"):
            policy.activate([0, 1], weights=bad)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 6))
def test_a_micro_round_ends_when_its_costs_are_spent(costs, lease):
    costs = np.array(costs, dtype=float)
    world = make_world(len(costs), 1, costs=costs)
    policy, make = start(Priority("x", lease=lease), world)
    for one in dispatch(policy, make, 8):
        block = blocks_of(one)[0]
        spent = np.cumsum(costs[block]) / costs.mean()
        assert np.all(spent[:-1] < lease + 1e-9)
        assert len(block) <= lease


@pytest.mark.parametrize("rho", [-0.1, 1.1, 7, float("nan"), float("inf")])
def test_rho_is_a_correlation(rho):
    with pytest.raises(ProgramError, match=r"rho=.* must lie in \[0, 1\]"):
        Priority("x", rho=rho)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"floor": 0.0}, "floor=0.0 must be positive"),
        ({"floor": -1.0}, "floor=-1.0 must be positive"),
        ({"sweeps": 0}, "at least 1"),
        ({"max_deferrals": 0}, "at least 1"),
        ({"by": "chance"}, 'by=.chance. must be "lists", "draws" or None'),
        ({"by": "lists", "sweeps": 2}, "a list is swept several times as it is"),
    ],
)
def test_values_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ProgramError, match=message):
        Priority("x", **wrong)


@pytest.mark.parametrize(
    ("coupling", "message"),
    [
        (Correlation("nothing"), r"Correlation\('nothing'\) names no field"),
        (Gram("nothing", "d"), r"Gram\('nothing'\) must name a two-dimensional field"),
        (Gram("G", "nothing"), "diagonal='nothing' must name a field"),
        (Graph("G"), r"Graph\('G'\) must name sparse data with layout 'csr'"),
    ],
)
def test_couplings_must_name_fields(coupling, message):
    world = make_world(3, 1, arrays={"G": np.eye(3), "d": np.ones(3)})
    with pytest.raises(ProgramError, match=message):
        start(Priority("x", coupling=coupling), world)


def test_several_sweeps_at_a_depth_are_refused():
    world = make_world(3, 1, arrays={"G": np.eye(3), "d": np.ones(3)}, depth=1)
    with pytest.raises(ProgramError, match="sweeps=2 at depth=1"):
        start(Priority("x", coupling=Gram("G", "d"), sweeps=2), world)


def test_lists_at_a_depth_are_refused():
    with pytest.raises(ProgramError, match='by="lists" at depth=1'):
        start(Priority("x", by="lists"), make_world(3, 1, depth=1))


def test_rho_one_switches_the_filter_off():
    X = np.ones((2, 48))
    world = make_world(48, 4, arrays={"A": naive.sparse(X)})
    policy, make = start(Priority("x", rho=1.0, coupling=Correlation("A"), lease=2), world)
    (lease,) = dispatch(policy, make, 1)
    assert lease.info[COUNT] == 8


@pytest.mark.parametrize("sequential", [False, True])
def test_one_worker_alone_needs_no_filter(sequential):
    arrays = {"A": naive.sparse(np.ones((2, 48)))}
    schedule = Priority("x", lease=16, micro=4, coupling=Correlation("A"))
    policy, make = start(
        schedule, make_world(48, 1, look_ahead=0, arrays=arrays, sequential=sequential)
    )
    lease = make()
    policy.fill(lease)
    sizes = np.diff(lease.cuts[0, : lease.info[N_MICRO] + 1])
    assert sizes.max() == (4 if sequential else 1)
    assert sizes.sum() == 16
    assert policy.statistics()["checks"] == policy.statistics()["deferred"] == 0


def test_one_worker_that_does_not_see_earlier_updates_keeps_the_filter():
    arrays = {"A": naive.sparse(np.ones((2, 48)))}
    schedule = Priority("x", lease=16, micro=16, coupling=Correlation("A"))
    policy, make = start(schedule, make_world(48, 1, arrays=arrays, depth=1))
    policy.fill(make())
    assert policy.statistics()["deferred"] > 0
