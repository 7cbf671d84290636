"""Kernels that are requested are compiled when needed, by this process or by helpers."""

from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict

import numba
import numpy as np
import pytest
from processes import nothing_left

from strads.engine import Compiling, compile_kernel, on_compile
from strads.engine.compiling import bytes as codebytes
from strads.engine.compiling.compile import content_key
from strads.engine.compiling.helpers import helpers_wanted
from strads.engine.compiling.requests import Compilation, CompileTogether, request_kernel
from strads.kernels.linear.dense_columns import norm2_dense, sum_dense
from strads.kernels.topics.dense import sample_dense

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled"),
]
A = np.asfortranarray(np.arange(12.0).reshape(4, 3))
TYPES = (numba.typeof(A), numba.int64)


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("STRADS_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("strads.engine.compiling.compile._memory", OrderedDict())
    monkeypatch.setattr("strads.engine.compiling.compile._shipped", {})


def requested(*functions):
    """A compilation and its requests, for kernels of a matrix and a column."""
    compilation = Compilation()
    requests = [request_kernel(function, TYPES) for function in functions]
    for request in requests:
        compilation.add(request)
    return compilation, requests


def test_what_is_not_needed_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRADS_COMPILERS", "1")
    compilation, (first, second) = requested(sum_dense, norm2_dense)
    compilation.begin()
    assert compilation.result(first).entry(A, 1) == A[:, 1].sum()
    assert first.kernel.source == "compiled"
    assert second.kernel is None
    assert (compilation.left, compilation.total) == (1, 2)
    compilation.close()
    assert second.entry(A, 1) == A[:, 1] @ A[:, 1]


def test_helpers_compile_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRADS_COMPILERS", "2")
    with nothing_left():
        compilation, requests = requested(sum_dense, norm2_dense, helped)
        compilation.begin()
        helper = requests[0].future
        assert helper is not None
        payload = helper.result(timeout=300)  # by a helper: this process does nothing meanwhile
        assert payload is not None
        answers = [compilation.result(request).entry(A, 2) for request in requests]
        assert answers == [A[:, 2].sum(), A[:, 2] @ A[:, 2], 3.0]
        assert compilation.left == 0


def helped(A, j):
    """A kernel in a module that the helper imports by its path, or not at all."""
    return 1.0 + j


def test_helpers_end_while_they_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRADS_COMPILERS", "2")
    with nothing_left():
        compilation, requests = requested(sum_dense, norm2_dense, helped)
        compilation.begin()
        compilation.close()
        assert compilation.result(requests[2]).entry(A, 2) == 3.0


def test_an_error_is_raised_by_the_kernel_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRADS_COMPILERS", "1")

    def wrong(A, j):
        return A.no_such_attribute

    compilation, (right, bad) = requested(sum_dense, wrong)
    compilation.begin()
    assert compilation.result(right).entry(A, 0) == A[:, 0].sum()
    with pytest.raises(numba.core.errors.TypingError):
        compilation.result(bad)


def test_how_many_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRADS_COMPILERS", "4")
    assert [helpers_wanted(n) for n in (0, 1, 2, 3, 5, 7, 99)] == [0, 0, 0, 1, 2, 3, 3]
    monkeypatch.setenv("STRADS_COMPILERS", "1")
    assert helpers_wanted(99) == 0
    monkeypatch.setenv("STRADS_COMPILERS", "many")
    with pytest.raises(ValueError, match="STRADS_COMPILERS must be a whole number, not 'many'"):
        helpers_wanted(3)


def test_the_user_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRADS_COMPILERS", "1")
    monkeypatch.setattr("strads.engine.compiling.progress.PATIENCE_S", 0.0)
    news: list[Compiling] = []
    before = on_compile(news.append)
    try:
        compilation, requests = requested(sum_dense, norm2_dense)
        for request in requests:
            compilation.result(request)
    finally:
        assert on_compile(before) == news.append
    assert [report.finished for report in news][-1] is True
    assert not any(report.finished for report in news[:-1])
    assert (news[-1].done, news[-1].total, news[-1].seconds_left) == (2, 2, 0.0)
    assert "compiled 2 kernels in" in str(news[-1])
    assert "compiling kernels" in str(news[0])


def test_nothing_is_said_about_what_is_found() -> None:
    compile_kernel(sum_dense, TYPES)
    news: list[Compiling] = []
    before = on_compile(news.append)
    try:
        compilation, (request,) = requested(sum_dense)
        assert compilation.result(request).source == "memory"
    finally:
        on_compile(before)
    assert (news, compilation.total) == ([], 0)


def test_functions_compiled_together_are_there_afterwards() -> None:
    with nothing_left():
        with CompileTogether([(norm2_dense, TYPES), (sum_dense, TYPES)]) as together:
            together.finish()
    found = [request_kernel(function, TYPES).kernel for function in (norm2_dense, sum_dense)]
    assert [kernel.entry(A, 1) for kernel in found] == [166.0, 22.0]
    before = on_compile(pytest.fail)
    try:
        with CompileTogether([(norm2_dense, TYPES), (sum_dense, TYPES)]) as together:
            together.finish()
    finally:
        on_compile(before)


def test_the_same_code_is_requested_once() -> None:
    compilation, (first, other) = requested(sum_dense, norm2_dense)
    again = compilation.add(request_kernel(sum_dense, TYPES))
    assert again is first
    assert again is not other
    assert compilation.total == 2


def test_what_a_helper_unpickles_has_the_key_of_the_original() -> None:
    """These kernels use an intrinsic that a module refers to, too: it must not become two."""

    def stage(*args):
        sample_dense(*args)

    unpickle = (
        "import sys\n"
        "from strads.engine.compiling.bytes import loads\n"
        "from strads.engine.compiling.compile import content_key\n"
        "print(content_key(*loads(sys.stdin.buffer.read())))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", unpickle], input=codebytes.dumps((stage, TYPES)),
        capture_output=True, check=True, timeout=300,
    )  # fmt: skip
    assert done.stdout.decode().strip() == content_key(stage, TYPES)
