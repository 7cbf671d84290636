"""Compiled kernels are found again if the content is the same, and only then."""

import pickle

import numba
import numpy as np
import pytest
from compiled_kernels import VECTOR, X, define, forget, jit, pair, result, scaled
from numba.core import event
from numba.extending import overload

from strads.engine.compiling import bytes as codebytes
from strads.engine.compiling.compile import compile_kernel, load_kernel

pytestmark = pytest.mark.usefixtures("cache")


@jit
def test_found_in_memory_then_on_disk(monkeypatch, cache):
    assert result(scaled(2.0), X) == ("compiled", 20.0)
    assert result(scaled(2.0), X) == ("memory", 20.0)
    forget(monkeypatch)
    with event.install_recorder("numba:compile") as compilations:
        assert result(scaled(2.0), X) == ("disk", 20.0)
    assert not compilations.buffer
    (entry,) = cache.iterdir()
    assert entry.stat().st_size > 0
    forget(monkeypatch)
    entry.unlink()
    assert result(scaled(2.0), X) == ("compiled", 20.0)


@jit
def test_an_entry_compiles_nothing_else():
    kernel = compile_kernel(scaled(2.0), (VECTOR,))
    for entry in (kernel.entry, load_kernel(kernel.payload)):
        with pytest.raises(TypeError):
            entry(np.ones((2, 2), dtype=np.complex64))


@jit
def test_an_edited_constant_counts(monkeypatch):
    assert result(scaled(0.1), X)[1] == pytest.approx(1.0)
    assert result(scaled(0.3), X) == ("compiled", pytest.approx(3.0))
    forget(monkeypatch)
    assert result(scaled(0.1), X) == ("disk", pytest.approx(1.0))


@jit
@pytest.mark.parametrize("options", [{}, {"inline": "always"}], ids=str)
def test_an_edited_global_counts_although_the_callee_was_compiled(monkeypatch, options):
    space = {"njit": numba.njit, "RATE": 0.5, "options": options}
    exec("@njit(**options)\ndef callee(x):\n    return RATE * x.sum()", space)
    exec("@njit\ndef middle(x):\n    return callee(x)", space)
    exec("def kernel(x):\n    return middle(x)", space)
    assert space["middle"](X) == 5.0
    assert result(space["kernel"], X) == ("compiled", 5.0)
    space["RATE"] = 0.9
    assert result(space["kernel"], X) == ("compiled", 9.0)
    space["RATE"] = 0.5
    assert result(space["kernel"], X) == ("memory", 5.0)
    forget(monkeypatch)
    space["RATE"] = 0.9
    assert result(space["kernel"], X) == ("disk", 9.0)


@jit
def test_a_callee_with_fixed_signatures_is_compiled_again():
    space = {"njit": numba.njit, "RATE": 2.0}
    exec("@njit('float64(float64)')\ndef callee(x):\n    return RATE * x", space)
    exec("def kernel(x):\n    return callee(x)", space)
    space["RATE"] = 3.0
    assert result(space["kernel"], 1.0)[1] == 3.0
    assert space["callee"](1.0) == 3.0
    with pytest.raises(TypeError):
        space["callee"](1j)


@jit
def test_an_edited_overload_counts():
    space = {"RATE": 2.0, "__name__": "cell"}
    exec("def double(x):\n    raise NotImplementedError", space)
    exec("def _double(x):\n    return lambda x: RATE * x + EXTRA", space)
    exec("def kernel(x):\n    return double(x)", space)
    space["EXTRA"] = 0.5
    overload(space["double"])(space["_double"])
    assert result(space["kernel"], 1.0) == ("compiled", 2.5)
    assert result(space["kernel"], 1.0) == ("memory", 2.5)
    space["RATE"] = 3.0
    assert result(space["kernel"], 1.0) == ("compiled", 3.5)


@jit
def test_named_tuples_defined_anew():
    function = define("def kernel(p):\n    return p.a.sum() * p.b")
    for source in ("compiled", "memory", "memory"):
        assert result(function, pair("a b")(X, 2.0)) == (source, 20.0)
    assert result(function, pair("b a")(2.0, X)) == ("compiled", 20.0)


@jit
def test_a_large_global_array_is_never_written(cache):
    table = np.arange(200_000.0)
    function = define("def kernel(i):\n    return TABLE[i] + 1", TABLE=table)
    kernel = compile_kernel(function, (numba.int64,))
    assert kernel.entry(150_000) == 150_001
    assert not cache.exists()
    with event.install_recorder("numba:compile") as compilations:
        assert load_kernel(kernel.payload)(199_999) == 200_000
    assert compilations.buffer


@jit
def test_a_c_pointer_runs_here_and_is_refused_elsewhere():
    callback = numba.cfunc("float64(float64)")(lambda x: 2 * x)
    function = define("def kernel(x):\n    return call(x)", call=callback.ctypes)
    kernel = compile_kernel(function, (numba.float64,))
    assert kernel.entry(2.0) == 4.0
    assert compile_kernel(function, (numba.float64,)).source == "compiled"
    with pytest.raises(TypeError, match="cannot be sent to another process"):
        load_kernel(kernel.payload)


@jit
@pytest.mark.parametrize("fault", ["stamp", "code"])
def test_a_payload_that_cannot_be_rebuilt_is_compiled(fault, caplog):
    kernel = compile_kernel(scaled(2.0), (VECTOR,))
    parts = list(pickle.loads(kernel.payload))
    parts[{"stamp": 2, "code": 3}[fault]] = "another machine" if fault == "stamp" else b"?"
    with event.install_recorder("numba:compile") as compilations:
        assert load_kernel(pickle.dumps(tuple(parts)))(X) == 20.0
    assert compilations.buffer
    assert ("compiling kernel again" in caplog.text) == (fault == "code")


@jit
def test_code_that_cannot_be_serialised_still_runs(monkeypatch, cache):
    def changed(_):
        raise AttributeError("no such internal")

    monkeypatch.setattr(codebytes, "serialise", changed)
    kernel = compile_kernel(scaled(2.0), (VECTOR,))
    assert kernel.entry(X) == load_kernel(kernel.payload)(X) == 20.0
    assert not cache.exists()
