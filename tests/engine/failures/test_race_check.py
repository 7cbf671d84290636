"""The race check finds planted races, and passes sound programs."""

from __future__ import annotations

import numpy as np
import pytest
from processes import linux
from programs import (
    IDS,
    MF,
    NNLS,
    SCHEDULES,
    Ising,
    Racing,
    ReplicatedNNLS,
    TwoPhases,
    counting,
    ising_problem,
    nnls_problem,
    ratings,
    with_schedule,
)

from strads import Engine, Partition, RoundRobin
from strads.engine.errors import RaceError

pytestmark = [pytest.mark.processes, linux]


def test_a_planted_race_is_found_and_named(engine: Engine) -> None:
    program = with_schedule(Racing, RoundRobin("ids", lease=16))
    with pytest.raises(RaceError, match=r"x\[15\]") as caught:
        engine.run(counting(program), check=True)
    assert (caught.value.array, caught.value.id, caught.value.round) == ("x", 15, 0)
    owners = np.arange(IDS) % 3
    with pytest.raises(RaceError) as caught:
        engine.run(counting(program), check=True, partition={"ids": owners})
    assert caught.value.id == Partition.from_owners(owners, 3).order[15]


def test_a_race_that_the_schedule_excludes_is_none(engine: Engine) -> None:
    program = with_schedule(Racing, RoundRobin("ids", lease=4))  # 15 and 16 in different rounds
    assert engine.run(counting(program), epochs=2, check=True).status == "epochs"


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_race_check_passes_sound_schedules(engine: Engine, schedule: str) -> None:
    problem = nnls_problem(120, 32)
    program = with_schedule(NNLS, SCHEDULES[schedule])
    checked = engine.run(program(**problem), epochs=3, check=True)
    plain = engine.run(program(**problem), epochs=3, executor="serial", align=False)
    assert checked.state["w"].tobytes() == plain.state["w"].tobytes()


SOUND = {
    "ising": lambda: Ising(**ising_problem()),
    "factors": lambda: MF(R=ratings(), rank=3),
    "two phases": lambda: TwoPhases(label=np.zeros(IDS)),
    "pipelined": lambda: with_schedule(ReplicatedNNLS, ReplicatedNNLS.schedule, depth=1)(
        **nnls_problem(120, 32)
    ),
}
#: With the check of indices, programs are compiled once more, which takes long. By day it is one.
DEAR = ("ising", "factors", "pipelined")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in DEAR else name for name in SOUND]
)
def test_the_race_check_passes_sound_programs(engine: Engine, name: str) -> None:
    assert engine.run(SOUND[name](), epochs=2, check=True).status == "epochs"
