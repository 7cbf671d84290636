"""The program that runs tests of other packages: what it copies, and what it makes of its list."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from listed import Suite, grouped, read, table, with_tables
from rebound import functions_naming, rebound, source_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "differences.md"

MODULE = '''"""Tests of a package."""
from decimal import (
    Decimal,
)
import pytest


@pytest.mark.parametrize("kind", [Decimal, int])
def test_decorated(kind):
    assert kind(1) == 1


def test_used():
    assert Decimal("0.5") < 1


def test_of_something_else():
    """Decimal is named in the text only."""
    assert 1
'''


def test_a_copy_has_our_classes_from_the_first_decorator_on():
    text = rebound(MODULE, ["Decimal"], home="fractions_of_ours")
    before, after = text.split("from fractions_of_ours import Decimal\n")
    assert before.endswith("import pytest\n") and "@pytest" not in before
    assert before + after == MODULE


def test_tests_that_use_a_class_are_found_and_others_are_not():
    assert functions_naming(MODULE, ["Decimal"]) == {"test_decorated": False, "test_used": True}
    assert functions_naming(MODULE, ["Fraction"]) == {}


def test_a_module_is_read_without_importing_it():
    assert "class Decimal" in source_of("_pydecimal") and "_pydecimal" not in sys.modules
    assert source_of("no_such_package.tests") is None


def suite(**failures):
    return Suite("s", "pytest", "8", "m", ("C",), failures)


def test_an_entry_stands_for_all_parameters_or_for_some():
    whole = suite(test_a="because")
    assert whole.reason("test_a") == whole.reason("test_a[1-x]") == "because"
    assert whole.reason("test_ab") is None
    some = Suite("s", "pytest", "8", "m", ("C",), {"test_a[*-x.y]": "so"})
    assert some.reason("test_a[1-x.y]") == "so"
    for other in ("test_a", "test_a[1-xzy]", "test_a[1-x.y-2]"):
        assert some.reason(other) is None


def test_failures_are_listed_by_function_unless_some_of_its_tests_pass():
    failed = ["test_a[1]", "test_a[2]", "test_b[1]"]
    assert grouped(failed, ["test_b[2]"]) == ["test_a", "test_b[1]"]


def test_the_version_that_is_installed_is_compared_by_its_numbers():
    assert suite().installed == pytest.__version__
    major, minor = pytest.__version__.split(".")[:2]
    for version, same in ((major, True), (f"{major}.{minor}", True), (major[:-1] + "0", False)):
        assert Suite("s", "pytest", version, "m", ("C",)).is_listed_version is same
    assert Suite("s", "no-such-package", "1", "m", ("C",)).installed is None


@pytest.mark.parametrize("reason", ["", "twice"])
def test_a_list_with_a_mistake_is_refused(tmp_path, reason):
    tests = '["test_a", "test_a"]' if reason else '["test_a"]'
    head = 's = {package = "p", version = "1", module = "m", classes = ["C"], '
    file = tmp_path / "peers.toml"
    file.write_text(f'{head}failures = [{{tests = {tests}, reason = "{reason}"}}]}}\n')
    with pytest.raises(ValueError, match="test_a is listed"):
        read(file)


def test_a_suite_is_interpreted_usual_and_quick_unless_the_list_says_otherwise(tmp_path):
    row = 'package = "p"\nversion = "1"\nmodule = "m"\nclasses = ["C"]\n'
    file = tmp_path / "peers.toml"
    more = 'compiled = true\non_request = true\nslow = ["test_a[*x]"]\n'
    file.write_text(f"[s]\n{row}[t]\n{row}{more}")
    assert [suite.is_slow("test_a[1-x]") for suite in read(file).values()] == [False, True]
    assert not any(suite.is_slow("test_a[y]") for suite in read(file).values())
    assert [suite.compiled for suite in read(file).values()] == [False, True]
    assert [suite.on_request for suite in read(file).values()] == [False, True]


def test_tables_stand_between_their_marks():
    one = suite(**{"test_a": "because"})
    marked = "x\n<!-- table: s -->\nold\n<!-- end -->\ny\n"
    text = with_tables(marked, {"s": one})
    assert text == f"x\n<!-- table: s -->\n{table(one)}\n<!-- end -->\ny\n"
    assert "| `test_a` | because |" in text
    assert with_tables(text, {"s": one}) == text


def test_the_documentation_has_the_reason_of_every_failure():
    """If not: python tests/peers --docs"""
    text, suites = DOCUMENT.read_text(), read()
    for name in suites:
        assert f"<!-- table: {name} -->" in text
    assert with_tables(text, suites) == text
