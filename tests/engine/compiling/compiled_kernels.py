"""What tests of the compiler share: kernels from texts."""

import textwrap
from collections import OrderedDict, namedtuple

import numba
import numpy as np
import pytest

from strads.engine.compiling import compile
from strads.engine.compiling.compile import compile_kernel

VECTOR = numba.float64[::1]
X = np.arange(1.0, 5.0)

jit = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")


def forget(monkeypatch):
    """Forget what is in memory, as if this were another process."""
    monkeypatch.setattr(compile, "_memory", OrderedDict())


def define(text, name="kernel", **space):
    exec(textwrap.dedent(text), space)
    return space[name]


def scaled(factor):
    return define(f"def kernel(x):\n    return {factor!r} * x.sum()")


def result(function, *args):
    kernel = compile_kernel(function, tuple(numba.typeof(a) for a in args))
    return kernel.source, kernel.entry(*args)


def pair(fields):
    return namedtuple("Pair", fields)
