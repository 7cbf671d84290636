"""Walks that the process remembers: only as long as nothing has changed."""

import types

import numba
import numpy as np
import pytest
from numba.extending import overload, register_jitable

from strads.engine.compiling.keys.known import MOST, _known, walk_over
from strads.engine.compiling.keys.walk import Walk

SIGNATURE = (numba.float64,)
FACTOR = 2.0
LIST = [1.0]
ARRAY = np.ones(2)
module = types.ModuleType("edited")
module.__dict__["inner"] = lambda x: x + 1.0


@register_jitable
def callee(x):
    return x * FACTOR


def by_global(x):
    return x * FACTOR


def by_callee(x):
    return callee(x) + 1.0


def by_module(x):
    return module.inner(x)


def by_missing_name(x):
    return x * WRITTEN_LATER  # noqa: F821


def by_list(x):
    return x * LIST[0]


def by_array(x):
    return x * ARRAY[0]


def with_cell(factor):
    def inner(x):
        return x * factor

    return inner


def digest(function):
    """Return the digest of the function as it is now; it must equal that of a new walk."""
    found = walk_over(function, SIGNATURE).digest.hexdigest()
    assert found == Walk.over(function, SIGNATURE).digest.hexdigest()
    return found


@pytest.mark.parametrize("function", [by_global, by_callee, by_module, by_missing_name])
def test_a_second_walk_is_the_first(function):
    assert walk_over(function, SIGNATURE) is walk_over(function, SIGNATURE)
    assert walk_over(function, (numba.int64,)) is not walk_over(function, SIGNATURE)


@pytest.mark.parametrize("function", [by_list, by_array])
def test_what_can_change_inside_is_not_remembered(function):
    assert walk_over(function, SIGNATURE) is not walk_over(function, SIGNATURE)


@pytest.mark.parametrize("function", [by_global, by_callee])
def test_another_global_is_noticed(function, monkeypatch):
    before = digest(function)
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert digest(function) != before
    monkeypatch.setitem(globals(), "FACTOR", FACTOR)


def test_another_callee_is_noticed(monkeypatch):
    before = digest(by_callee)
    monkeypatch.setitem(globals(), "callee", register_jitable(lambda x: x))
    assert digest(by_callee) != before


def test_another_attribute_of_a_module_is_noticed(monkeypatch):
    before = digest(by_module)
    monkeypatch.setattr(module, "inner", lambda x: x + 2.0)
    assert digest(by_module) != before


def test_a_name_that_is_defined_later_is_noticed(monkeypatch):
    before = digest(by_missing_name)
    monkeypatch.setitem(globals(), "WRITTEN_LATER", 1.0)
    assert digest(by_missing_name) != before


def test_another_content_of_a_cell_is_noticed():
    function = with_cell(1.0)
    before = digest(function)
    function.__closure__[0].cell_contents = 2.0
    assert digest(function) != before


@pytest.mark.parametrize("attribute", ["__code__", "__defaults__"])
def test_another_body_or_default_is_noticed(attribute):
    def function(x=1.0):
        return x

    def other(x=2.0):
        return -x

    before = digest(function)
    setattr(function, attribute, getattr(other, attribute))
    assert digest(function) != before


def test_a_new_overload_is_noticed():
    def late(x):
        raise NotImplementedError

    def function(x):
        return late(x)

    before = digest(function)
    overload(late)(lambda x: lambda x: x + 1.0)
    assert digest(function) != before


def test_few_walks_are_remembered():
    functions = [with_cell(float(k)) for k in range(MOST + 5)]
    for function in functions:
        walk_over(function, SIGNATURE)
    assert len(_known) == MOST
    assert (functions[-1], SIGNATURE) in _known and (functions[0], SIGNATURE) not in _known
