"""Runs the tests that other packages ship, with our classes in place of theirs.

    python tests/peers [SUITE …]      run suites, compare with peers.toml; by default all that do
                                      not say that they want to be named
    python tests/peers --runslow      the same with the tests that the list calls slow
    python tests/peers SUITE --list   print what fails in the form of peers.toml
    python tests/peers --docs         renew the tables in docs/differences.md, run nothing

The exit code is 1 if a test fails that peers.toml does not list. A listed test that passes is
reported. Where another version of the package is installed than the one that the list is for,
tests that fail are reported, and do not count.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Interpreted, unless a suite says otherwise: the data are tiny, and to compile takes longer. To be
# set before Numba is imported.
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

import numpy as np
import pytest
from listed import FILE, Suite, grouped, read, stands_for, with_tables
from rebound import functions_naming, rebound, source_of

INTERPRETED = os.environ["NUMBA_DISABLE_JIT"] == "1"
DOCUMENT = Path(__file__).parents[2] / "docs" / "differences.md"


@dataclass
class Outcome:
    """A pytest plugin: chooses tests, has the fixtures that they need, notes what happens.

    Parameters
    ----------
    suite : Suite
    chosen : dict of str to bool
        Test functions that use its classes, and whether their bodies do.
    slow : bool
        Whether to run slow tests, too.
    """

    suite: Suite
    chosen: dict[str, bool]
    slow: bool
    left_out: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @pytest.fixture
    def global_random_seed(self) -> int:
        """The seed that scikit-learn's tests have by default."""
        return 42

    @pytest.fixture
    def global_dtype(self) -> type:
        """The type that scikit-learn's tests have by default."""
        return np.float64

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out tests that use none of our classes, and slow ones that are not asked for."""
        ours = [item for item in items if self._ours(item)]
        if not self.slow:
            self.left_out = [item.name for item in ours if self.suite.is_slow(item.name)]
        items[:] = [item for item in ours if item.name not in self.left_out]

    def _ours(self, item: pytest.Item) -> bool:
        in_body = self.chosen.get(getattr(item, "originalname", item.name))
        parameters = getattr(item, "callspec", None)
        if in_body is None or in_body or parameters is None:
            return in_body is not None
        return any(
            getattr(p, "__name__", "") in self.suite.classes for p in parameters.params.values()
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test's result; an error in its fixtures is a failure, too."""
        name = report.nodeid.rpartition("::")[2]
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.failed[name] = (crash.message if crash else str(report.longrepr)).splitlines()[0]
        elif report.when == "call" and report.passed:
            self.passed.append(name)


def in_a_process(suite: Suite, slow: bool) -> bool:
    """Run a suite with compiled kernels; return whether no test failed that is not listed."""
    compiled = {**os.environ, "NUMBA_DISABLE_JIT": "0"}
    command = [sys.executable, str(Path(__file__).parent), suite.name, *["--runslow"] * slow]
    return subprocess.run(command, env=compiled, check=False).returncode == 0


def run(suite: Suite, text: str, slow: bool) -> Outcome:
    """Run a suite in this process."""
    outcome = Outcome(suite, functions_naming(text, suite.classes), slow)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        copy = Path(folder, f"test_{suite.name.replace('-', '_')}_with_our_classes.py")
        copy.write_text(rebound(text, suite.classes))
        options = ["-q", "--no-header", "--no-summary", "--tb=short", "-W", "ignore"]
        pytest.main([str(copy), "--rootdir", folder, *options], plugins=[outcome])
    if not (outcome.passed or outcome.failed):
        raise SystemExit(f"{suite.name}: no test ran; is {suite.module} still what it was?")
    return outcome


def unexpected(suite: Suite, outcome: Outcome) -> Iterator[str]:
    """Yield a line for every test that fails and is not listed."""
    for test, message in outcome.failed.items():
        if suite.reason(test) is None:
            yield f"  FAILED {test}: {message[:200]}"


def outdated(suite: Suite, outcome: Outcome) -> Iterator[str]:
    """Yield a line for every test that is listed, and passes or does not exist."""
    for test in outcome.passed:
        if suite.reason(test) is not None:
            yield f"  passes, but is listed as failing: {test}"
    there = [*outcome.passed, *outcome.failed, *outcome.left_out]
    for named in suite.failures:
        if not any(stands_for(named, test) for test in there):
            yield f"  is listed as failing, but does not exist: {named}"
    for named in suite.slow:
        if not any(stands_for(named, test) for test in there):
            yield f"  is listed as slow, but does not exist: {named}"


def report(suite: Suite, slow: bool) -> bool:
    """Run a suite and print what happened; return whether no test failed that is not listed."""
    text = source_of(suite.module)
    if text is None:
        print(f"{suite.name}: skipped, since {suite.package} is not installed")
        return True
    outcome = run(suite, text, slow)
    left_out = f", {len(outcome.left_out)} slow ones left out" if outcome.left_out else ""
    print(
        f"{suite.name} ({', '.join(suite.classes)}; {suite.package} {suite.installed}): "
        f"{len(outcome.passed)} passed, {len(outcome.failed)} failed{left_out}"
    )
    wrong = list(unexpected(suite, outcome))
    for line in (*wrong, *outdated(suite, outcome)):
        print(line)
    if wrong and not suite.is_listed_version:
        print(f"  {FILE.name} is for {suite.package} {suite.version}: these do not count")
    return not wrong or not suite.is_listed_version


def print_list(suite: Suite) -> None:
    """Run a suite, and print what fails as the list has it, with the beginning of each error."""
    text = source_of(suite.module)
    if text is None:
        raise SystemExit(f"{suite.package} is not installed")
    outcome = run(suite, text, slow=True)
    for named in grouped(outcome.failed, outcome.passed):
        message = next(m for test, m in outcome.failed.items() if stands_for(named, test))
        print(f'    "{named}",  # {message[:100]}')


def main() -> int:
    """Do what the command line asks for; return the exit code."""
    suites = read()
    parser = argparse.ArgumentParser(
        prog="python tests/peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suite", nargs="*", help=f"one of {', '.join(suites)}")
    parser.add_argument("--runslow", action="store_true", help="also run tests listed as slow")
    parser.add_argument("--list", action="store_true", help="print what fails as peers.toml has it")
    parser.add_argument("--docs", action="store_true", help="renew the tables in the documentation")
    asked = parser.parse_args()
    unknown = [name for name in asked.suite if name not in suites]
    if unknown:
        parser.error(f"{unknown[0]!r} is not one of {', '.join(suites)}")
    if asked.docs:
        DOCUMENT.write_text(with_tables(DOCUMENT.read_text(), suites))
        return 0
    usual = [name for name, suite in suites.items() if not suite.on_request]
    chosen = [suites[name] for name in asked.suite or usual]
    if asked.list:
        for suite in chosen:
            print_list(suite)
        return 0
    passed = [
        (in_a_process if suite.compiled and INTERPRETED else report)(suite, asked.runslow)
        for suite in chosen
    ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
