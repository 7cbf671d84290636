"""Kernels that take a block as its first id and the one after the last."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from processes import nothing_left
from programs import Counting, with_schedule
from rounds import driver, make_world

from strads import (
    Colouring,
    Engine,
    Phase,
    Priority,
    Random,
    Recorder,
    Replay,
    Rotation,
    RoundRobin,
    Shuffled,
    data,
    kernel,
    run,
    variable,
)
from strads.engine import EpochPolicy, pack
from strads.engine.errors import ProgramError
from strads.engine.rounds.counts.visits import Visits
from strads.engine.schedules import static
from strads.engine.schedules.base import Policy, Schedule

EXECUTORS = ["serial", pytest.param("processes", marks=pytest.mark.processes)]


class Spanned(Counting):
    """Adds to the ids of a span what tells them apart."""

    links = data("ids", "ids", layout="csr")
    colour = data("ids", dtype=np.int64)
    count = variable("ids")

    @kernel
    def push(span, key, x, count, change):
        for j in range(span[0], span[1]):
            x[j] += j % 7 + key % 5
            count[j] += 1.0
            change[j - span[0]] = 1.0


class Blocked(Spanned):
    """Does the same, by a list of ids."""

    @kernel
    def push(block, key, x, count, change):
        for i, j in enumerate(block):
            x[j] += j % 7 + key % 5
            count[j] += 1.0
            change[i] = 1.0


def program(kind: type[Counting], schedule: Schedule, ids: int = 37, **attributes: Any) -> Any:
    colour = np.repeat(np.arange(3), [15, 12, ids - 27])  # of a graph without links
    made = with_schedule(kind, schedule, **attributes)
    return made(label=np.zeros(ids), colour=colour, links=sp.csr_array((ids, ids)))


SCHEDULES: dict[str, Schedule] = {
    "in turn": RoundRobin("ids", lease=5, micro=2),
    "few at a time": RoundRobin("ids", lease=2, micro=3),
    "rotation": Rotation("ids", slices=4, lease=3),
    "colours": Colouring("ids", graph="links", colours="colour", lease=4),
}


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("compiled", [False, True], ids=["python", "compiled"])
def test_spans_give_the_bits_of_blocks(
    executor: str, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "MANY", 1 if compiled else 10**6)
    with nothing_left(), Engine() as engine:
        for workers in (1, 2):  # in this order each number needs its processes once
            for name, schedule in SCHEDULES.items():
                if compiled and name not in ("in turn", "few at a time"):
                    continue
                found, expected = (
                    engine.run(
                        program(kind, schedule), workers=workers, executor=executor, epochs=3,
                        seed=1,
                    )
                    for kind in (Spanned, Blocked)
                )  # fmt: skip
                each = workers if name == "rotation" else 1  # all workers hold an id in turn
                np.testing.assert_array_equal(found.state["count"], 3.0 * each)
                np.testing.assert_array_equal(found.state["x"], expected.state["x"])


def test_recorded_spans_are_replayed() -> None:
    recorder = Recorder()
    schedule = SCHEDULES["in turn"]
    first = run(program(Spanned, schedule), workers=2, epochs=2, seed=1, instruments=[recorder])
    log = recorder.log()
    expected = np.sort(np.concatenate([r.ids[p, : r.cuts[p, -1]] for r in log for p in (0, 1)]))
    np.testing.assert_array_equal(expected, np.repeat(np.arange(37), 2))
    again = run(program(Spanned, Replay("ids", log)), workers=2, epochs=2, seed=1)
    np.testing.assert_array_equal(first.state["x"], again.state["x"])


@pytest.mark.parametrize("compiled", [False, True], ids=["python", "compiled"])
def test_visits_of_spans_are_counted(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "MANY", 1)
    schedule = SCHEDULES["in turn"]
    requests = schedule.kernels(make_world(37, 2)) if compiled else {}
    kernels = {name: request.entry for name, request in requests.items()}
    world = make_world(37, 2, spans=True, kernels=kernels)
    rounds = driver(schedule, world)
    rounds.visits = Visits(world, None)
    rounds.launch(2, lambda finished: None, lambda t: None)
    (visited,) = rounds.visits.take()
    assert visited.dispatched == 2 * 37
    assert visited.counts.sum() == visited.counted
    assert set(visited.counts) <= {0, 1, 2}


class Backwards(Schedule):
    """A user's schedule that hands out ids in the wrong order."""

    def start(self, world: Any) -> Policy:
        return _Backwards(world)


class _Backwards(Policy):
    def fill(self, lease: Any) -> None:
        pack(lease, [self.mine(p)[::-1] for p in range(self.world.workers)])


@pytest.mark.parametrize(
    "schedule",
    [
        Shuffled("ids", lease=5), Random("ids", lease=5),
        Priority("ids", lease=5, by="draws"),
        Backwards("ids", lease=100),
    ],
    ids=lambda schedule: type(schedule).__name__,
)  # fmt: skip
def test_ids_that_are_not_in_a_row_are_refused(schedule: Schedule) -> None:
    with pytest.raises(ProgramError, match="'span', but the ids of worker 0 are not in a row"):
        run(program(Spanned, schedule), workers=1, epochs=20)


class Halved(Schedule):
    """A user's static schedule that says what to hand out by `dispatch`, not by `plan`."""

    def start(self, world: Any) -> Policy:
        return _Halved(world)


class _Halved(EpochPolicy):
    def plan(self) -> list[list[range]]:
        return [[range(0)]] * 2

    def dispatch(self) -> list[np.ndarray]:
        half, self.position = self.position, 1 - self.position
        return [self.mine(p)[half * 20 : 20 + half * 20] for p in range(self.world.workers)]


def test_a_dispatch_of_a_users_own_is_asked_for_spans() -> None:
    made = program(Spanned, Halved("ids"))
    np.testing.assert_array_equal(run(made, workers=1, epochs=2).state["count"], 2.0)


def test_active_ids_with_gaps_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "MANY", 1)
    made = program(Spanned, SCHEDULES["in turn"], cycle=_without_one)
    with pytest.raises(ProgramError, match="2 is followed by 4; ask for 'block' instead"):
        run(made, workers=1)


def _without_one(made: Any) -> Any:
    made.tell("main", "activate", np.delete(np.arange(37), 3))
    yield "main"


def test_a_phase_has_blocks_or_spans() -> None:
    class Both(Spanned):
        phases = {"main": Phase(push="push", pull="pull", schedule=RoundRobin("ids"))}

        @kernel
        def pull(block, x):
            pass

    with pytest.raises(ProgramError, match="ask for both 'block' and 'span'"):
        run(program(Both, RoundRobin("ids")), workers=1)


def test_a_phase_without_schedule_has_no_span() -> None:
    with pytest.raises(ProgramError, match="'span'.*there is no block of ids"):
        run(program(Spanned, RoundRobin("ids"), phases={"main": Phase()}), workers=1)
