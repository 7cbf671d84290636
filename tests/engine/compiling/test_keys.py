"""Keys tell contents of kernels apart, and nothing else."""

import enum
import importlib
import pkgutil
from types import ModuleType

import numba
import numpy as np
import pytest
from compiled_kernels import VECTOR, define, jit, pair, scaled
from hypothesis import example, given
from hypothesis import strategies as st

import strads
import strads.kernels
from strads.engine.compiling.compile import content_key

pytestmark = pytest.mark.usefixtures("cache")

FROZEN = numba.types.Array(numba.float64, 1, "C", readonly=True)


def key_with(value, text="def kernel(x):\n    return VALUE", signature=(VECTOR,)):
    return content_key(define(text, VALUE=value), signature)


class Colour(enum.Enum):
    RED = 1


def other_colour():
    return enum.Enum("Colour", {"RED": 2}, module=__name__, qualname="Colour")


def module_with(value):
    module = ModuleType("settings")
    module.RATE = value
    return module


DIFFERENT = [
    (0.1, 0.3), (0.0, -0.0), (1, 1.0), (1, True), (0, None), ("a", b"a"), ((1, 2), [1, 2]),
    ((1, (2,)), ((1, 2),)), (1.0, np.float64(1.0)), (np.float32(1), np.float64(1)),
    (np.arange(3), np.arange(3.0)), (np.zeros(3), np.array([0.0, 0.0, 1.0])),
    (np.zeros((2, 3)), np.zeros((3, 2))), (np.ones((2, 2)), np.ones((2, 2), order="F")),
    (np.sin, np.cos), (pair("a b"), pair("b a")), (pair("a b")(1, 2), pair("b a")(1, 2)),
    (Colour.RED, other_colour().RED), (np.dtype("f4"), np.dtype("f8")),
    (ValueError, KeyError), (numba.float32, numba.float64),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), DIFFERENT, ids=repr)
def test_key_tells_values_of_globals_apart(left, right):
    assert key_with(left) == key_with(left)
    assert key_with(left) != key_with(right)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
@example(0.0, -0.0)
@example(1.0, 1.0)
def test_keys_of_constants_are_equal_just_if_their_bits_are(a, b):
    same = a.hex() == b.hex()
    assert (content_key(scaled(a), (VECTOR,)) == content_key(scaled(b), (VECTOR,))) == same
    assert (key_with(a) == key_with(b)) == same
    assert (key_with((a, [b])) == key_with((b, [a]))) == same


def test_key_sees_inner_functions_closures_and_defaults():
    def make(value, default):
        def kernel(x, y=default):
            return value * x

        return kernel

    nested = "def kernel(x):\n    def f(y):\n        return {}\n    return f(x)"
    keys = [
        content_key(f, ())
        for f in (
            make(1, 1), make(2, 1), make(1, 2),
            define(nested.format(3)), define(nested.format(4)),
            define(nested.format("V"), V=3), define(nested.format("V"), V=4),
        )
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert content_key(make(1, 1), ()) == keys[0]


def test_key_sees_the_used_attributes_of_a_module():
    text = "def kernel(x):\n    return VALUE.RATE"
    assert key_with(module_with(1.0), text) == key_with(module_with(1.0), text)
    assert key_with(module_with(1.0), text) != key_with(module_with(2.0), text)
    outer = [ModuleType("outer") for _ in range(2)]
    for i, module in enumerate(outer):
        module.inner = module_with(i)
    text = "def kernel(x):\n    return VALUE.inner.RATE"
    assert key_with(outer[0], text) != key_with(outer[1], text)


def test_key_leaves_out_names_lines_and_unused_globals():
    first = define("def kernel(x):\n    return x * 2", unused=object())
    second = define("# moved down\n\n\ndef renamed(x):\n    return x * 2", "renamed")
    assert content_key(first, (VECTOR,)) == content_key(second, (VECTOR,))


def test_key_sees_signature_and_settings(monkeypatch):
    function = scaled(2.0)
    keys = [content_key(function, s) for s in ((VECTOR,), (FROZEN,), (numba.float32[::1],))]
    tuples = [numba.typeof(pair(names)(1.0, 2.0)) for names in ("a b", "b a")]
    keys += [content_key(function, (t,)) for t in tuples]
    monkeypatch.setattr(numba.config, "BOUNDSCHECK", 1)
    keys.append(content_key(function, (VECTOR,)))
    assert len(set(keys)) == len(keys)


@jit
def test_key_sees_callees_and_their_options():
    text = "def kernel(x):\n    return VALUE(x)"

    def callee(factor, **options):
        return numba.njit(**options)(define(f"def kernel(x):\n    return x * {factor}"))

    keys = [key_with(c, text) for c in (callee(2), callee(3), callee(2, fastmath=True))]
    assert len(set(keys)) == 3
    assert key_with(callee(2), text) == keys[0]


@jit
def test_key_of_functions_that_call_each_other():
    def make(step):
        space = {"njit": numba.njit}
        exec(f"@njit\ndef odd(n):\n    return n != 0 and even(n - {step})", space)
        exec("@njit\ndef even(n):\n    return n == 0 or odd(n - 1)", space)
        return space["even"].py_func

    assert content_key(make(1), (numba.int64,)) == content_key(make(1), (numba.int64,))
    assert content_key(make(1), (numba.int64,)) != content_key(make(2), (numba.int64,))


def test_what_has_no_content_never_has_the_same_key():
    assert key_with(object()) != key_with(object())
    same = object()
    assert key_with(same) != key_with(same)
    assert key_with(type("Own", (), {})) != key_with(type("Own", (), {}))


@jit
@pytest.mark.parametrize(
    "name",
    [found.name for found in pkgutil.walk_packages(strads.kernels.__path__, "strads.kernels.")],
)
def test_our_kernels_are_kept(name):
    """With another key at each call, every process would compile them again, for seconds."""
    module = importlib.import_module(name)
    plain = {n: getattr(value, "py_func", None) for n, value in vars(module).items()}
    for kernel in filter(None, plain.values()):
        assert content_key(kernel, ()) == content_key(kernel, ()), kernel.__name__
