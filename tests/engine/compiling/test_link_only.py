"""Callees are compiled for linking only; whoever calls them from Python does not notice."""

from __future__ import annotations

from collections import OrderedDict

import numba
import numpy as np
import pytest

from strads.engine.compiling import compile, link_only

jit = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
X = np.arange(5.0)


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("STRADS_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compile, "_memory", OrderedDict())


def compiled(function, *arguments):
    """Compile a function for these arguments, and call it."""
    return compile.compile_kernel(function, tuple(map(numba.typeof, arguments))).entry(*arguments)


@jit
def test_a_callee_is_compiled_anew_for_a_caller_in_python() -> None:
    @numba.njit
    def callee(x):
        return 2.0 * x

    def kernel(x):
        return callee(x) + 1.0

    assert compiled(kernel, 1.5) == 4.0
    assert callee.signatures == []
    assert callee(1.5) == 3.0
    assert len(callee.signatures) == 1


@jit
def test_another_kernel_links_the_same_code(monkeypatch: pytest.MonkeyPatch) -> None:
    @numba.njit
    def callee(x):
        return 4.0 * x

    def first(x):
        return callee(x) + 1.0

    def second(x):
        return callee(x) - 1.0

    assert compiled(first, 1.5) == 7.0
    times = []
    original = callee._compiler.compile
    monkeypatch.setattr(callee._compiler, "compile", lambda *a: (times.append(a), original(*a))[1])
    assert compiled(second, 1.5) == 5.0
    assert times == []


@jit
def test_functions_that_call_each_other_are_compiled() -> None:
    space = {"njit": numba.njit}
    exec("@njit\ndef even(n):\n    return True if n == 0 else odd(n - 1)", space)
    exec("@njit\ndef odd(n):\n    return False if n == 0 else even(n - 1)", space)
    exec("def kernel(n):\n    return even(n)", space)
    assert compiled(space["kernel"], 7) is False
    assert compiled(space["kernel"], 8) is True
    assert space["odd"](7) is True


@jit
def test_a_function_that_calls_itself_is_compiled() -> None:
    @numba.njit
    def factorial(n):
        return 1 if n <= 1 else n * factorial(n - 1)

    def kernel(n):
        return factorial(n)

    assert compiled(kernel, 5) == 120


@jit
def test_an_error_in_a_callee_has_its_message() -> None:
    @numba.njit
    def callee(x):
        if x[0] == 0.0:
            raise ValueError("zero comes first")
        return x[0]

    def kernel(x):
        return callee(x)

    with pytest.raises(ValueError, match="zero comes first"):
        compiled(kernel, X)


@jit
def test_the_compiler_is_as_before_when_a_kernel_does_not_compile() -> None:
    before = [vars(owner).get(name) for owner, name in REPLACED]

    def kernel(x):
        return x.no_such_attribute

    with pytest.raises(numba.core.errors.TypingError):
        compiled(kernel, X)
    assert [vars(owner).get(name) for owner, name in REPLACED] == before


REPLACED = (
    (link_only._FunctionCompiler, "_customize_flags"),
    (link_only.CPUContext, "get_executable"),
    (link_only.Dispatcher, "add_overload"),
)
