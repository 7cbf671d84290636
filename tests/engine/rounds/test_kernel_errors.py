"""Errors in kernels, schedules and couplings name the class, the kernel and the line."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import pytest
from processes import nothing_left
from programs import IDS, NNLS, Counting, Failing, assert_same_bits, counting, nnls_problem

import strads
from strads import (
    Correlation,
    Engine,
    Phase,
    Policy,
    Priority,
    RoundRobin,
    Schedule,
    column_norms2,
    dot,
    kernel,
    outbox,
    run,
    scratch,
)
from strads.engine.compiling.boundscheck import compile_checked
from strads.engine.compiling.compile import compile_kernel
from strads.engine.errors import KernelError, ProgramError

EXECUTORS = ["serial", pytest.param("processes", marks=pytest.mark.processes)]
needs_jit = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(2) as made:
        yield made


# -- kernels that raise ------------------------------------------------------------------------


class LatePull(Counting):
    sent = outbox("block")

    @kernel
    def push(block, x, sent):
        for i, j in enumerate(block):
            x[j] += 1.0
            sent[i] = j

    @kernel
    def pull(block, sent):
        for i in range(len(block)):
            if sent[i] == 40.0:
                raise ValueError("nothing to pull")


class BadMeasure(Counting):
    @kernel
    def measure(ids, x):
        if x[ids[0]] > 0.0:
            raise ValueError("no measure")
        return 0.0


def line_of(function: Any, text: str) -> int:
    """Return the number of the line of a kernel's source that contains a text."""
    lines, first = inspect.getsourcelines(getattr(function, "py_func", function))
    return first + next(i for i, line in enumerate(lines) if text in line)


@needs_jit
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_kernel_that_raises_is_named_with_phase_worker_and_line(
    engine: Engine, executor: str
) -> None:
    with pytest.raises(KernelError) as caught:
        engine.run(counting(Failing, trap=40), executor=executor)
    first = inspect.getsourcelines(Failing.push.py_func)[1]
    assert str(caught.value).startswith(
        f"kernel 'push' (programs.py:{first}) of Failing of phase 'main', on worker 1, raised "
        "ValueError: the trap has sprung ("
    )
    assert f"programs.py, line {line_of(Failing.push, 'the trap')})" in str(caught.value)
    for program, words in ((LatePull, "nothing to pull"), (BadMeasure, "no measure")):
        name = words.split()[-1] if program is LatePull else "measure"
        with pytest.raises(KernelError, match=f"^kernel '{name}' .* raised ValueError: {words}"):
            engine.run(counting(program), executor=executor)


# -- indices -----------------------------------------------------------------------------------


class Beyond(Counting):
    """Its push writes behind the end of its scratch, its pull behind the end of an array."""

    work = scratch("few")
    far = strads.control(0)

    @kernel
    def push(block, x, work, far):
        for j in block:
            x[j] += 1.0
        work[len(work) + far - 1] = 1.0

    @kernel
    def pull(block, x, far):
        if far > 1:
            dot(x.reshape((1, -1)).T, 0, x[: len(x) - 1])


def test_an_index_beyond_an_array_is_found_by_the_check(engine: Engine) -> None:
    engine.run(counting(Beyond, few=5), epochs=1, check=True)
    with pytest.raises(KernelError, match="kernel 'push' .*of Beyond .*IndexError: index"):
        engine.run(Beyond(label=np.zeros(IDS), few=5, far=1), epochs=1, check=True)


@needs_jit
def test_checked_code_stays_apart() -> None:
    """Code compiled after a checked run has no checks, not even in the functions that it calls."""

    @kernel
    def pick(x, i):
        return dot(x, 0, x[:, 0]) + np.searchsorted(x[:, 0], 0.5) + x[i, 0] + 0.0625

    def entry(x, i):
        return pick(x, i)

    x = np.zeros((4, 2), order="F")
    types = (numba.typeof(x), numba.int64)
    checked = compile_checked(entry, types)
    with pytest.raises(IndexError, match="out of bounds"):
        checked.entry(x, 4)
    plain = compile_kernel(entry, types)
    assert plain.key != checked.key
    if plain.source == "compiled":  # code loaded from the cache is not available as text
        assert "out of bounds" not in llvm_of(plain)
    assert compile_checked(entry, types).source == "memory"
    assert not numba.config.BOUNDSCHECK


def llvm_of(made: Any) -> str:
    """Return the compiled code as text: code that checks indices contains the check's message."""
    text: str = next(iter(made.entry.overloads.values())).library.get_llvm_str()
    return text


def test_a_checked_run_has_the_bits_of_another(engine: Engine) -> None:
    program = NNLS(**nnls_problem(60, 20))
    options: Any = {"epochs": 3, "executor": "serial", "align": False}
    assert_same_bits(engine.run(program, check=True, **options), engine.run(program, **options))


# -- kernels that do not compile ---------------------------------------------------------------


class Forgotten(Counting):
    def push(block, x):
        x[block[0]] = 1.0


class WithSelf(Counting):
    @kernel
    def push(self, block, x):
        pass


class Misspelt(Counting):
    @kernel
    def push(block, x):
        for j in block:
            x[j] += amuont  # noqa: F821


class Untyped(Counting):
    @kernel
    def pull(block, x):
        x.append(1.0)


class Writing(Counting):
    @kernel
    def push(block, label):
        label[block[0]] = 1.0


class TextMeasure(Counting):
    @kernel
    def measure(ids, x):
        return "much"


@needs_jit
@pytest.mark.parametrize(
    ("program", "words"),
    [
        (Forgotten, ["push of phase 'main' of Forgotten", "line ", "put @kernel above it"]),
        (WithSelf, ["kernel 'push' of WithSelf asks for self"]),
        (Misspelt, ["kernel 'push' (", "of Misspelt, of phase 'main', does not", "name 'amuont'",
                    f"test_kernel_errors.py, line {line_of(Misspelt.push, 'amuont')})"]),
        (Untyped, ["kernel 'pull' (", "of Untyped", "attribute 'append'",
                   f"test_kernel_errors.py, line {line_of(Untyped.pull, 'append')})"]),
        (Writing, ["kernel 'push' (", "of Writing", "read-only",
                   f"test_kernel_errors.py, line {line_of(Writing.push, 'label[')})"]),
        (TextMeasure, ["kernel 'measure' (", "of TextMeasure", "must return a number"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_a_kernel_that_does_not_compile_is_named_with_its_line(program: Any, words: Any) -> None:
    with pytest.raises(ProgramError) as caught:
        run(counting(program), workers=1)
    text = str(caught.value)
    assert not [word for word in words if word not in text], text
    assert len(text) < 500 and "nopython" not in text


# -- kernels whose arguments do not exist ------------------------------------------------------


class Asking(Counting):
    sent = outbox("block")
    phases = {"main": Phase(push="whole"), "late": Phase(schedule=RoundRobin("ids"))}

    @kernel
    def whole(ids, sent):
        sent[0] = 1.0


class KeyInMeasure(Counting):
    @kernel
    def measure(key, x):
        return 1.0


class PromiseInRebuild(Counting):
    @kernel
    def rebuild(promise):
        promise[0] = 1.0


class LateKey(Counting):
    depth = 1
    sent = outbox("block")

    @kernel
    def pull(key, sent):
        pass


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (Asking, "'whole' of Asking asks for 'sent' in phase 'main', which has no schedule: there"),
        (KeyInMeasure, r"'measure' of KeyInMeasure asks for 'key' in measure\(\)"),
        (PromiseInRebuild, r"'rebuild' of PromiseInRebuild asks for 'promise' in rebuild\(\)"),
        (LateKey, "'pull' of LateKey asks for 'key' in phase 'main': at depth > 0"),
    ],
)
def test_words_that_mean_nothing_at_their_place(program: Any, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        run(counting(program), workers=1)


# -- schedules and couplings -------------------------------------------------------------------


@dataclass(frozen=True)
class Made(Schedule):
    """A schedule that is given its policy."""

    policy: Any = None

    def start(self, world: Any) -> Any:
        return self.policy and self.policy(world)


class Idle(Policy):
    """A policy without ``dispatch``."""


class Startless(Schedule):
    pass


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Made("ids", policy=Idle), r"Idle defines neither dispatch\(\)"),
        (Made("ids"), r"schedule Made of phase 'main': start\(world\) returned None"),
        (Startless("ids"), r"Startless does not define start\(world\)"),
        (Correlation("A"), "the schedule of phase 'main' of .* is Correlation"),
        (Priority, "the schedule of phase 'main' of .* is <class"),
    ],
)
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_schedule_that_is_none_or_half(
    engine: Engine, executor: str, schedule: Any, message: str
) -> None:
    program = type("Scheduled", (Counting,), {"schedule": schedule})
    with pytest.raises(ProgramError, match=message):
        engine.run(counting(program), executor=executor)


def test_a_coupling_at_the_wrong_place() -> None:
    with pytest.raises(ProgramError, match="coupling='A' does not say what makes ids dependent"):
        Priority("cols", coupling="A")
    with pytest.raises(ProgramError, match="rho=Correlation.* the second argument is rho"):
        Priority("cols", Correlation("A"))


# -- help --------------------------------------------------------------------------------------


def test_help_says_something_useful() -> None:
    for function, words in {
        kernel: ["There is no ``self``", "NUMBA_DISABLE_JIT"],
        dot: ["dot(A: ", ", j: ", ", r: ", "Inner product of column", "Parameters"],
        column_norms2: ["Squared Euclidean norms of all columns"],
        strads.axpy: ["half-open range"],
    }.items():
        text = pydoc.plain(pydoc.render_doc(function))
        assert not [word for word in words if word not in text], text
    with pytest.raises(ProgramError, match="@kernel goes right above a def"):
        kernel(3)
