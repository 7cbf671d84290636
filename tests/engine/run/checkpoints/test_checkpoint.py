"""A run that resumes from a checkpoint has the bits of one that never stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import nothing_left
from programs import (
    DRAWS,
    IDS,
    MF,
    NNLS,
    SCHEDULES,
    Counting,
    GramNNLS,
    Ising,
    TwoPhases,
    assert_same_bits,
    counting,
    ising_problem,
    nnls_problem,
    ratings,
    with_schedule,
)

from strads import (
    Engine,
    Policy,
    Priority,
    Program,
    RoundRobin,
    Schedule,
    derived,
    kernel,
    variable,
)
from strads.engine.errors import DataError, ProgramError
from strads.engine.run.checkpoints.checkpoint import opened
from strads.engine.run.checkpoints.nested import decode, encode
from strads.engine.run.run import Result

EXECUTORS = ["serial", pytest.param("processes", marks=pytest.mark.processes)]
WORKERS = 3


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(WORKERS) as made:
        yield made


def save_after(
    engine: Engine, program: Program, epochs: int, path: Path, **options: Any
) -> Program:
    with engine.iterate(program, epochs=epochs, **options) as run:
        for _ in run:
            pass
        run.save(path)
    return program


COUNTS = ("dispatched", "blocks", "rounds", "epochs", "rounds_on_one_worker", "deferred", "drawn")


def assert_goes_on(
    engine: Engine,
    path: Path,
    make: Callable[[], Program],
    *,
    executor: str,
    then: str | None = None,
    epochs: tuple[int, int] = (3, 7),
    **options: Any,
) -> Result:
    """Compare a run that stopped and resumed in another instance with one that did not stop."""
    whole = engine.run(make(), epochs=epochs[1], executor=executor, **options)
    save_after(engine, make(), epochs[0], path, executor=executor, **options)
    options.pop("seed", None)  # the checkpoint holds it
    resumed = engine.run(
        make(), epochs=epochs[1], executor=then or executor, resume_from=path, **options
    )
    assert_same_bits(whole, resumed)
    for name, counts in whole.statistics["schedules"].items():
        there = resumed.statistics["schedules"][name]
        for word in COUNTS:
            assert there.get(word) == counts.get(word), word
    assert resumed.statistics["staleness"] == whole.statistics["staleness"]
    assert resumed.statistics["bytes_moved"] == whole.statistics["bytes_moved"]
    return resumed


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(
    engine: Engine, tmp_path: Path, name: str, executor: str
) -> None:
    problem, program = nnls_problem(), with_schedule(NNLS, SCHEDULES[name])
    assert_goes_on(
        engine, tmp_path / "run.ckpt", lambda: program(**problem), executor=executor, seed=5
    )


@pytest.mark.processes
@pytest.mark.parametrize(("first", "then"), [("serial", "processes"), ("processes", "serial")])
def test_a_run_goes_on_under_another_executor(
    engine: Engine, tmp_path: Path, first: str, then: str
) -> None:
    problem = nnls_problem()
    path = tmp_path / "run.ckpt"
    assert_goes_on(engine, path, lambda: NNLS(**problem), executor=first, then=then, seed=1)


PROGRAMS: dict[str, Callable[[], Program]] = {
    "ising": lambda: Ising(**ising_problem()),
    "factorisation": lambda: MF(R=ratings(), rank=3),
    "phases": lambda: counting(TwoPhases),
    "pipelined": lambda: with_schedule(GramNNLS, DRAWS, depth=2, look_ahead=3)(**nnls_problem()),
    "no schedule": lambda: counting(Everywhere),
}


class Everywhere(Counting):
    """A program without a schedule: every push adds to its range."""

    schedule = None

    @kernel
    def push(ids, x):
        for j in range(ids[0], ids[1]):
            x[j] += 1.0


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_kind_of_program_goes_on(
    engine: Engine, tmp_path: Path, name: str, executor: str
) -> None:
    assert_goes_on(engine, tmp_path / "run.ckpt", PROGRAMS[name], executor=executor)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_own_partition_is_given_again(engine: Engine, tmp_path: Path, executor: str) -> None:
    problem, path = nnls_problem(), tmp_path / "run.ckpt"
    owners = {"cols": np.arange(40) % 3}
    make = lambda: NNLS(**problem)  # noqa: E731
    assert_goes_on(engine, path, make, executor=executor, partition=owners)
    for other in ({"cols": np.arange(40) // 14}, None, {"cols": (np.arange(40) + 1) % 3}):
        with pytest.raises(ProgramError, match="axis 'cols' is of 40 ids, .* partition"):
            engine.run(make(), executor=executor, partition=other, resume_from=path)


class Growing(Counting):
    """A program whose two axes grow by one id in every epoch, and which has state of its own."""

    y = variable("more", dtype=np.float32)
    table = derived("more", "more")
    schedule = Priority("more", lease=4, micro=2)

    def __init__(self, **given: Any) -> None:
        super().__init__(more=1, **given)
        self.sizes: list[int] = []

    @kernel
    def push(block, y, table, change):
        for i, j in enumerate(block):
            y[j] += 1.0
            change[i] = y[j]
            for k in range(len(y)):
                table[j, k] += y[j]

    def epoch(self, history: Any) -> None:
        self.sizes.append(self.size["more"])
        self.grow("more", self.size["more"] + 3)
        first = self.sizes[-1]
        self.state["table"][first:, :] = self.state["table"][:, first:] = 0.0

    def save_state(self) -> dict[str, Any]:
        return {"sizes": self.sizes}

    def load_state(self, state: Any) -> None:
        self.sizes = state["sizes"]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_axes_that_grew_are_grown_again(engine: Engine, tmp_path: Path, executor: str) -> None:
    path = tmp_path / "run.ckpt"
    made = [counting(Growing) for _ in range(3)]
    remaining = iter(made)
    assert_goes_on(engine, path, lambda: next(remaining), executor=executor, epochs=(9, 20))
    assert made[0].sizes == made[2].sizes == list(range(1, 61, 3))
    assert made[1].sizes == made[0].sizes[:9]


# -- how and when it is saved ------------------------------------------------------------------


def saved_history(path: Path) -> list[dict[str, float]]:
    with opened(path) as saved:
        return saved.history


def test_a_checkpoint_of_no_step_and_one_of_all_steps(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    with engine.iterate(counting(), epochs=3, executor="serial") as run:
        run.save(path)
        whole = run.finish()
    assert_same_bits(whole, engine.run(counting(), epochs=3, executor="serial", resume_from=path))
    save_after(engine, counting(), 3, path, executor="serial")
    assert_same_bits(whole, engine.run(counting(), epochs=3, executor="serial", resume_from=path))


def test_a_run_that_has_ended_cannot_be_saved(engine: Engine, tmp_path: Path) -> None:
    run = engine.iterate(counting(), epochs=1, executor="serial")
    run.finish()
    with pytest.raises(ProgramError, match="save between steps"):
        run.save(tmp_path / "run.ckpt")
    assert not list(tmp_path.iterdir())


class Secretive(Policy):
    def dispatch(self) -> list[np.ndarray]:
        return [self.mine(p) for p in range(self.world.workers)]

    def state(self) -> dict[str, Any]:
        return {"deep": [1.5, {"within": {1, 2}}]}


class Secret(Schedule):
    def start(self, world: Any) -> Policy:
        return Secretive(world)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_cannot_be_saved_is_named_and_the_old_file_stays(
    engine: Engine, tmp_path: Path, executor: str
) -> None:
    path = tmp_path / "run.ckpt"
    save_after(engine, counting(), 2, path, executor=executor)
    before = path.read_bytes()
    with engine.iterate(counting(with_schedule(Counting, Secret("ids"))), executor=executor) as run:
        next(run)
        with pytest.raises(
            ProgramError, match=r"schedules' state\['main'\]\['policy'\]\['deep'\]\[1\].* is a set"
        ):
            run.save(path)
        assert next(run).epoch == 2  # the run itself goes on
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.ckpt"]


def test_a_file_that_cannot_be_completed_leaves_the_old_one(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.ckpt"
    save_after(engine, counting(), 2, path, executor="serial")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(FileNotFoundError):
        save_after(engine, counting(), 3, tmp_path / "absent" / "run.ckpt", executor="serial")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_after(engine, counting(), 3, path, executor="serial")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.ckpt"]


# -- what cannot be resumed --------------------------------------------------------------------


class Renamed(Counting):
    pass


class Widened(Counting):
    y = variable("ids")


class Narrowed(Counting):
    x = variable("ids", dtype=np.float32)


@pytest.mark.parametrize(
    ("program", "options", "message"),
    [
        (counting(Renamed), {}, "the program is Renamed here, Counting in the checkpoint"),
        (counting(), {"seed": 8}, "the seed is 8 here, 0 in the checkpoint"),
        (Counting(label=np.zeros(9)), {}, "axis 'ids' is of 9 ids, .* here, of 48 ids"),
        (counting(), {"partition": {"ids": np.arange(IDS) % 3}}, "axis 'ids' .* ordered as"),
        (
            counting(with_schedule(Widened, Counting.schedule, __qualname__="Counting")),
            {},
            "field 'y' is variable over .* here, absent in the checkpoint",
        ),
        (
            counting(with_schedule(Narrowed, Counting.schedule, __qualname__="Counting")),
            {},
            r"field 'x' is variable over \(ids\), float32 here, .* float64 in the checkpoint",
        ),
        (
            counting(with_schedule(Counting, RoundRobin("ids", lease=5))),
            {},
            "the schedule of phase 'main' is RoundRobin.* lease=5.* here, .* lease=4",
        ),
        (
            counting(with_schedule(Counting, Counting.schedule, look_ahead=2)),
            {},
            "phase 'main' is at depth=0, look_ahead=2",
        ),
    ],
)
def test_another_run_cannot_go_on(
    engine: Engine, tmp_path: Path, program: Program, options: dict[str, Any], message: str
) -> None:
    path = tmp_path / "run.ckpt"
    save_after(engine, counting(), 2, path, executor="serial")
    with pytest.raises(ProgramError, match=message):
        engine.run(program, executor="serial", resume_from=path, **options)
    result = engine.run(counting(), epochs=3, executor="serial", resume_from=path)
    assert len(result.history) == 3


@pytest.mark.parametrize("text", ["", "no checkpoint", "PK\x03\x04 nearly"])
def test_other_files_are_no_checkpoints(engine: Engine, tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.npz"
    path.write_text(text)
    with pytest.raises(DataError, match=r"other\.npz cannot be read as a checkpoint"):
        engine.run(counting(), executor="serial", resume_from=path)
    np.savez(path, x=np.arange(3))
    with pytest.raises(DataError, match="cannot be read as a checkpoint"):
        engine.run(counting(), executor="serial", resume_from=path)
    with pytest.raises(DataError, match=r"absent\.npz.*No such file"):
        engine.run(counting(), executor="serial", resume_from=tmp_path / "absent.npz")
    assert engine.run(counting(), epochs=1, executor="serial").status == "epochs"


@pytest.fixture(scope="module")
def intact(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("intact") / "run.ckpt"
    save_after(engine, counting(), 2, path, executor="serial")
    return path


@given(st.floats(0.0, 1.0, exclude_max=True))
def test_a_file_that_is_cut_off_is_refused(engine: Engine, intact: Path, share: float) -> None:
    path = intact.with_name("cut.npz")
    whole = intact.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match="cannot be read as a checkpoint"):
        engine.iterate(counting(), executor="serial", resume_from=path)


@given(st.data())
def test_a_damaged_file_is_refused(engine: Engine, intact: Path, data: Any) -> None:
    path = intact.with_name("damaged.npz")
    content = bytearray(intact.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged\.npz cannot be read as a checkpoint"):
        engine.iterate(counting(), executor="serial", resume_from=path)
    path.write_bytes(intact.read_bytes() + b"0")
    with pytest.raises(DataError, match="checksum is wrong"):
        engine.iterate(counting(), executor="serial", resume_from=path)


def test_a_checkpoint_of_another_format(
    engine: Engine, intact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strads.engine.run.checkpoints.container.FORMAT", 4)
    with pytest.raises(DataError, match=r"has format 3, and this version of strads reads 4"):
        engine.run(counting(), executor="serial", resume_from=intact)


# -- nested states -----------------------------------------------------------------------------

numbers = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
arrays = st.builds(
    lambda n, kind, seed: np.random.default_rng(seed).integers(0, 2, n).astype(kind),
    st.integers(0, 4),
    st.sampled_from(["f8", "f4", "i1", "u8", "bool", "c16"]),
    st.integers(0, 99),
)
leaves = numbers | arrays | st.builds(lambda a: a.sum(), arrays)
keys = st.one_of(st.text(), st.integers(), st.tuples(st.integers(), st.text()))
states = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner),
        st.dictionaries(keys, inner),
        st.lists(inner).map(tuple),
    ),
    max_leaves=12,
)


def assert_equal(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list | tuple):
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)
    elif isinstance(one, np.ndarray | np.generic):
        assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes())
    else:
        assert repr(one) == repr(other)  # repr() compares NaN and −0.0, too


@given(states)
def test_nested_states_come_back_as_they_were(state: Any) -> None:
    found: dict[str, np.ndarray] = {}
    tree = json.loads(json.dumps(encode(state, found, "state")))
    assert_equal(decode(tree, found.__getitem__), state)


@pytest.mark.parametrize("state", [{1, 2}, b"bytes", object(), np.array([None]), Counting, 1j])
def test_other_things_are_refused(state: Any) -> None:
    with pytest.raises(ProgramError, match=r"state\['a'\]\[0\] is a "):
        encode({"a": (state,)}, {}, "state")


@pytest.mark.parametrize("generator", [np.random.PCG64, np.random.MT19937, np.random.Philox])
def test_states_of_generators_come_back(generator: Any) -> None:
    rng = np.random.Generator(generator(3))
    rng.normal(size=3)
    found: dict[str, np.ndarray] = {}
    tree = encode(rng.bit_generator.state, found, "rng")
    other = np.random.Generator(generator(4))
    other.bit_generator.state = decode(tree, found.__getitem__)
    assert other.normal() == rng.normal()
