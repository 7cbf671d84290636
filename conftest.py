"""Settings of all tests and of the tiny runs of all benchmarks."""

import gc
import os
import signal

import numba
import pytest
from hypothesis import HealthCheck, settings

# No deadlines: the first example of a test may compile a kernel.
settings.register_profile(
    "dev", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci", parent=settings.get_profile("dev"), derandomize=True, max_examples=10
)
settings.register_profile("few", parent=settings.get_profile("ci"), max_examples=6)
settings.register_profile("nightly", parent=settings.get_profile("dev"), max_examples=2000)

# Tests have tiny programs, and often the other core has work: helpers would only take time. The
# tests of helpers set it themselves.
os.environ.setdefault("STRADS_COMPILERS", "1")

# A shell ignores Ctrl-C for what it starts in the background, and so would all that we start. Tests
# send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


def pytest_addoption(parser):
    """Add the option with which CI runs everything."""
    parser.addoption(
        "--runslow", action="store_true", help="also run tests that are marked as slow"
    )


def pytest_collection_finish():
    """Spare the garbage collector what has been imported, which stays until the end."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config, items):
    """Leave slow tests out unless they are asked for; worker processes need compiled kernels."""
    named = any("::" in argument for argument in config.args)
    if not config.getoption("--runslow") and not named:
        marks = {"slow", "compiled" if numba.config.DISABLE_JIT else "compiles"}
        slow = [item for item in items if not marks.isdisjoint(item.keywords)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if marks.isdisjoint(item.keywords)]
    if not numba.config.DISABLE_JIT:
        return
    skip = pytest.mark.skip(reason="worker processes need the JIT")
    for item in items:
        if "processes" in item.keywords:
            item.add_marker(skip)
