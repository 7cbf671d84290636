"""The compiled loop of rounds hands out what Python does, and counts what Python counts."""

from __future__ import annotations

from typing import Any

import naive
import numpy as np
import pytest
from rounds import driver, make_world

from strads import AdaptiveFrequency, Auto, Graph, Priority, RoundRobin, Shuffled
from strads.engine.errors import ProgramError
from strads.engine.rounds.counts.visits import Visits
from strads.engine.schedules import static
from strads.engine.schedules.lease import NO_GAIN
from strads.kernels import CSR

SCHEDULES = {
    "in turn": RoundRobin("x", lease=2),
    "shuffled": Shuffled("x", lease=3, micro=2),
    "lists": Priority("x", lease=4),
    "draws": Priority("x", lease=4, by="draws"),
    "groups": Priority("x", lease=4, coupling=Graph("J")),
    "frequencies": AdaptiveFrequency("x", lease=4),
    "auto": Auto("x", lease=4),
}
SIZE = 40


def world_of(schedule: Any, workers: int, look_ahead: int) -> Any:
    strength = naive.correlations(np.random.default_rng(0).normal(size=(12, SIZE)))
    arrays = {"J": naive.sparse((strength > 0.4) - np.eye(SIZE), CSR)}
    options: dict[str, Any] = {"look_ahead": look_ahead, "arrays": arrays, "seed": 3}
    world = make_world(SIZE, workers, **options)
    kernels = {name: request.entry for name, request in schedule.kernels(world).items()}
    return make_world(SIZE, workers, kernels=kernels, **options)


def launched(schedule: Any, world: Any, *, compiled: bool) -> tuple[list[Any], dict[str, Any], Any]:
    """Return the rounds of three launches, what was counted, and the visits of each id."""
    rounds = driver(schedule, world, record=not compiled)
    rounds.visits = Visits(world, None)
    driven = rounds.policy.driven(rounds._slot(0)) is not None
    assert driven == ("drive" in world.kernels)
    seen: list[Any] = []

    def dispatched(t: int) -> None:
        lease = rounds._slot(t)
        assert lease.gain is NO_GAIN
        used = [lease.block(p).tolist() for p in range(world.workers)]
        cleared = not any(lease.changes(p).any() for p in range(world.workers))
        assert cleared or rounds.policy.static  # a static policy learns from no changes
        seen.append((lease.info.tolist(), lease.cuts[:, : lease.info[0] + 1].tolist(), used))
        lease.change[...] = np.where(lease.ids % 5 == 0, 1.0, 0.02) / len(seen)

    for epochs in (1, 3, 2):
        rounds.launch(epochs, lambda finished: None, dispatched)
    return seen, rounds.statistics(), rounds.visits.take()


@pytest.mark.parametrize("name", SCHEDULES)
def test_it_hands_out_and_counts_what_python_does(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "MANY", 2)
    schedule = SCHEDULES[name]
    for workers, look_ahead in ((1, 0), (2, 2)):
        world = world_of(schedule, workers, look_ahead)
        python = launched(schedule, world, compiled=False)
        compiled = launched(schedule, world, compiled=True)
        assert compiled[0] == python[0]
        assert compiled[1] == python[1]
        (one,), (other,) = compiled[2], python[2]
        # Counting may stop early, to take little time; it never counts what was not handed out.
        assert one.dispatched == other.dispatched == sum(info[4] for info, _, _ in python[0])
        assert one.counts.sum() == one.counted


def test_it_ends_where_no_id_is_left() -> None:
    world = world_of(SCHEDULES["lists"], 2, 1)
    rounds = driver(SCHEDULES["lists"], world, record=False)
    rounds.policy.activate([])
    rounds.launch(1, lambda finished: None, lambda t: None)  # an epoch of no ids ends at once
    rounds.policy.activate(None)
    rounds.policy.driven = lambda lease: _without_ids(type(rounds.policy).driven, rounds, lease)
    with pytest.raises(ProgramError, match="handed out no id in 64 rounds"):
        rounds.launch(1, lambda finished: None, lambda t: None)


def _without_ids(driven: Any, rounds: Any, lease: Any) -> Any:
    """Return what the loop needs, of a policy whose workers have no ids at all."""
    found = driven(rounds.policy, lease)
    found.book.spans[:] = 0
    return found
